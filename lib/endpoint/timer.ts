import { clearImmediate, setImmediate } from "node:timers";

/** Milliseconds by which a timer of the event loop fires late. */
const TIMER_LATENESS = 1;

/**
 * A timer that is set again and again. It keeps a system timer that fires early
 * enough: a superfluous wake-up costs less than a new timer for each datagram. It
 * never spins for a fraction of a millisecond, since a busy event loop seldom
 * looks for arrived datagrams.
 */
export class Timer {
  readonly #onTime: () => void;
  #time = Infinity;
  #timeout: ReturnType<typeof setTimeout> | undefined;
  #immediate: ReturnType<typeof setImmediate> | undefined;
  /** Counts settings and clearings. */
  #generation = 0;

  constructor(onTime: () => void) {
    this.#onTime = onTime;
  }

  /**
   * Fires at `time` or soon after, unless it fires earlier already.
   *
   * @param time milliseconds on the clock of `now`; `Infinity` for never
   */
  set(time: number, now: number): void {
    // Timers have whole milliseconds: deadlines in the same one share a timer
    const due = time <= now ? now : Math.ceil(time);
    if (due >= this.#time) return;
    this.clear();
    this.#time = due;
    if (due === now) {
      this.#immediate = setImmediate(this.#fire, this.#generation);
    } else {
      const wait = Math.max(0, due - now - TIMER_LATENESS);
      this.#timeout = setTimeout(this.#fire, wait, this.#generation);
    }
  }

  clear(): void {
    this.#generation++;
    clearTimeout(this.#timeout);
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#timeout = undefined;
    this.#immediate = undefined;
    this.#time = Infinity;
  }

  // Deno 2.5 also fires a timer that is cleared in the turn in which it is due.
  // Taken for the current one it would make this forget that, which goes on: with
  // each such moment there would be one more.
  readonly #fire = (generation: number): void => {
    if (generation !== this.#generation) return;
    this.#timeout = undefined;
    this.#immediate = undefined;
    this.#time = Infinity;
    this.#onTime();
  };
}
