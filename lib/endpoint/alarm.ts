import { clearImmediate, setImmediate } from "node:timers";

/** A timer fires up to this many milliseconds late, a turn of the event loop at once. */
const TIMER_LATENESS = 1.5;

/**
 * Calls back at a time. Set again and again, it leaves a timer that is early
 * enough alone: a wake too many costs less than a new timer for each datagram.
 */
export class Alarm {
  readonly #onTime: () => void;
  #time = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn: ReturnType<typeof setImmediate> | undefined;

  constructor(onTime: () => void) {
    this.#onTime = onTime;
  }

  /** Calls back at `time` at the latest, in milliseconds on the clock of `now`. */
  set(time: number, now: number): void {
    if (time >= this.#time) return;
    this.clear();
    this.#time = time;
    const wait = time - now;
    if (wait < TIMER_LATENESS) this.#turn = setImmediate(this.#fire);
    else this.#timer = setTimeout(this.#fire, wait - TIMER_LATENESS);
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
