import type { Channel } from "../endpoint/channel.ts";
import { RateMeter } from "./rate_meter.ts";
import type { Listener, Summary } from "./listener.ts";

/** Milliseconds from the handshake to the first content that only a person takes. */
const LONG = 3000;

/** Follows one transfer and tells the listener how far it has come. */
export class ProgressFeed {
  #bytes = 0;
  /** Bytes of the content in all, where that is known. */
  size: number | undefined;
  /** Bytes of the content that were at the receiver before. */
  kept = 0;
  /** The file whose turn it is, of a tree. */
  entry: string | undefined;

  #channel: Channel;
  #listener: Listener;
  #pending: () => number;
  #meter = new RateMeter();
  #begin = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param pending how many of the bytes are not at the other side yet */
  constructor(
    channel: Channel,
    listener: Listener,
    pending: () => number = () => 0,
  ) {
    this.#channel = channel;
    this.#listener = listener;
    this.#pending = pending;
  }

  /** The handshake is complete: the clock starts. */
  start(): void {
    this.#begin = performance.now();
    this.#meter.sample(this.#begin, 0);
    const interval = this.#listener.progressInterval;
    if (interval !== undefined) {
      this.#timer = setInterval(() => this.#tell(), interval);
    }
  }

  /** Bytes of the content so far. */
  get bytes(): number {
    return this.#bytes;
  }

  set bytes(bytes: number) {
    const now = performance.now();
    // For which a person at the other side let it wait is no time of the transfer
    if (this.#bytes === 0 && now - this.#begin > LONG) this.#begin = now;
    this.#bytes = bytes;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What the summary says besides the digest. */
  totals(): Pick<
    Summary,
    "time" | "kept" | "datagramsSent" | "retransmissions" | "duplicates"
  > {
    const { counters } = this.#channel;
    return {
      time: performance.now() - this.#begin,
      kept: this.kept,
      datagramsSent: counters.datagramsSent,
      retransmissions: counters.retransmissions,
      duplicates: counters.duplicatesReceived,
    };
  }

  #tell(): void {
    const now = performance.now();
    const { counters, smoothedRtt } = this.#channel;
    const bytes = Math.max(0, this.bytes - this.#pending());
    this.#listener.progress({
      bytes,
      size: this.size,
      entry: this.entry,
      rate: this.#meter.sample(now, Math.max(0, bytes - this.kept)),
      time: now - this.#begin,
      rtt: smoothedRtt,
      resent: counters.retransmissions / Math.max(1, counters.datagramsSent),
    });
  }
}
