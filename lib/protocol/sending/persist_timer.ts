/** Milliseconds between probes of a closed window, at most. */
const MAX_PERSIST_INTERVAL = 1000;

/**
 * Times the probes of a peer whose window is closed (RFC 9293, section
 * 3.8.6.1): the window update that would open it may have been lost. The
 * interval doubles until data flows again.
 */
export class PersistTimer {
  #deadline = Infinity;
  #interval = 0;

  /** When a probe is due, in milliseconds. */
  get deadline(): number {
    return this.#deadline;
  }

  /** Only the peer's window holds data back. */
  start(now: number, pto: number): void {
    if (this.#deadline !== Infinity) return;
    this.#interval = Math.min(
      Math.max(2 * this.#interval, pto),
      Math.max(MAX_PERSIST_INTERVAL, pto),
    );
    this.#deadline = now + this.#interval;
  }

  onProbe(): void {
    this.#deadline = Infinity;
  }

  /** Data is sent again. */
  stop(): void {
    this.#deadline = Infinity;
    this.#interval = 0;
  }
}
