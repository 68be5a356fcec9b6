/** Share of the idle timeout after which a PING is sent. */
const PING_SHARE = 1 / 4;
/** Milliseconds of silence until a PING, at most: shorter than the timeouts of NAT mappings. */
const MAX_PING_INTERVAL = 5000;

/**
 * Keeps a connection alive with PINGs and gives a silent peer up (RFC 9293,
 * section 3.8.4, and RFC 9000, section 10.1). Time in which this side itself
 * stood still, as a suspended process does, is not counted as silence.
 */
export class KeepAlive {
  readonly #timeout: number;
  readonly #interval: number;
  #lastReceived: number;
  #lastPing: number;
  #lastWake: number;

  /** @param timeout milliseconds of silence that end a connection */
  constructor(now: number, timeout: number) {
    this.#timeout = timeout;
    this.#interval = Math.min(timeout * PING_SHARE, MAX_PING_INTERVAL);
    this.#lastReceived = now;
    this.#lastPing = now;
    this.#lastWake = now;
  }

  onReceived(now: number): void {
    this.#lastReceived = now;
    this.#lastPing = now;
    this.#lastWake = now;
  }

  /** When {@linkcode wake} is due, in milliseconds. */
  get deadline(): number {
    return Math.min(
      this.#lastPing + this.#interval,
      this.#lastReceived + this.#timeout,
    );
  }

  /** What is due by now. */
  wake(now: number): "nothing" | "ping" | "timeout" {
    const gap = now - this.#lastWake;
    this.#lastWake = now;
    // The timer fires at least once an interval, unless this side stood still.
    if (gap > 2 * this.#interval) this.#lastReceived += gap;
    if (now >= this.#lastReceived + this.#timeout) return "timeout";
    if (now < this.#lastPing + this.#interval) return "nothing";
    this.#lastPing = now;
    return "ping";
  }
}
