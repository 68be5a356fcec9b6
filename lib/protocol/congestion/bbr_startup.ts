import { type RoundSignals, showsQueue } from "./bbr_rounds.ts";
import type { AckEvent } from "./congestion_controller.ts";

/** Growth of the bandwidth in a round below which the pipe is taken for full, */
const FULL_BW_GROWTH = 1.25;
/** after so many rounds (draft-ietf-ccwg-bbr, section 5.3.1.2). */
const FULL_BW_ROUNDS = 3;
/** The share of the window that is in flight when the window, not the machine, holds the sender back. */
const FULL_WINDOW = 0.9;

/**
 * Tells when Startup has filled the pipe (draft-ietf-ccwg-bbr, sections 5.3.1.2
 * and 5.3.1.3). A round without growth tells something only if the path was
 * asked for more: a busy machine may send less than the model says. Where a
 * queue stood and much was lost, one such round is enough; either alone would
 * not be, since the path may have it anyhow.
 */
export class FullPipe {
  #bandwidth = 0;
  #rounds = 0;
  filled = false;

  /**
   * A round has ended.
   *
   * @param bandwidth bytes per millisecond, at most so far
   */
  onRound(
    bandwidth: number,
    signals: RoundSignals,
    minRtt: number,
    congestionWindow: number,
  ): void {
    if (bandwidth >= this.#bandwidth * FULL_BW_GROWTH) {
      this.#bandwidth = bandwidth;
      this.#rounds = 0;
      return;
    }
    const queued = signals.isQueued(minRtt);
    const lossy = signals.lostTooMuch(0);
    const windowFull = signals.maxInFlight >= FULL_WINDOW * congestionWindow;
    if (queued || lossy || windowFull) this.#rounds++;
    this.filled = queued && lossy || this.#rounds >= FULL_BW_ROUNDS;
  }
}

/** The share of a flight that has to arrive before its rate counts, */
const MIN_FLIGHT = 0.5;
/** and the milliseconds that it has to take: clocks and schedulers are no finer. */
const MIN_INTERVAL = 1;
/** The next flight may be sent this much faster at once: more would overrun others who just begin. */
const FLIGHT_GAIN = 1.25;

/**
 * How fast a flight arrives, from its first acknowledgement on. A delivery rate
 * is that of a whole round trip; a flight that is shorter was sent, and arrived,
 * at a higher one. If it has met no queue, the path carries that and more, and
 * need not be asked by doubling. Bytes per millisecond.
 */
export class FlightRate {
  #ackTime = 0;
  #sentTime = 0;
  #flight = Infinity;
  #acked = 0;

  /** How fast the next one may be sent at least; 0 before that can be told. */
  next = 0;

  /** The first acknowledgement of a flight. */
  onRound({ now, sentTime, priorInFlight }: AckEvent): void {
    this.#ackTime = now;
    this.#sentTime = sentTime;
    this.#flight = priorInFlight;
    this.#acked = 0;
  }

  /** Any other: acknowledgements that come together count no more than what was sent. */
  onAcked(event: AckEvent, minRtt: number): void {
    const { now, sentTime, ackedBytes, rttSample } = event;
    this.#acked += ackedBytes;
    if (rttSample !== undefined && showsQueue(rttSample, minRtt)) {
      this.#flight = Infinity;
    }
    if (this.#acked < MIN_FLIGHT * this.#flight) return;
    const interval = Math.max(now - this.#ackTime, sentTime - this.#sentTime);
    if (interval < MIN_INTERVAL) return;
    const rate = this.#acked / interval;
    this.next = Math.max(this.next, FLIGHT_GAIN * rate);
  }
}
