/**
 * What holds a sender back: it has nothing to send; the peer has no room; the
 * path takes no more (congestion window, pacing); it was asked to send no
 * faster; or it is busy sending, or was woken too late to.
 */
export type Limit = "source" | "receiver" | "path" | "rate" | "cpu";

/** Milliseconds for each limit. */
export type LimitedTimes = Readonly<Record<Limit, number>>;

/**
 * Adds up for how long what held a sender back, as `tcpi_rwnd_limited` and its
 * neighbours do in Linux.
 */
export class Limits {
  readonly #times = { source: 0, receiver: 0, path: 0, rate: 0, cpu: 0 };
  #limit: Limit | undefined;
  #since = 0;
  #until = Infinity;

  /**
   * From `now` on it is `limit`.
   *
   * @param until milliseconds; what goes on longer is the fault of who should
   * have woken the sender
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
