import type { Channel } from "../endpoint/channel.ts";
import type { TransferEvent } from "../transfer/events.ts";
import type { Offer } from "../transfer/wire/messages.ts";
import type { OnEvent, Summary } from "./events.ts";
import type { Checked, Watcher } from "./options.ts";

/** Milliseconds over which the rate is measured. */
const RATE_SPAN = 3000;
/** Milliseconds from the handshake to the first content beyond which a person has kept it waiting, which does not count. */
const DECISION_TIME = 3000;
/** Milliseconds without a datagram that count as silence: longer than a PING and its answer take. */
const UNUSUAL_SILENCE = 6000;
/** Milliseconds between progress events unless the options say otherwise. */
const DEFAULT_PROGRESS_INTERVAL = 500;

/** Progress of files of a tree that are closer than this, in bytes, is reported as one. */
const ENTRY_GRAIN = 1 << 16;

/** A file of a tree whose turn has come, and what came before it. */
type EntryProgress = Omit<Extract<TransferEvent, { type: "entry" }>, "type">;

/** What the connection has to say at the end. */
type Totals = Pick<
  Summary,
  | "time"
  | "kept"
  | "datagramsSent"
  | "retransmissions"
  | "duplicates"
  | "path"
>;

/** Measures a rate from a count that grows, over the last seconds. */
export class RateMeter {
  #samples: { time: number; count: number }[] = [];

  /**
   * Takes the count at `time`, in milliseconds on any clock.
   *
   * @returns its recent growth per second; 0 at first
   */
  sample(time: number, count: number): number {
    const samples = this.#samples;
    samples.push({ time, count });
    while (samples.length > 2 && samples[1]!.time <= time - RATE_SPAN) {
      samples.shift();
    }
    const first = samples[0]!;
    const span = time - first.time;
    return span > 0 ? 1000 * (count - first.count) / span : 0;
  }
}

/** Follows one transfer, and tells how far it has come, and how it has ended. */
export class ProgressTracker {
  #bytes = 0;
  /** Bytes of all content, if known. */
  #size: number | undefined;
  /** Bytes of content that the receiver had before. */
  #kept = 0;
  /** The number of files of a tree, if known. */
  #files: number | undefined;
  /** Files of a tree, the one whose turn it is at the other side first. */
  #entries: EntryProgress[] = [];

  readonly #channel: Channel;
  readonly #on: OnEvent;
  readonly #watcher: Watcher | undefined;
  readonly #interval: number;
  readonly #pending: (() => number) | undefined;
  readonly #meter = new RateMeter();
  #begin = performance.now();
  /** Datagrams before the content: unanswered SYNs say nothing about the path. */
  #before = { datagramsSent: 0, retransmissions: 0 };
  #timer: ReturnType<typeof setInterval> | undefined;

  /** The datagrams received so far, and when that number last changed. */
  #heard = { count: 0, time: performance.now() };

  /** @param pending at a sender: how many of the bytes are not at the other side yet */
  constructor(
    channel: Channel,
    { size, files }: Pick<Offer, "size" | "files">,
    { on, progressInterval = DEFAULT_PROGRESS_INTERVAL, watch }: Pick<
      Checked,
      "on" | "progressInterval" | "watch"
    >,
    pending?: () => number,
  ) {
    this.#channel = channel;
    this.#size = size;
    this.#files = files;
    this.#on = on;
    this.#interval = progressInterval;
    this.#watcher = watch?.(channel);
    this.#pending = pending;
  }

  /** The handshake is complete: the clock starts. */
  start(): void {
    this.#watcher?.start();
    this.#begin = performance.now();
    const { datagramsSent, retransmissions } = this.#channel.counters;
    this.#before = { datagramsSent, retransmissions };
    this.#meter.sample(this.#begin, 0);
    if (Number.isFinite(this.#interval)) {
      this.#timer = setInterval(() => {
        // Deno 2.5 calls once more what was cleared as it was due
        if (this.#timer !== undefined) this.#emit();
      }, this.#interval);
    }
  }

  /** Bytes of the content so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Updates the bytes of content so far. */
  advance(bytes: number): void {
    const now = performance.now();
    if (this.#bytes === 0 && now - this.#begin > DECISION_TIME) {
      this.#begin = now;
    }
    this.#bytes = bytes;
  }

  /** Takes an event of the transfer, and passes it on unless it repeats another. */
  take(event: TransferEvent): void {
    switch (event.type) {
      case "entry":
        this.#takeEntry(event);
        break;
      case "total":
        this.#size = event.bytes;
        this.#files = event.files;
        break;
      case "kept":
        if (this.#kept === 0 && !event.existing) {
          const { existing: _, ...resumed } = event;
          this.#on({ ...resumed, type: "resumed" });
        }
        this.#kept += event.bytes;
        break;
      default:
        this.#on(event);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** It is complete: emits the last events. */
  async done(result: Omit<Summary, keyof Totals>): Promise<Summary> {
    const reports = this.#timer !== undefined;
    this.stop();
    if (reports) this.#emit(0);
    const summary = { ...result, ...this.totals() };
    await this.#watcher?.done(summary);
    this.#on({ type: "done", ...summary });
    return summary;
  }

  async failed(error: unknown): Promise<void> {
    this.stop();
    await this.#watcher?.failed(error);
  }

  totals(): Totals {
    const { counters } = this.#channel;
    const before = this.#before;
    return {
      time: performance.now() - this.#begin,
      kept: this.#kept,
      datagramsSent: counters.datagramsSent - before.datagramsSent,
      retransmissions: counters.retransmissions - before.retransmissions,
      duplicates: counters.duplicatesReceived,
      path: this.#channel.path,
    };
  }

  #takeEntry(entry: EntryProgress): void {
    if (this.#timer === undefined) return;
    const entries = this.#entries;
    const before = entries.at(-2);
    if (before && entry.bytes - before.bytes < ENTRY_GRAIN) entries.pop();
    entries.push(entry);
  }

  /** @param pending how many of the bytes are not at the other side yet */
  #emit(pending = this.#pending?.() ?? 0): void {
    const now = performance.now();
    const { counters, smoothedRtt } = this.#channel;
    const bytes = Math.max(0, this.#bytes - pending);
    const entries = this.#entries;
    while (entries[1] && entries[1].bytes <= bytes) entries.shift();
    const { path, files } = entries[0] ?? {};
    // It may have grown since it was counted
    const size = bytes > (this.#size ?? Infinity) ? undefined : this.#size;
    const { datagramsReceived: count } = counters;
    if (count !== this.#heard.count) this.#heard = { count, time: now };
    const silence = now - this.#heard.time;
    const silent = silence >= UNUSUAL_SILENCE;
    const sends = this.#pending !== undefined;
    const { retransmissions, datagramsSent } = this.totals();
    this.#on({
      type: "progress",
      bytes,
      size,
      entry: path,
      files,
      totalFiles: files === undefined ? undefined : this.#files,
      rate: this.#meter.sample(now, Math.max(0, bytes - this.#kept)),
      time: now - this.#begin,
      rtt: sends ? smoothedRtt : undefined,
      resent: sends ? retransmissions / Math.max(1, datagramsSent) : undefined,
      silence: silent ? silence : undefined,
      timeout: silent ? this.#channel.timeout : undefined,
      path: this.#channel.path,
    });
  }
}
