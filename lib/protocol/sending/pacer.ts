/** Milliseconds between bursts, if they stay small: what an event loop's timer can tell. */
const QUANTUM_TIME = 2.5;
/** The share of the peer's kernel buffer that a burst may take, if no timer was late, */
const QUANTUM_SHARE = 0.3;
/** and if one was. */
const BURST_SHARE = 0.6;
/** How much lateness of timers a burst may make up for, in milliseconds. */
const LATENESS = 2.5;
/** A controller that has found the limit stays so little below it while it probes. */
const NEARLY = 0.85;
/** Datagrams that may always leave together: fewer than RFC 9002, section 7.7, allows, for a queue that others fill takes no more. */
const MIN_BURST = 4;

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
  #rate: number;
  #datagramSize = 0;
  // Bytes that the peer's kernel holds in datagrams of this size.
  #socketBuffer = 0;

  /** @param maxRate bytes per millisecond, `Infinity` for no limit */
  constructor(maxRate: number) {
    this.#maxRate = maxRate;
    this.#rate = maxRate;
  }

  /** Sets the rate, in bytes per millisecond. */
  set rate(rate: number) {
    this.#rate = Math.min(rate, this.#maxRate);
  }

  /** As {@linkcode CongestionController.onPath}. */
  onPath(datagramSize: number, socketBuffer: number): void {
    this.#datagramSize = datagramSize;
    this.#socketBuffer = socketBuffer;
  }

  /** Whether a datagram may leave now. */
  allows(now: number): boolean {
    return this.#free <= now;
  }

  /** When it is worth waking to send the next burst, in milliseconds. */
  get deadline(): number {
    return this.#deadline;
  }

  /** When waking has become so late that no burst makes up for it, in milliseconds. */
  get lateFrom(): number {
    return this.#deadline + LATENESS;
  }

  /** Whether the limit that was set, not the congestion controller, says how fast. */
  get atMaxRate(): boolean {
    return this.#rate >= NEARLY * this.#maxRate;
  }

  /** Accounts for a datagram of `size` bytes. */
  onSent(now: number, size: number): void {
    const rate = this.#rate;
    if (rate === Infinity) return;
    const burst = Math.min(
      Math.max(
        rate * (QUANTUM_TIME + LATENESS),
        MIN_BURST * this.#datagramSize,
      ),
      BURST_SHARE * this.#socketBuffer,
    );
    const earliest = now - (burst - this.#datagramSize) / rate;
    this.#free = Math.max(this.#free, earliest) + size / rate;
    this.#deadline = this.#free;
    if (this.#free <= now) return;
    const quantum = Math.min(
      rate * QUANTUM_TIME,
      QUANTUM_SHARE * this.#socketBuffer,
    );
    this.#deadline += Math.max(0, quantum - this.#datagramSize) / rate;
  }
}
