import type { Channel } from "../endpoint/channel.ts";
import type { TransferEvent } from "../transfer/events.ts";
import type { OnEvent, Summary } from "./events.ts";
import type { SessionOptions } from "./options.ts";

/** Milliseconds over which the rate is measured. */
const RATE_SPAN = 3000;
/** Milliseconds from the handshake to the first content after which a person has let it wait: no time of the transfer. */
const DECISION_TIME = 3000;
/** Milliseconds between progress events unless the options say otherwise. */
const DEFAULT_PROGRESS_INTERVAL = 500;

/** Measures a rate from a count that grows, over the last seconds. */
export class RateMeter {
  #samples: { time: number; count: number }[] = [];

  /**
   * Takes the count at `time`, in milliseconds on any clock.
   *
   * @returns how much it grew per millisecond of late; 0 at first
   */
  sample(time: number, count: number): number {
    const samples = this.#samples;
    samples.push({ time, count });
    while (samples.length > 2 && samples[1]!.time <= time - RATE_SPAN) {
      samples.shift();
    }
    const first = samples[0]!;
    const span = time - first.time;
    return span > 0 ? (count - first.count) / span : 0;
  }
}

/** Follows one transfer, and emits events of how far it has come. */
export class ProgressTracker {
  #bytes = 0;
  /** Bytes of the content in all, where that is known. */
  size: number | undefined;
  /** Bytes of the content that were at the receiver before. */
  #kept = 0;
  /** The file whose turn it is, of a tree. */
  #entry: string | undefined;

  readonly #channel: Channel;
  readonly #on: OnEvent | undefined;
  readonly #interval: number;
  readonly #pending: () => number;
  readonly #meter = new RateMeter();
  #begin = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param pending how many of the bytes are not at the other side yet */
  constructor(
    channel: Channel,
    { on, progressInterval = DEFAULT_PROGRESS_INTERVAL }: Pick<
      SessionOptions,
      "on" | "progressInterval"
    >,
    pending: () => number = () => 0,
  ) {
    this.#channel = channel;
    this.#on = on;
    this.#interval = progressInterval;
    this.#pending = pending;
  }

  /** The handshake is complete: the clock starts. */
  start(): void {
    this.#begin = performance.now();
    this.#meter.sample(this.#begin, 0);
    if (this.#on !== undefined && Number.isFinite(this.#interval)) {
      this.#timer = setInterval(() => this.#emit(), this.#interval);
    }
  }

  /** Takes how many bytes of the content have come so far. */
  advance(bytes: number): void {
    const now = performance.now();
    if (this.#bytes === 0 && now - this.#begin > DECISION_TIME) {
      this.#begin = now;
    }
    this.#bytes = bytes;
  }

  /** Takes an event of the transfer, and passes it on if it is news. */
  take(event: TransferEvent): void {
    switch (event.type) {
      case "entry":
        this.#entry = event.path;
        break;
      case "kept":
        if (this.#kept === 0) this.#on?.({ ...event, type: "resumed" });
        this.#kept += event.bytes;
        break;
      default:
        this.#on?.(event);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What the summary has besides the digest. */
  totals(): Pick<
    Summary,
    "time" | "kept" | "datagramsSent" | "retransmissions" | "duplicates"
  > {
    const { counters } = this.#channel;
    return {
      time: performance.now() - this.#begin,
      kept: this.#kept,
      datagramsSent: counters.datagramsSent,
      retransmissions: counters.retransmissions,
      duplicates: counters.duplicatesReceived,
    };
  }

  #emit(): void {
    const now = performance.now();
    const { counters, smoothedRtt } = this.#channel;
    const bytes = Math.max(0, this.#bytes - this.#pending());
    this.#on?.({
      type: "progress",
      bytes,
      size: this.size,
      entry: this.#entry,
      rate: this.#meter.sample(now, Math.max(0, bytes - this.#kept)),
      time: now - this.#begin,
      rtt: smoothedRtt,
      resent: counters.retransmissions / Math.max(1, counters.datagramsSent),
    });
  }
}
