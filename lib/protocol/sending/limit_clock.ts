/**
 * What limits a sender: `source`, it has nothing to send; `receiver`, the
 * peer's window; `path`, congestion window or pacing; `rate`, the rate that was
 * asked for; `cpu`, it is busy sending, or its timer fired late.
 */
export type Limit = "source" | "receiver" | "path" | "rate" | "cpu";

/** Milliseconds for each limit. */
export type LimitedTimes = Readonly<Record<Limit, number>>;

/**
 * Adds up how long each limit held a sender back, as `tcpi_rwnd_limited` and
 * its neighbours do in Linux.
 */
export class LimitClock {
  readonly #times = { source: 0, receiver: 0, path: 0, rate: 0, cpu: 0 };
  #limit: Limit | undefined;
  #since = 0;
  #until = Infinity;

  /**
   * `limit` applies from `now` on.
   *
   * @param until when a timer ends it, in milliseconds: later than this counts
   * as `cpu`, since the timer fired late
   */
  begin(now: number, limit: Limit, until = Infinity): void {
    if (limit !== this.#limit || until !== this.#until) {
      this.#settle(now);
      this.#limit = limit;
      this.#until = until;
    }
  }

  /** Milliseconds for each limit, up to `now`. */
  times(now: number): LimitedTimes {
    this.#settle(now);
    return { ...this.#times };
  }

  #settle(now: number): void {
    if (this.#limit !== undefined) {
      const due = Math.max(this.#since, Math.min(now, this.#until));
      this.#times[this.#limit] += due - this.#since;
      this.#times.cpu += Math.max(0, now - due);
    }
    this.#since = now;
  }
}
