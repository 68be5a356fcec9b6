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
    if (time >= this.#time) return;
    this.clear();
    this.#time = time;
    const wait = time - now;
    if (wait <= 0) this.#turn = setImmediate(this.#fire);
    else {this.#timer = setTimeout(
        this.#fire,
        Math.max(0, wait - TIMER_LATENESS),
      );}
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
