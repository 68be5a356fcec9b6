import type {
  AckEvent,
  CongestionController,
  LossEvent,
} from "./congestion_controller.ts";

/** Datagrams in flight at first (RFC 6928). */
const INITIAL_WINDOW = 10;
/** Datagrams in flight at least, so that acknowledgements keep coming through heavy loss. */
const MIN_WINDOW = 4;
/** What remains of the window after a loss (RFC 9438, section 4.6). */
const CUBIC_BETA = 0.7;
/** How steeply the window grows, in datagrams per cubic second (RFC 9438, section 5). */
const C = 0.4;
/** Growth per window of a flow that is fair to Reno (RFC 9438, section 4.3). */
const ALPHA = 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA);
/** Pacing is faster than a window in a round trip, so that the window fills (RFC 9002, section 7.7). */
const PACING_GAIN = 1.25;
/** In slow start, the window doubles in a round trip. */
const SLOW_START_PACING_GAIN = 2;

/** CUBIC (RFC 9438), which takes every loss for congestion: for comparison with BBR, and to behave as TCP does. */
export class Cubic implements CongestionController {
  #mss: number;
  #congestionWindow: number;
  #slowStartThreshold = Infinity;
  #windowBeforeLoss = 0;
  #renoWindow = 0;
  #epochStart: number | undefined;
  // K: seconds into the epoch after which the window is back at its size before the loss.
  #k = 0;
  #recoveryStart = -Infinity;
  #smoothedRtt = 0;

  /** @param maxDatagramSize bytes */
  constructor(maxDatagramSize: number) {
    this.#mss = maxDatagramSize;
    this.#congestionWindow = INITIAL_WINDOW * maxDatagramSize;
  }

  get congestionWindow(): number {
    return this.#congestionWindow;
  }

  get pacingRate(): number {
    if (this.#smoothedRtt === 0) return Infinity;
    const gain = this.#congestionWindow < this.#slowStartThreshold
      ? SLOW_START_PACING_GAIN
      : PACING_GAIN;
    return gain * this.#congestionWindow / this.#smoothedRtt;
  }

  onPacketSettled(): void {}

  onAcked(event: AckEvent): void {
    this.#smoothedRtt = event.rtt.smoothedRtt;
    const inRecovery = event.sentTime <= this.#recoveryStart;
    if (inRecovery || !event.windowLimited) return;
    if (this.#congestionWindow < this.#slowStartThreshold) {
      this.#congestionWindow += event.ackedBytes;
    } else {
      this.#avoidCongestion(event);
    }
  }

  #avoidCongestion(event: AckEvent): void {
    const mss = this.#mss;
    if (this.#epochStart === undefined) {
      this.#epochStart = event.now;
      this.#renoWindow = this.#congestionWindow;
      this.#windowBeforeLoss = Math.max(
        this.#windowBeforeLoss,
        this.#congestionWindow,
      );
      const drop = (this.#windowBeforeLoss - this.#congestionWindow) / mss;
      this.#k = Math.cbrt(drop / C);
    }
    const elapsed = (event.now - this.#epochStart + event.rtt.smoothedRtt) /
      1000;
    const cubic = this.#windowBeforeLoss + C * (elapsed - this.#k) ** 3 * mss;
    this.#renoWindow += ALPHA * mss * event.ackedBytes / this.#congestionWindow;
    const target = Math.min(
      Math.max(cubic, this.#renoWindow),
      1.5 * this.#congestionWindow,
    );
    if (target > this.#congestionWindow) {
      this.#congestionWindow += (target - this.#congestionWindow) *
        event.ackedBytes / this.#congestionWindow;
    }
  }

  onLost(event: LossEvent): void {
    if (event.sentTime <= this.#recoveryStart) return;
    this.#recoveryStart = event.now;
    this.#epochStart = undefined;
    // Fast convergence (RFC 9438, section 4.7).
    const shrinking = this.#congestionWindow < this.#windowBeforeLoss;
    this.#windowBeforeLoss = this.#congestionWindow *
      (shrinking ? (1 + CUBIC_BETA) / 2 : 1);
    this.#congestionWindow = Math.max(
      CUBIC_BETA * this.#congestionWindow,
      MIN_WINDOW * this.#mss,
    );
    this.#slowStartThreshold = this.#congestionWindow;
  }

  onPath(size: number): void {
    this.#mss = size;
  }

  onPersistentCongestion(): void {
    this.#congestionWindow = MIN_WINDOW * this.#mss;
    this.#epochStart = undefined;
  }
}
