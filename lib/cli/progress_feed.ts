import type { Channel } from "../endpoint/channel.ts";
import { RateMeter } from "./rate_meter.ts";
import type { Reporter } from "./reporter.ts";
import type { Summary } from "./summary.ts";

/** Follows one transfer and tells the reporter how far it has come. */
export class ProgressFeed {
  /** Bytes of the content so far. */
  bytes = 0;
  /** Bytes of the content in all, where that is known. */
  size: number | undefined;

  #channel: Channel;
  #reporter: Reporter;
  #meter = new RateMeter();
  #begin = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(channel: Channel, reporter: Reporter) {
    this.#channel = channel;
    this.#reporter = reporter;
  }

  /** The handshake is complete: the clock starts. */
  start(): void {
    this.#begin = performance.now();
    this.#meter.sample(this.#begin, this.bytes);
    const interval = this.#reporter.progressInterval;
    if (interval !== undefined) {
      this.#timer = setInterval(() => this.#tell(), interval);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What the summary says besides the digest. */
  totals(): Pick<
    Summary,
    "time" | "datagramsSent" | "retransmissions" | "duplicates"
  > {
    const { counters } = this.#channel;
    return {
      time: performance.now() - this.#begin,
      datagramsSent: counters.datagramsSent,
      retransmissions: counters.retransmissions,
      duplicates: counters.duplicatesReceived,
    };
  }

  #tell(): void {
    const now = performance.now();
    const { counters, smoothedRtt } = this.#channel;
    this.#reporter.progress({
      bytes: this.bytes,
      size: this.size,
      rate: this.#meter.sample(now, this.bytes),
      time: now - this.#begin,
      rtt: smoothedRtt,
      resent: counters.retransmissions / Math.max(1, counters.datagramsSent),
    });
  }
}
