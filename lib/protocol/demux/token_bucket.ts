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

/** Limits how often something may happen for each source. */
export class SourceBuckets {
  readonly #limit: { rate: number; burst: number };
  readonly #maxSources: number;
  readonly #buckets = new Map<string, TokenBucket>();

  /**
   * @param limit as that of a {@linkcode TokenBucket}
   * @param maxSources how many are remembered: those that came last
   */
  constructor(limit: { rate: number; burst: number }, maxSources: number) {
    this.#limit = limit;
    this.#maxSources = maxSources;
  }

  /** How many sources are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token of a source, if there is one. @param now milliseconds */
  take(now: number, source: string): boolean {
    const bucket = this.#buckets.get(source) ?? new TokenBucket(this.#limit);
    // To the end: those that come again stay
    this.#buckets.delete(source);
    this.#buckets.set(source, bucket);
    if (this.#buckets.size > this.#maxSources) {
      const [oldest = ""] = this.#buckets.keys();
      this.#buckets.delete(oldest);
    }
    return bucket.take(now);
  }
}
