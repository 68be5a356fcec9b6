/** A keepalive is sent after this share of the timeout without a word, */
const KEEPALIVE_SHARE = 1 / 4;
/** and after this many milliseconds at the latest. */
const KEEPALIVE_INTERVAL = 5000;

/**
 * Watches whether the peer is still there (RFC 9293, section 3.8.4, and RFC
 * 9000, section 10.1): after some silence it asks for a sign of life, after
 * too much it gives up. Time in which this side itself stood still (a
 * suspended process or machine) does not count.
 */
export class KeepAlive {
  readonly #timeout: number;
  readonly #interval: number;
  #heard: number;
  #asked: number;
  #ticked: number;

  /** @param timeout milliseconds of silence that end a connection */
  constructor(now: number, timeout: number) {
    this.#timeout = timeout;
    this.#interval = Math.min(timeout * KEEPALIVE_SHARE, KEEPALIVE_INTERVAL);
    this.#heard = now;
    this.#asked = now;
    this.#ticked = now;
  }

  /** The peer said something. */
  heard(now: number): void {
    this.#heard = now;
    this.#asked = now;
    this.#ticked = now;
  }

  /** When {@linkcode wake} is to be called, in milliseconds. */
  get deadline(): number {
    return Math.min(this.#asked + this.#interval, this.#heard + this.#timeout);
  }

  /** What is due: nothing, a keepalive, or giving up. */
  wake(now: number): "nothing" | "ask" | "give up" {
    const gap = now - this.#ticked;
    this.#ticked = now;
    // Wakes come at least once an interval; a longer gap was our own.
    if (gap > 2 * this.#interval) this.#heard += gap;
    if (now >= this.#heard + this.#timeout) return "give up";
    if (now < this.#asked + this.#interval) return "nothing";
    this.#asked = now;
    return "ask";
  }
}
