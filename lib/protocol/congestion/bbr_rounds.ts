import type { AckEvent } from "./congestion_controller.ts";

/** Loss on top of the path's own, in a round, that shows congestion (draft-ietf-ccwg-bbr, section 2.7). */
const LOSS_THRESHOLD = 0.02;
/** Standard deviations by which the loss in a round may exceed the path's by chance. */
const DEVIATIONS = 3;
/** A round trip that never came below this, relative to the minimum, shows a queue, */
const QUEUE_RATIO = 1.1;
/** and in milliseconds on top: clocks and schedulers are no finer. */
const QUEUE_MARGIN = 1;

/** Whether a round trip of `rtt` shows a queue, in milliseconds. */
export function showsQueue(rtt: number, minRtt: number): boolean {
  return rtt > minRtt * QUEUE_RATIO + QUEUE_MARGIN;
}

/** Counts round trips, and what happened in the current one. */
export class RoundSignals {
  #nextRoundDelivered = 0;
  #acked = 0;
  #lost = 0;
  #acknowledgements = 0;
  #minRtt = Infinity;
  #flight = 0;
  #previousFlight = 0;

  /** Rounds so far. */
  count = 0;

  /** Bytes that arrived in the round. */
  get delivered(): number {
    return this.#acked;
  }

  /** Bytes in flight at most in the round. */
  get maxInFlight(): number {
    return this.#flight;
  }

  /** Bytes in flight at most when what was settled in this round was sent. */
  get flight(): number {
    return this.#previousFlight;
  }

  /**
   * Takes an acknowledgement into the round.
   *
   * @returns whether the round ends with it: what was sent at its beginning has arrived
   */
  update(event: AckEvent): boolean {
    const { rate } = event;
    this.#acked += event.ackedBytes;
    this.#acknowledgements++;
    this.#flight = Math.max(this.#flight, event.priorInFlight);
    if (event.rttSample !== undefined && event.rttSample < this.#minRtt) {
      this.#minRtt = event.rttSample;
    }
    if (rate.priorDelivered < this.#nextRoundDelivered) return false;
    this.#nextRoundDelivered = rate.priorDelivered + rate.delivered;
    this.count++;
    return true;
  }

  /** Bytes were given up. */
  onLost(bytes: number): void {
    this.#lost += bytes;
  }

  /** Whether a queue has stood all through the round. */
  isQueued(minRtt: number): boolean {
    return showsQueue(this.#minRtt, minRtt);
  }

  /** Whether the round shows congestion: a queue stood all through it, and it overflowed. */
  congested(minRtt: number, randomLoss: number): boolean {
    return this.isQueued(minRtt) && this.lostTooMuch(randomLoss);
  }

  /** Whether more was lost in the round than the path loses anyhow. */
  lostTooMuch(randomLoss: number): boolean {
    if (this.#lost === 0) return false;
    const total = this.#acked + this.#lost;
    const share = this.#lost / total;
    // Each acknowledgement settles several packets: counted as one sample, it
    // leaves room for losses that come together.
    const samples = total / (this.#acked / this.#acknowledgements);
    const deviation = Math.sqrt(randomLoss * (1 - randomLoss) / samples);
    return share > randomLoss + LOSS_THRESHOLD + DEVIATIONS * deviation;
  }

  /** The next round begins. */
  clear(): void {
    this.#acked = 0;
    this.#lost = 0;
    this.#acknowledgements = 0;
    this.#minRtt = Infinity;
    this.#previousFlight = this.#flight;
    this.#flight = 0;
  }
}
