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
  #nextRoundDelivered = 0;
  #count = 0;
  #acked = 0;
  #lost = 0;
  #ackEvents = 0;
  #minRtt = Infinity;
  #maxInflight = 0;
  #txInflight = 0;

  /** Rounds so far. */
  get count(): number {
    return this.#count;
  }

  /** Bytes acknowledged. */
  get acked(): number {
    return this.#acked;
  }

  /** Bytes declared lost. */
  get lost(): number {
    return this.#lost;
  }

  /** Acknowledgements that arrived. */
  get ackEvents(): number {
    return this.#ackEvents;
  }

  /** The most that was in flight. */
  get maxInflight(): number {
    return this.#maxInflight;
  }

  /** The most that was in flight when what arrives in this round was sent. */
  get txInflight(): number {
    return this.#txInflight;
  }

  /**
   * Counts an acknowledgement.
   *
   * @returns whether it ends the round: what was sent at its beginning has arrived
   */
  update({ rate, ackedBytes, priorInFlight, rttSample }: AckEvent): boolean {
    this.#acked += ackedBytes;
    this.#ackEvents++;
    this.#maxInflight = Math.max(this.#maxInflight, priorInFlight);
    if (rttSample !== undefined && rttSample < this.#minRtt) {
      this.#minRtt = rttSample;
    }
    if (rate.priorDelivered < this.#nextRoundDelivered) return false;
    this.#nextRoundDelivered = rate.priorDelivered + rate.delivered;
    this.#count++;
    return true;
  }

  onLost(bytes: number): void {
    this.#lost += bytes;
  }

  /** Whether even the shortest round trip of the round met a queue. */
  isQueued(minRtt: number): boolean {
    return showsQueue(this.#minRtt, minRtt);
  }

  /** The next round begins. */
  clear(): void {
    this.#acked = 0;
    this.#lost = 0;
    this.#ackEvents = 0;
    this.#minRtt = Infinity;
    this.#txInflight = this.#maxInflight;
    this.#maxInflight = 0;
  }
}
