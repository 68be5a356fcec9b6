/**
 * Deviation from the draft: how far congestion lowers what may be in flight,
 * and how fast it rises again.
 *
 * In the draft a probe that was too high leaves what was in flight when the
 * loss began, or 0.7 of the target (section 5.5.10.2); loss otherwise leaves
 * 0.7, until the next probe (section 5.5.10.3). Here a probe leaves 0.4 and 104
 * datagrams, so that a large flow yields much and a small one nothing, and each
 * probe raises all flows by the same number of datagrams; other congestion
 * leaves 0.85, of which 8% is regained in each round without.
 *
 * Reason: flows that share a path draw level. In the simulator (50 Mbit/s, 40
 * ms) the smallest of four flows gets 0.23 of what all get instead of 0.20, and
 * the smaller of two at least 0.47 instead of 0.43, with the draft's 0.7 after
 * a probe; with its 0.7 otherwise the smallest of four gets 0.21. Others pay
 * where the queue is shallow: beside CUBIC and a queue of 0.25 BDP one flow takes
 * 0.88 instead of 0.82; with a queue of 4 BDP it takes 0.51 instead of 0.57.
 *
 * @module
 */

/** Share of the flight that remains after a probe that was too high, */
const PROBE_BETA = 0.4;
/** and datagrams that remain on top of it. */
const MAX_LOSS_REDUCTION_PACKETS = 104;
/** Share of the window that remains after other congestion, */
const BETA_SHORTTERM = 0.85;
/** and its growth in each round without. */
const SHORTTERM_GROWTH = 1.08;
/** 1 - BBR.Headroom: the share of the limit that is used while cruising (section 2.8). */
const HEADROOM_SHARE = 0.85;
/** Datagrams by which the first round of a probe may raise the limit; the next may raise it by twice as many. */
const FIRST_PROBE_GROWTH = 2;

/** What congestion has shown of how much may be in flight. Sizes in bytes. */
export class InflightLimits {
  #longterm = Infinity;
  #shortterm = Infinity;
  // Datagrams.
  #probeGrowth = 0;

  /** BBR.inflight_longterm: what the last probes have shown. */
  get longterm(): number {
    return this.#longterm;
  }

  /** BBR.inflight_shortterm: what has happened since the last probe. */
  get shortterm(): number {
    return this.#shortterm;
  }

  /** InflightWithHeadroom(). */
  get withHeadroom(): number {
    return HEADROOM_SHARE * this.#longterm;
  }

  onProbeStart(): void {
    this.#probeGrowth = FIRST_PROBE_GROWTH;
  }

  /**
   * A probe has met congestion. A flight that others kept below the limit does
   * not lower it.
   *
   * @param txInflight what was in flight when the loss began
   */
  onProbeTooHigh(txInflight: number, bdp: number, datagramSize: number): void {
    const highest = this.#longterm === Infinity
      ? txInflight
      : Math.max(txInflight, this.#longterm);
    const rest = PROBE_BETA * txInflight +
      MAX_LOSS_REDUCTION_PACKETS * datagramSize;
    this.#longterm = Math.max(bdp, Math.min(highest, rest));
  }

  /** A round of a probe was without congestion: it raises the limit if that was used. */
  onProbeRound(maxInflight: number, datagramSize: number): void {
    if (maxInflight < this.withHeadroom) return;
    this.#longterm += this.#probeGrowth * datagramSize;
    this.#probeGrowth *= 2;
  }

  /** Congestion while not probing. */
  onCongestion(acked: number, congestionWindow: number): void {
    const window = Math.min(this.#shortterm, congestionWindow);
    this.#shortterm = Math.max(acked, BETA_SHORTTERM * window);
  }

  /** A round without congestion while not probing. */
  onQuietRound(): void {
    this.#shortterm *= SHORTTERM_GROWTH;
  }

  /** ResetShortTermModel(). */
  resetShortterm(): void {
    this.#shortterm = Infinity;
  }
}
