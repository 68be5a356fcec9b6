/** Limits how often something may happen. */
export class TokenBucket {
  readonly #rate: number;
  readonly #capacity: number;
  #tokens: number;
  #filledAt = 0;

  /**
   * @param rate times a second
   * @param burst times in a row, after a pause
   */
  constructor({ rate, burst }: { rate: number; burst: number }) {
    this.#rate = rate / 1000;
    this.#capacity = burst;
    this.#tokens = burst;
  }

  /** Takes a token, if there is one. @param now milliseconds */
  take(now: number): boolean {
    const fresh = this.#rate * Math.max(0, now - this.#filledAt);
    this.#tokens = Math.min(this.#capacity, this.#tokens + fresh);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
