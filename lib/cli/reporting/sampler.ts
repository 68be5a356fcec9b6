import process from "node:process";
import type { Channel } from "../../endpoint/channel.ts";
import { type Sample, TimeSeries } from "./time_series.ts";

/** Follows a channel over time. */
export class Recorder {
  readonly #channel: Channel;
  readonly #sends: boolean;
  readonly #series = new TimeSeries();
  readonly #cpuBefore = cpuTime();
  #begin = performance.now();
  #unreadBefore = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param sends whether the content goes out rather than comes in */
  constructor(channel: Channel, sends: boolean) {
    this.#channel = channel;
    this.#sends = sends;
  }

  /** The handshake is complete: the clock starts. */
  start(): void {
    this.#begin = performance.now();
    this.#unreadBefore = this.#channel.unreadTime;
    this.#tick();
  }

  /** Takes the last sample. @returns the samples, the first at time 0 */
  stop(): TimeSeries {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#series.add(this.#sample());
    }
    return this.#series;
  }

  #tick(): void {
    this.#series.add(this.#sample());
    this.#timer = setTimeout(() => this.#tick(), this.#series.interval);
  }

  #sample(): Sample {
    const { counters, unreadTime } = this.#channel;
    const measurement = this.#channel.stats();
    const sends = this.#sends;
    return {
      ...measurement,
      time: performance.now() - this.#begin,
      bytes: sends ? measurement.delivered : counters.bytesReceived,
      datagrams: sends ? counters.datagramsSent : counters.datagramsReceived,
      repeated: sends ? counters.retransmissions : counters.duplicatesReceived,
      rtt: measurement.latestRtt,
      unreadTime: unreadTime - this.#unreadBefore,
      cpuTime: cpuTime() - this.#cpuBefore,
    };
  }
}

/** Milliseconds of CPU time that this process has taken. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
