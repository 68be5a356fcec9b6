import { parseIp } from "../../base/ip_address.ts";
import { SourceBuckets, TokenBucket } from "./token_bucket.ts";

/** Handshakes a second with peers whose address is not validated. */
const UNVALIDATED = { rate: 32, burst: 16 };
/** The same from one source. */
const UNVALIDATED_FROM_SOURCE = { rate: 8, burst: 8 };
/** Handshakes a second, on average, with peers that showed a good cookie. */
const VALIDATED_RATE = 200;
/** Milliseconds over which their rate is measured. */
const RATE_INTERVAL = 200;
/** Cookies made or checked a second while a connection is served: the most expensive work that an unauthenticated peer can trigger. */
const COOKIES = { rate: 8000, burst: 256 };
/** Sources whose handshakes are counted. */
const MAX_SOURCES = 256;

/** Limits the rate of handshakes, and of the cookies that limit them. */
export class HandshakeLimiter {
  readonly #unvalidated = new TokenBucket(UNVALIDATED);
  readonly #ofSource = new SourceBuckets(UNVALIDATED_FROM_SOURCE, MAX_SOURCES);
  readonly #validated: RandomDrop;
  readonly #cookies = new TokenBucket(COOKIES);

  /** @param random whole numbers in [0, 2^32) */
  constructor(random: () => number) {
    this.#validated = new RandomDrop(VALIDATED_RATE / 1000, random);
  }

  /** Whether a handshake may begin with a peer whose address is validated. */
  takeValidated(now: number): boolean {
    return this.#validated.passes(now);
  }

  /** Whether a handshake may begin with a peer whose address is not validated. */
  takeUnvalidated(now: number, source: string): boolean {
    return this.#unvalidated.take(now) && this.#ofSource.take(now, source);
  }

  /** Whether a cookie may be made or checked while connections are served. */
  takeCookie(now: number): boolean {
    return this.#cookies.take(now);
  }
}

/**
 * Lets an average rate through and drops the rest at random. From a token bucket
 * a peer that comes often and at the right moment would take all tokens.
 */
class RandomDrop {
  readonly #target: number;
  readonly #random: () => number;
  #start = 0;
  #count = 0;
  #rate = 0;

  /** @param target times a millisecond */
  constructor(target: number, random: () => number) {
    this.#target = target;
    this.#random = random;
  }

  passes(now: number): boolean {
    const elapsed = now - this.#start;
    if (elapsed >= RATE_INTERVAL) {
      this.#rate = this.#count / elapsed;
      this.#count = 0;
      this.#start = now;
    }
    this.#count++;
    const rate = Math.max(this.#rate, this.#count / RATE_INTERVAL);
    return rate <= this.#target ||
      this.#random() / 2 ** 32 * rate < this.#target;
  }
}

/** Bytes of an IPv6 address that name a network. */
const IPV6_NETWORK_SIZE = 8;

/**
 * What counts as one source: an IPv4 address, or an IPv6 network of 64 bits,
 * since a host in it may use any address of it.
 */
export function networkOf(hostname: string): string {
  const address = parseIp(hostname);
  return address?.subarray(0, IPV6_NETWORK_SIZE).join(".") ?? hostname;
}
