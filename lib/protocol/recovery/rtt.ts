/** Round-trip time before the first sample, in milliseconds: short enough that a lost SYN costs little. */
const INITIAL_RTT = 100;
/** No timer is finer than this, in milliseconds: event loops and schedulers are late by as much. */
const GRANULARITY = 10;
/** How long a minimum stays believed, in milliseconds, so that a new path shows. */
const MIN_RTT_WINDOW = 10_000;

/** Estimates the round-trip time (RFC 9002, section 5). All times in milliseconds. */
export class RttEstimator {
  adjustedRtt = 0;
  minRtt = Infinity;
  smoothedRtt = INITIAL_RTT;
  rttvar = INITIAL_RTT / 2;
  #minRttTime = 0;

  /** Forgets all samples: the path is another one. */
  restart(): void {
    this.adjustedRtt = 0;
    this.minRtt = Infinity;
    this.smoothedRtt = INITIAL_RTT;
    this.rttvar = INITIAL_RTT / 2;
  }

  /** Whether there was a sample yet. */
  get sampled(): boolean {
    return this.minRtt !== Infinity;
  }

  /**
   * Takes a sample: from the sending of a packet to its acknowledgement, of
   * which the peer says it held it back for `ackDelay`.
   */
  sample(now: number, rtt: number, ackDelay: number): void {
    const first = !this.sampled;
    if (rtt <= this.minRtt || now - this.#minRttTime > MIN_RTT_WINDOW) {
      this.minRtt = rtt;
      this.#minRttTime = now;
    }
    // A delay that the path's minimum contradicts is not believed.
    const adjusted = rtt - ackDelay >= this.minRtt ? rtt - ackDelay : rtt;
    this.adjustedRtt = adjusted;
    if (first) {
      this.smoothedRtt = adjusted;
      this.rttvar = adjusted / 2;
      return;
    }
    const deviation = Math.abs(this.smoothedRtt - adjusted);
    this.rttvar += (deviation - this.rttvar) / 4;
    this.smoothedRtt += (adjusted - this.smoothedRtt) / 8;
  }

  /**
   * The probe timeout without backoff (RFC 9002, section 6.2.1). The peer's
   * delay of acknowledgements does not enter: a flight ends with PSH, which
   * asks for one at once.
   */
  get pto(): number {
    return this.smoothedRtt + Math.max(4 * this.rttvar, GRANULARITY);
  }
}
