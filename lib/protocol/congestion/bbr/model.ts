/**
 * The model of the path that draft-ietf-ccwg-bbr-06 describes in section 5.5,
 * and the estimator of section 5.3.1.2.
 *
 * @module
 */
import type { AckEvent } from "../congestion_controller.ts";
import { lossExceeds } from "./random_loss.ts";
import type { Round } from "./round.ts";

/**
 * BBR.max_bw: the highest delivery rate of this probing cycle and the last one
 * (sections 5.5.3 to 5.5.6). Bytes per millisecond.
 */
export class MaxBwFilter {
  #current = 0;
  #last = 0;

  get maxBw(): number {
    return Math.max(this.#current, this.#last);
  }

  update(deliveryRate: number): void {
    if (deliveryRate > this.#current) this.#current = deliveryRate;
  }

  /** A probing cycle is over. One without a sample does not count. */
  advance(): void {
    if (this.#current === 0) return;
    this.#last = this.#current;
    this.#current = 0;
  }
}

/** A sample of up to this many times the minimum confirms it, so that jitter alone does not lead to ProbeRTT. */
const MIN_RTT_TOLERANCE = 1.125;
/** BBR.ProbeRTTInterval, in milliseconds (section 2.16.2). */
const PROBE_RTT_INTERVAL = 5000;

/** BBR.min_rtt: the shortest round trip, in milliseconds (section 5.5.7). */
export class MinRttFilter {
  #confirmed = 0;
  #minRtt = Infinity;

  /** `Infinity` before the first sample. */
  get minRtt(): number {
    return this.#minRtt;
  }

  update(now: number, sample: number): void {
    if (sample <= this.#minRtt * MIN_RTT_TOLERANCE) this.#confirmed = now;
    this.#minRtt = Math.min(this.#minRtt, sample);
  }

  /** BBR.probe_rtt_expired: whether the path may have become longer unnoticed. */
  isExpired(now: number): boolean {
    return now - this.#confirmed > PROBE_RTT_INTERVAL;
  }

  /** Makes the next sample the minimum. */
  forget(): void {
    this.#minRtt = Infinity;
  }
}

/** BBR.ExtraAckedFilterLen, in rounds (section 2.12). */
const EXTRA_ACKED_FILTER_LENGTH = 10;

/**
 * BBR.extra_acked: how much more was acknowledged at times than the bandwidth
 * explains. Acknowledgements come in batches, and the window has to bridge the
 * time between them (section 5.5.9). Bytes.
 */
export class ExtraAckedFilter {
  readonly #rounds = new Float64Array(EXTRA_ACKED_FILTER_LENGTH);
  #intervalStart = 0;
  #delivered = 0;

  get extraAcked(): number {
    let most = 0;
    for (const extra of this.#rounds) most = Math.max(most, extra);
    return most;
  }

  update(
    { now, ackedBytes }: AckEvent,
    maxBw: number,
    round: number,
    limit: number,
  ): void {
    const slot = round % EXTRA_ACKED_FILTER_LENGTH;
    const expected = maxBw * (now - this.#intervalStart);
    if (this.#delivered <= expected) {
      this.#delivered = 0;
      this.#intervalStart = now;
    }
    this.#delivered += ackedBytes;
    const extra = this.#delivered - maxBw * (now - this.#intervalStart);
    const most = this.#rounds[slot]!;
    this.#rounds[slot] = Math.max(most, Math.min(extra, limit));
  }

  /** A round begins: what was seen ten rounds ago is forgotten. */
  onRoundStart(round: number): void {
    this.#rounds[round % EXTRA_ACKED_FILTER_LENGTH] = 0;
  }
}

/** Growth of the bandwidth in a round that shows that the pipe is not full (section 5.3.1.2). */
const FULL_BW_GROWTH = 1.25;
/** Rounds without such growth that show a full pipe (section 5.3.1.2). */
const FULL_BW_ROUNDS = 3;
/** Share of the window in flight that shows that the window limits the sender. */
const FULL_WINDOW = 0.9;

/**
 * BBR.full_bw_reached: whether Startup has filled the pipe (sections 5.3.1.2 and
 * 5.3.1.3). Beyond the draft, a round without growth counts only if the path
 * was asked for more, since a busy machine may send less than the model allows;
 * and one round is enough in which a queue stood and overflowed.
 */
export class FullBandwidthEstimator {
  #fullBw = 0;
  #rounds = 0;
  reached = false;

  /** A round has ended that was not limited by the application. */
  onRound(
    maxBw: number,
    round: Round,
    minRtt: number,
    congestionWindow: number,
  ): void {
    if (maxBw >= this.#fullBw * FULL_BW_GROWTH) {
      this.#fullBw = maxBw;
      this.#rounds = 0;
      return;
    }
    const queued = round.isQueued(minRtt);
    const lossy = lossExceeds(round, 0);
    const windowFull = round.maxInflight >= FULL_WINDOW * congestionWindow;
    if (queued || lossy || windowFull) this.#rounds++;
    this.reached = queued && lossy || this.#rounds >= FULL_BW_ROUNDS;
  }
}
