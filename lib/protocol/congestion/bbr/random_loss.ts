/**
 * Deviation from the draft: loss that the path has at any rate is measured and
 * made up for; only loss beyond it, together with a queue, is congestion. In
 * the draft more than 2% of loss in a round is congestion, whatever its cause.
 *
 * Reason: ferry is for wireless links, which lose packets at random. One flow
 * over 100 Mbit/s and 50 ms uses 0.88, 0.85 and 0.75 of the rate at 1, 5 and 20%
 * of loss, and 0.83, 0.79 and 0.59 as the draft has it; over 20 Mbit/s and 100 ms
 * with 2% of loss and a queue of 0.3 BDP it uses 0.93 instead of 0.73. Others pay
 * little: its share beside a CUBIC flow (50 Mbit/s, 40 ms) is 0.71 either way.
 * All figures are of the simulator (`tests/protocol/support/flows.ts`), means
 * over eight seeds where flows compete.
 *
 * @module
 */
import type { Round } from "./round.ts";

/** BBR.LossThresh: loss in a round, beyond the path's own, that shows congestion (section 2.8). */
const LOSS_THRESHOLD = 0.02;
/** Standard deviations by which the loss of a round may exceed the path's by chance. */
const DEVIATIONS = 3;

/** Packets that a sample of random loss consists of, at least. */
const MIN_SAMPLE_PACKETS = 50;
/** Weight of a new sample. */
const SAMPLE_WEIGHT = 0.5;
/** Share of random loss that is made up for, at most. */
const MAX_RANDOM_LOSS = 0.4;

/** Whether more was lost in `round` than a path with this share of random loss explains. */
export function lossExceeds(
  { acked, lost, ackEvents }: Round,
  randomLoss: number,
): boolean {
  if (lost === 0) return false;
  const total = acked + lost;
  // Losses come together, so what one acknowledgement settles is one sample.
  const samples = total / (acked / ackEvents);
  const deviation = Math.sqrt(randomLoss * (1 - randomLoss) / samples);
  return lost / total > randomLoss + LOSS_THRESHOLD + DEVIATIONS * deviation;
}

/**
 * Estimates random loss, which does not depend on the rate: it is what is lost
 * while less is sent than the path carries, once the queue is empty.
 */
export class RandomLoss {
  #drains = false;
  #drainFrom = Infinity;
  #drainTo = Infinity;
  // What was sent from here on has met no queue.
  #emptyFrom = Infinity;
  #acked = 0;
  #lost = 0;
  #sampled = false;
  #rate = 0;

  /** The share of packets that the path loses at any rate. */
  get rate(): number {
    return this.#rate;
  }

  /** How many times as much has to be sent for the same to arrive. */
  get compensation(): number {
    return 1 / (1 - this.#rate);
  }

  /** Whether `round` shows congestion: a queue stood all through it, and it overflowed. */
  isExceededBy(round: Round, minRtt: number): boolean {
    return round.isQueued(minRtt) && lossExceeds(round, this.#rate);
  }

  /** Less is sent from now on than the path carries. */
  onDrainStart(now: number): void {
    if (this.#drains) return;
    this.#takeSample();
    this.#drains = true;
    this.#drainFrom = now;
    this.#drainTo = Infinity;
    this.#emptyFrom = Infinity;
  }

  onDrainEnd(now: number): void {
    if (!this.#drains) return;
    this.#drains = false;
    this.#drainTo = now;
  }

  /** A packet that was sent at `sentTime` has met no queue. */
  onEmptyQueue(sentTime: number): void {
    if (this.#emptyFrom !== Infinity) return;
    if (sentTime >= this.#drainFrom) this.#emptyFrom = sentTime;
  }

  /** A packet that was sent at `sentTime` was acknowledged or declared lost. */
  onSettled(sentTime: number, lost: boolean): void {
    if (sentTime < this.#emptyFrom || sentTime >= this.#drainTo) return;
    if (lost) this.#lost++;
    else this.#acked++;
  }

  // When the next drain begins, all that was sent during the last is settled.
  #takeSample(): void {
    const count = this.#acked + this.#lost;
    if (count >= MIN_SAMPLE_PACKETS) {
      const sample = this.#lost / count;
      const weight = this.#sampled ? SAMPLE_WEIGHT : 1;
      this.#rate += weight * (sample - this.#rate);
      this.#rate = Math.min(this.#rate, MAX_RANDOM_LOSS);
      this.#sampled = true;
    }
    this.#acked = 0;
    this.#lost = 0;
  }
}
