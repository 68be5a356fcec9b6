/** How much lateness of timers a burst may make up for, in milliseconds. */
const LATENESS = 2.5;
/** Datagrams that may always leave together (RFC 9002, section 7.7). */
const MIN_BURST = 10;
/** Datagrams in a burst at most: a kernel's default receive buffer holds about 90. */
const MAX_BURST = 32;

/**
 * Spreads datagrams over time at a given rate. A virtual clock runs ahead with
 * each datagram; sending may go on while it is not ahead of real time, and it
 * lags by no more than a burst.
 */
export class Pacer {
  #free = 0;
  /** Bytes per millisecond that the path is asked to take at most, whatever the congestion controller says. */
  readonly #maxRate: number;
  #rate = Infinity;

  /** @param maxRate bytes per millisecond, `Infinity` for no limit */
  constructor(maxRate: number) {
    this.#maxRate = maxRate;
  }

  /** Sets the rate, in bytes per millisecond. */
  set rate(rate: number) {
    this.#rate = Math.min(rate, this.#maxRate);
  }

  /** When the next datagram may leave, in milliseconds. */
  get deadline(): number {
    return this.#free;
  }

  /** Accounts for a datagram of `size` bytes. */
  onSent(now: number, size: number, maxDatagramSize: number): void {
    if (this.#rate === Infinity) return;
    const burst = Math.min(
      Math.max(this.#rate * LATENESS, MIN_BURST * maxDatagramSize),
      MAX_BURST * maxDatagramSize,
    );
    const earliest = now - (burst - maxDatagramSize) / this.#rate;
    this.#free = Math.max(this.#free, earliest) + size / this.#rate;
  }
}
