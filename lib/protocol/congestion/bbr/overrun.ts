/**
 * Deviation from the draft: Startup ends as soon as the first acknowledgements of
 * a flight show that the path carries a small part of it, and how fast. The draft
 * waits for three rounds without growth, or for one with heavy loss.
 *
 * Reason: the first window (see {@linkcode FastStart}) is 3 s of a path of 1 Mbit/s,
 * which drops most of it, and two larger ones followed. In the simulator, 1 MB over
 * 1 Mbit/s, 200 ms and 5% of loss take 8.9 s instead of 9.3 s, with 26% sent again
 * instead of 47%; 1 MB over 20 Mbit/s and 50 ms sends 16% again instead of 42%.
 * Others gain by it.
 *
 * @module
 */
import type { AckEvent } from "../congestion_controller.ts";
import { showsQueue } from "./round.ts";

/** A flight overruns the path if the rest of it would take more round trips than this to arrive. */
const REST_ROUND_TRIPS = 1.5;
/** Share of the round trip for which acknowledgements must have come. */
const MIN_SHARE = 1 / 2;
/** Datagrams, acknowledged one after the other, that are one sample of the rate. */
const SAMPLE_DATAGRAMS = 4;
/** Samples of which the highest counts: a machine that stands still spoils one. */
const MIN_SAMPLES = 2;
/** Milliseconds; within a shorter round trip, a busy machine looks like a slow path. */
const MIN_RTT = 10;

/** Measures how fast a flight arrives, from its first acknowledgement on. */
export class Overrun {
  #datagramSize = 0;
  #flight = 0;
  #start = 0;
  #acked = 0;
  #isQueued = false;
  #sampleStart = 0;
  #sampleAcked = 0;
  #samples = 0;
  #rate = 0;

  onPath(datagramSize: number): void {
    this.#datagramSize = datagramSize;
  }

  /** The first acknowledgement of a flight. */
  onRound({ now, priorInFlight }: AckEvent): void {
    this.#flight = priorInFlight;
    this.#start = this.#sampleStart = now;
    this.#acked = this.#sampleAcked = 0;
    this.#isQueued = false;
    this.#samples = 0;
    this.#rate = 0;
  }

  /** Any further one. */
  onAcked({ now, ackedBytes, rttSample }: AckEvent, minRtt: number): void {
    this.#acked += ackedBytes;
    this.#sampleAcked += ackedBytes;
    if (rttSample !== undefined && showsQueue(rttSample, minRtt)) {
      this.#isQueued = true;
    }
    if (this.#sampleAcked < SAMPLE_DATAGRAMS * this.#datagramSize) return;
    const rate = this.#sampleAcked / (now - this.#sampleStart);
    this.#rate = Math.max(this.#rate, rate);
    this.#samples++;
    this.#sampleStart = now;
    this.#sampleAcked = 0;
  }

  /** How fast a flight arrives that overruns the path, in bytes per millisecond; 0 if it does not. */
  rateAt(now: number, minRtt: number): number {
    if (
      !this.#isQueued || this.#samples < MIN_SAMPLES || minRtt < MIN_RTT ||
      now - this.#start < MIN_SHARE * minRtt
    ) return 0;
    const rest = this.#flight - this.#acked;
    return rest > REST_ROUND_TRIPS * minRtt * this.#rate ? this.#rate : 0;
  }
}
