import process from "node:process";
import type { Channel } from "../../endpoint/channel.ts";
import type { LimitedTimes } from "../../protocol/sending/limit_clock.ts";

/** The state of a transfer at a moment. Counts and times are since its beginning. */
export interface Sample {
  readonly time: number;
  /** Of datagrams: acknowledged by the receiver, or arrived from the sender. */
  readonly bytes: number;
  /** Sent, or arrived. */
  readonly datagrams: number;
  /** Datagrams among them that were sent again, or that brought nothing new. */
  readonly repeated: number;
  /** The latest round trip in milliseconds, once there was one. */
  readonly rtt: number | undefined;
  readonly congestionWindow: number;
  readonly bytesInFlight: number;
  /** Bytes that have arrived and wait for their reader. */
  readonly unread: number;
  /** Milliseconds for which each thing held this side back. */
  readonly limited: LimitedTimes;
  /** Milliseconds for which nobody here was ready for what arrives. */
  readonly unreadTime: number;
  /** Milliseconds of CPU time that the process took. */
  readonly cpuTime: number;
}

/** More samples than a picture shows. */
const MAX_SAMPLES = 512;
/** Milliseconds between samples at first. */
const FIRST_INTERVAL = 10;

/**
 * Samples over a whole transfer, however long it takes: when they become too
 * many, every second one goes, and from then on half as many come.
 */
export class TimeSeries {
  #samples: Sample[] = [];

  /** Milliseconds between samples from now on. */
  interval = FIRST_INTERVAL;

  /** Takes a sample, which is later than those before. */
  add(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length <= MAX_SAMPLES) return;
    // An odd number: the last one stays
    this.#samples = this.#samples.filter((_, i) => i % 2 === 0);
    this.interval *= 2;
  }

  /** The samples, at most `count`, evenly spread; the first and the last among them. */
  samples(count = MAX_SAMPLES): Sample[] {
    const all = this.#samples;
    if (all.length <= count) return [...all];
    const step = (all.length - 1) / (count - 1);
    return Array.from({ length: count }, (_, i) => all[Math.round(i * step)]!);
  }
}

/** Samples a channel over the course of a transfer. */
export class Sampler {
  readonly #channel: Channel;
  readonly #sends: boolean;
  readonly #series = new TimeSeries();
  readonly #cpuBefore = cpuTime();
  #begin = performance.now();
  #unreadBefore = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

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
    if (this.#timer !== undefined && !this.#stopped) {
      clearTimeout(this.#timer);
      this.#stopped = true;
      this.#series.add(this.#sample());
    }
    return this.#series;
  }

  #tick(): void {
    // Deno 2.5 may fire a timer that was cleared when it was due
    if (this.#stopped) return;
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
