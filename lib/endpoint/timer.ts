import { clearImmediate, setImmediate } from "node:timers";

/** A timer fires about this many milliseconds late. */
const TIMER_LATENESS = 1;

/**
 * Calls back at a time. Set again and again, it leaves a timer that is early
 * enough alone: a wake too many costs less than a new timer for each datagram.
 * It never spins for the sake of a fraction of a millisecond: a busy event loop
 * looks for arrived datagrams only now and then.
 */
export class Alarm {
  readonly #onTime: () => void;
  #time = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn: ReturnType<typeof setImmediate> | undefined;

  constructor(onTime: () => void) {
    this.#onTime = onTime;
  }

  /** Calls back at `time` or soon after, in milliseconds on the clock of `now`. */
  set(time: number, now: number): void {
    // Timers tell whole milliseconds: deadlines of the same one share a timer.
    const due = time <= now ? now : Math.ceil(time);
    if (due >= this.#time) return;
    this.clear();
    this.#time = due;
    if (due === now) {
      this.#turn = setImmediate(this.#fire);
    } else {
      const wait = Math.max(0, due - now - TIMER_LATENESS);
      this.#timer = setTimeout(this.#fire, wait);
    }
  }

  clear(): void {
    clearTimeout(this.#timer);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
    this.#time = Infinity;
  }

  readonly #fire = (): void => {
    this.#timer = undefined;
    this.#turn = undefined;
    this.#time = Infinity;
    this.#onTime();
  };
}
