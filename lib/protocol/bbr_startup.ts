import type { RoundSignals } from "./bbr_rounds.ts";

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
