import type { AckEvent } from "../congestion_controller.ts";

/** A round trip of more than this many minima shows a queue. */
const QUEUE_RATIO = 1.1;
/** Milliseconds that a round trip must be longer than that: clocks and schedulers are no finer. */
const QUEUE_MARGIN = 1;

/** Whether a round trip of `rtt` milliseconds has met a queue. */
export function showsQueue(rtt: number, minRtt: number): boolean {
  return rtt > minRtt * QUEUE_RATIO + QUEUE_MARGIN;
}

/** BBR.round_count (section 5.5.1), and what happened in the current round. Sizes in bytes. */
export class Round {
  /** Rounds so far. */
  count = 0;
  /** Bytes acknowledged. */
  acked = 0;
  /** Bytes declared lost. */
  lost = 0;
  /** Acknowledgements that arrived. */
  ackEvents = 0;
  /** The most that was in flight. */
  maxInflight = 0;
  /** The most that was in flight when what arrives in this round was sent. */
  txInflight = 0;
  #nextRoundDelivered = 0;
  #minRtt = Infinity;

  /**
   * Counts an acknowledgement.
   *
   * @returns whether it ends the round: what was sent at its beginning has arrived
   */
  update({ rate, ackedBytes, priorInFlight, rttSample }: AckEvent): boolean {
    this.acked += ackedBytes;
    this.ackEvents++;
    this.maxInflight = Math.max(this.maxInflight, priorInFlight);
    if (rttSample !== undefined && rttSample < this.#minRtt) {
      this.#minRtt = rttSample;
    }
    if (rate.priorDelivered < this.#nextRoundDelivered) return false;
    this.#nextRoundDelivered = rate.priorDelivered + rate.delivered;
    this.count++;
    return true;
  }

  /** Whether even the shortest round trip of the round met a queue. */
  isQueued(minRtt: number): boolean {
    return showsQueue(this.#minRtt, minRtt);
  }

  /** The next round begins. */
  clear(): void {
    this.acked = 0;
    this.lost = 0;
    this.ackEvents = 0;
    this.#minRtt = Infinity;
    this.txInflight = this.maxInflight;
    this.maxInflight = 0;
  }
}
