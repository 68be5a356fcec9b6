/** Milliseconds between bursts, if they stay small: what an event loop's timer can tell. */
const QUANTUM_TIME = 2.5;
/** Datagrams in a burst, if no timer was late. */
const MAX_QUANTUM = 24;
/** How much lateness of timers a burst may make up for, in milliseconds. */
const LATENESS = 2.5;
/** Datagrams that may always leave together (RFC 9002, section 7.7). */
const MIN_BURST = 10;
/** Datagrams in a burst at most: a kernel's default receive buffer holds about 90. */
const MAX_BURST = 48;

/**
 * Spreads datagrams over time at a given rate, in small bursts, since each
 * pause costs a turn of the event loop. A virtual clock runs ahead with each
 * datagram, and lags by no more than a large burst. While it is ahead of real
 * time nothing is sent; who has nothing else to do waits until a small burst is
 * due.
 */
export class Pacer {
  #free = 0;
  #deadline = 0;
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

  /** Whether a datagram may leave now. */
  allows(now: number): boolean {
    return this.#free <= now;
  }

  /** When it is worth waking to send the next burst, in milliseconds. */
  get deadline(): number {
    return this.#deadline;
  }

  /** Accounts for a datagram of `size` bytes. */
  onSent(now: number, size: number, maxDatagramSize: number): void {
    const rate = this.#rate;
    if (rate === Infinity) return;
    const burst = Math.min(
      Math.max(
        rate * (QUANTUM_TIME + LATENESS),
        MIN_BURST * maxDatagramSize,
      ),
      MAX_BURST * maxDatagramSize,
    );
    const earliest = now - (burst - maxDatagramSize) / rate;
    this.#free = Math.max(this.#free, earliest) + size / rate;
    this.#deadline = this.#free;
    if (this.#free <= now) return;
    const quantum = Math.min(
      rate * QUANTUM_TIME,
      MAX_QUANTUM * maxDatagramSize,
    );
    this.#deadline += Math.max(0, quantum - maxDatagramSize) / rate;
  }
}
