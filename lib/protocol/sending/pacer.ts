/** Milliseconds between bursts: as fine as the timers of an event loop are. */
const BURST_TIME = 2.5;
/** Share of the peer's socket buffer that a burst may fill if no timer was late. */
const QUANTUM_SHARE = 0.3;
/** Share of it that a burst may fill if a timer was late. */
const BURST_SHARE = 0.6;
/** Milliseconds of a late timer that a burst may make up for. */
const LATENESS = 2.5;
/** A controller that has reached the maximum rate stays above this share of it. */
const MAX_RATE_SHARE = 0.85;
/** Datagrams that may always leave together: fewer than RFC 9002, section 7.7, allows, since a queue that other flows fill has no room for more. */
const MIN_BURST = 4;

/**
 * Spreads datagrams over time (RFC 9002, section 7.7), in small bursts, since
 * each pause costs a turn of the event loop. A virtual clock advances with each
 * datagram and lags behind by a large burst at most. While it is ahead of real
 * time nothing is sent, and the next timer is set for a small burst.
 */
export class Pacer {
  #free = 0;
  #deadline = 0;
  // Bytes per millisecond, whatever the congestion controller allows.
  #maxRate: number;
  #rate: number;
  #datagramSize = 0;
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

  /** Sends at no more than this from now on, in bytes per millisecond, or at what the limit was, if that is less. */
  limit(maxRate: number): void {
    this.#maxRate = Math.min(maxRate, this.#maxRate);
    this.#rate = Math.min(this.#rate, this.#maxRate);
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

  /** When the next burst is due, in milliseconds. */
  get deadline(): number {
    return this.#deadline;
  }

  /** When a timer is later than a burst makes up for, in milliseconds. */
  get lateFrom(): number {
    return this.#deadline + LATENESS;
  }

  /** Whether the maximum rate, not the congestion controller, limits the sender. */
  get atMaxRate(): boolean {
    return this.#rate >= MAX_RATE_SHARE * this.#maxRate;
  }

  /** Accounts for a datagram of `size` bytes. */
  onSent(now: number, size: number): void {
    const rate = this.#rate;
    if (rate === Infinity) return;
    const burst = Math.min(
      Math.max(
        rate * (BURST_TIME + LATENESS),
        MIN_BURST * this.#datagramSize,
      ),
      BURST_SHARE * this.#socketBuffer,
    );
    const earliest = now - (burst - this.#datagramSize) / rate;
    this.#free = Math.max(this.#free, earliest) + size / rate;
    this.#deadline = this.#free;
    if (this.#free <= now) return;
    const quantum = Math.min(
      rate * BURST_TIME,
      QUANTUM_SHARE * this.#socketBuffer,
    );
    this.#deadline += Math.max(0, quantum - this.#datagramSize) / rate;
  }
}
