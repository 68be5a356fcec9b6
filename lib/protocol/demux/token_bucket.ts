/** Lets something happen so often, and no oftener. */
export class TokenBucket {
  readonly #rate: number;
  readonly #capacity: number;
  #tokens: number;
  #filledAt = 0;

  /**
   * @param rate times a millisecond
   * @param capacity times in a row, after a pause
   */
  constructor(rate: number, capacity: number) {
    this.#rate = rate;
    this.#capacity = capacity;
    this.#tokens = capacity;
  }

  /** Takes a token, if there is one. */
  take(now: number): boolean {
    const fresh = this.#rate * Math.max(0, now - this.#filledAt);
    this.#tokens = Math.min(this.#capacity, this.#tokens + fresh);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
