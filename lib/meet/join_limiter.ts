import { networkOf } from "../protocol/demux/handshake_limiter.ts";
import { TokenBucket } from "../protocol/demux/token_bucket.ts";

/** Sources that are remembered, the most recent ones. */
const MAX_SOURCES = 4096;

/** Limits how often each source joins: an IPv4 address, or an IPv6 /64. */
export class JoinLimiter {
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #perMinute: number;

  /** @param perMinute joins a minute, and in a row after a pause */
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** How many sources are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Whether somebody at `hostname` may join now. */
  take(now: number, hostname: string): boolean {
    const source = networkOf(hostname);
    const bucket = this.#buckets.get(source) ??
      new TokenBucket({ rate: this.#perMinute / 60, burst: this.#perMinute });
    // Those that come again stay
    this.#buckets.delete(source);
    this.#buckets.set(source, bucket);
    if (this.#buckets.size > MAX_SOURCES) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return bucket.take(now);
  }
}
