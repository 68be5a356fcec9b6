import type { AckEvent } from "./congestion_controller.ts";

/** Rounds over which the aggregation of acknowledgements is remembered (draft-ietf-ccwg-bbr, section 2.11). */
const EXTRA_ACKED_ROUNDS = 10;

/**
 * The highest delivery rate over the current and the last probing cycle
 * (draft-ietf-ccwg-bbr, section 5.5.5). Bytes per millisecond.
 */
export class MaxBandwidth {
  #current = 0;
  #last = 0;

  get value(): number {
    return Math.max(this.#current, this.#last);
  }

  update(rate: number): void {
    if (rate > this.#current) this.#current = rate;
  }

  /** A probing cycle is over. */
  advance(): void {
    if (this.#current === 0) return;
    this.#last = this.#current;
    this.#current = 0;
  }
}

/** A round trip this close to the minimum confirms it. */
const MIN_RTT_TOLERANCE = 1.0625;
/** Milliseconds after which the minimum is measured anew, unless it was confirmed (draft-ietf-ccwg-bbr, section 2.10). */
const PROBE_RTT_INTERVAL = 5000;

/** The shortest round trip that was seen, in milliseconds. */
export class MinRtt {
  #confirmed = 0;

  /** `Infinity` before there is one. */
  value = Infinity;

  update(now: number, sample: number): void {
    if (sample <= this.value * MIN_RTT_TOLERANCE) this.#confirmed = now;
    this.value = Math.min(this.value, sample);
  }

  /** Whether the path may have become longer without anybody noticing. */
  isOld(now: number): boolean {
    return now - this.#confirmed > PROBE_RTT_INTERVAL;
  }

  /** The next sample counts, whatever it is. */
  forget(): void {
    this.value = Infinity;
  }
}

/**
 * How much more was acknowledged at times than the bandwidth explains:
 * acknowledgements come in batches, and the window has to bridge the time
 * between them (draft-ietf-ccwg-bbr, section 5.5.9).
 */
export class AckAggregation {
  readonly #rounds = new Float64Array(EXTRA_ACKED_ROUNDS);
  #intervalStart = 0;
  #delivered = 0;

  /** Bytes to have in flight on top of the rest. */
  get extraAcked(): number {
    let most = 0;
    for (const extra of this.#rounds) most = Math.max(most, extra);
    return most;
  }

  update(
    event: AckEvent,
    bandwidth: number,
    round: number,
    limit: number,
  ): void {
    const slot = round % EXTRA_ACKED_ROUNDS;
    const expected = bandwidth * (event.now - this.#intervalStart);
    if (this.#delivered <= expected) {
      this.#delivered = 0;
      this.#intervalStart = event.now;
    }
    this.#delivered += event.ackedBytes;
    const extra = this.#delivered -
      bandwidth * (event.now - this.#intervalStart);
    this.#rounds[slot] = Math.max(this.#rounds[slot], Math.min(extra, limit));
  }

  /** A round begins: what was seen ten rounds ago is forgotten. */
  onRoundStart(round: number): void {
    this.#rounds[round % EXTRA_ACKED_ROUNDS] = 0;
  }
}

/** Packets of a drained sample at least, before it is believed. */
const MIN_SAMPLE = 50;
/** Weight of a new sample of random loss. */
const SAMPLE_WEIGHT = 0.5;
/** A share of random loss above this is not made up for. */
const MAX_RANDOM_LOSS = 0.4;

/**
 * Tells loss that a path has anyhow from loss that a full queue causes. The
 * first does not depend on the rate, so it shows alone while less is sent than
 * the path carries, once the queue is gone; the second comes on top when more
 * is sent.
 */
export class RandomLoss {
  #drains = false;
  #drainFrom = Infinity;
  #drainTo = Infinity;
  // What left from here on has met no queue.
  #emptyFrom = Infinity;
  #acked = 0;
  #lost = 0;
  #sampled = false;

  /** The share of packets that the path loses whatever is sent. */
  rate = 0;

  /** From now on less is sent than the path carries. */
  drainBegins(now: number): void {
    if (this.#drains) return;
    this.#takeSample();
    this.#drains = true;
    this.#drainFrom = now;
    this.#drainTo = Infinity;
    this.#emptyFrom = Infinity;
  }

  /** No longer. */
  drainEnds(now: number): void {
    if (!this.#drains) return;
    this.#drains = false;
    this.#drainTo = now;
  }

  /** A packet that was sent at `sentTime` has met no queue. */
  onEmptyQueue(sentTime: number): void {
    if (this.#emptyFrom !== Infinity) return;
    if (sentTime >= this.#drainFrom) this.#emptyFrom = sentTime;
  }

  /** A packet that was sent at `sentTime` was acknowledged or given up. */
  onSettled(sentTime: number, lost: boolean): void {
    if (sentTime < this.#emptyFrom || sentTime >= this.#drainTo) return;
    if (lost) this.#lost++;
    else this.#acked++;
  }

  // By the next drain, all that left during the last has been settled.
  #takeSample(): void {
    const count = this.#acked + this.#lost;
    if (count >= MIN_SAMPLE) {
      const sample = this.#lost / count;
      const weight = this.#sampled ? SAMPLE_WEIGHT : 1;
      this.rate += weight * (sample - this.rate);
      this.rate = Math.min(this.rate, MAX_RANDOM_LOSS);
      this.#sampled = true;
    }
    this.#acked = 0;
    this.#lost = 0;
  }
}
