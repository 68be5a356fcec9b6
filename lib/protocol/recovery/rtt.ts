/** The round-trip time before the first sample, in milliseconds. RFC 9002, section 6.2.2, has 333; a lost SYN costs less with this. */
const INITIAL_RTT = 100;
/** kGranularity, in milliseconds: event loops and schedulers are late by as much. */
const GRANULARITY = 10;
/** Milliseconds after which a larger sample may be the minimum, since the path may have changed. */
const MIN_RTT_WINDOW = 10_000;

/** Estimates the round-trip time (RFC 9002, section 5). All times in milliseconds. */
export class RttEstimator {
  /** The last sample without the peer's delay; RFC 9002 calls the sample itself latest_rtt. */
  adjustedRtt = 0;
  minRtt = Infinity;
  smoothedRtt = INITIAL_RTT;
  rttvar = INITIAL_RTT / 2;
  #minRttTime = 0;

  /** The path has changed: forgets all samples. */
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
   * Takes the time from sending a packet to its acknowledgement.
   *
   * @param ackDelay how long the peer says it delayed the acknowledgement
   */
  sample(now: number, rtt: number, ackDelay: number): void {
    const first = !this.sampled;
    if (rtt <= this.minRtt || now - this.#minRttTime > MIN_RTT_WINDOW) {
      this.minRtt = rtt;
      this.#minRttTime = now;
    }
    // A delay that contradicts the minimum is ignored (RFC 9002, section 5.3).
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
   * The probe timeout without backoff (RFC 9002, section 6.2.1), and without
   * max_ack_delay: each flight ends with PSH, which requests an acknowledgement
   * at once.
   */
  get pto(): number {
    return this.smoothedRtt + Math.max(4 * this.rttvar, GRANULARITY);
  }
}
