import { TokenBucket } from "./token_bucket.ts";

/** Milliseconds for which a half-open connection that has ended still counts: else SYN and RST in turn would cost nothing. */
const ENDED_COUNTS = 1000;
/** Handshakes a second that are begun with peers whose address is not validated: in all, and for each source. */
const UNVALIDATED = { rate: 32, burst: 16 };
const UNVALIDATED_OF_SOURCE = { rate: 8, burst: 8 };
/** Those with peers whose cookie was good, on average. */
const VALIDATED_RATE = 200;
/** Milliseconds over which it is counted how many there are. */
const COUNTING = 200;
/** Sources that are remembered. */
const MAX_SOURCES = 256;

/** The place of a connection that a peer has opened and that was not admitted. */
export interface Place<Of> {
  /** Who has it. */
  readonly of: Of;
  readonly source: string;
  /** Since when, in milliseconds. */
  since: number;
  /** Until when it counts although what had it has ended. */
  until: number;
}

/**
 * The places for half-open connections, and who has to give one up when there is
 * none: the source that has most of them, its oldest. An honest peer needs its
 * place for a round trip or two; what is older is silent, or slow on purpose.
 */
export class HalfOpen<Of> {
  readonly #places: number;
  /** In each source, the oldest first. */
  readonly #bySource = new Map<string, Set<Place<Of>>>();
  #ended: Place<Of>[] = [];
  #size = 0;

  /** @param places how many there are */
  constructor(places: number) {
    this.#places = places;
  }

  /** How many are taken by now. */
  size(now: number): number {
    const ended = this.#ended;
    let gone = 0;
    while (gone < ended.length && ended[gone].until <= now) {
      this.#delete(ended[gone++]);
    }
    if (gone > 0) ended.splice(0, gone);
    return this.#size;
  }

  /** Whether one has to be given up for the next. */
  isFull(now: number): boolean {
    return this.size(now) >= this.#places;
  }

  /** Takes a place. */
  take(now: number, of: Of, source: string): Place<Of> {
    const place = { of, source, since: now, until: Infinity };
    this.#add(place);
    return place;
  }

  /** What has it has got on: it becomes the newest. */
  renew(now: number, place: Place<Of>): void {
    this.#delete(place);
    place.since = now;
    this.#add(place);
  }

  /** What had it is no longer half open. */
  free(place: Place<Of>): void {
    this.#delete(place);
  }

  /** What had it has ended: the place is free after a while. */
  end(now: number, place: Place<Of>): void {
    if (place.until !== Infinity || !this.#has(place)) return;
    place.until = now + ENDED_COUNTS;
    this.#ended.push(place);
  }

  /**
   * Frees a place for another.
   *
   * @returns who had it, `undefined` if that has ended already
   */
  giveUp(): Of | undefined {
    const ended = this.#ended.shift();
    if (ended !== undefined) {
      this.#delete(ended);
      return undefined;
    }
    let most: Set<Place<Of>> | undefined;
    let oldest: Place<Of> | undefined;
    for (const places of this.#bySource.values()) {
      if (most !== undefined && places.size < most.size) continue;
      const [first] = places;
      const isMore = most === undefined || places.size > most.size;
      if (!isMore && first.since >= oldest!.since) continue;
      most = places;
      oldest = first;
    }
    if (oldest === undefined) return undefined;
    this.#delete(oldest);
    return oldest.of;
  }

  #has(place: Place<Of>): boolean {
    return this.#bySource.get(place.source)?.has(place) ?? false;
  }

  #add(place: Place<Of>): void {
    const places = this.#bySource.get(place.source);
    if (places === undefined) {
      this.#bySource.set(place.source, new Set([place]));
    } else places.add(place);
    this.#size++;
  }

  #delete(place: Place<Of>): void {
    const places = this.#bySource.get(place.source);
    if (places === undefined || !places.delete(place)) return;
    this.#size--;
    if (places.size === 0) this.#bySource.delete(place.source);
  }
}

interface Budget {
  /** Handshakes a second. */
  readonly rate: number;
  /** Handshakes in a row. */
  readonly burst: number;
}

/** Bounds the handshakes that are begun with peers who may be anybody. */
export class HandshakeBudget {
  readonly #all = bucketOf(UNVALIDATED);
  readonly #validated: RandomDrop;
  readonly #ofSource = new Map<string, TokenBucket>();

  /** @param random whole numbers in [0, 2^32) */
  constructor(random: () => number) {
    this.#validated = new RandomDrop(VALIDATED_RATE / 1000, random);
  }

  /** Takes one more for a peer whose address is validated, if there is one. */
  takeValidated(now: number): boolean {
    return this.#validated.passes(now);
  }

  /** Takes one more for a peer from `source` whose address is not validated, if there is one. */
  take(now: number, source: string): boolean {
    return this.#all.take(now) && this.#bucketOf(source).take(now);
  }

  #bucketOf(source: string): TokenBucket {
    const known = this.#ofSource.get(source);
    if (known !== undefined) return known;
    if (this.#ofSource.size >= MAX_SOURCES) {
      const [oldest] = this.#ofSource.keys();
      this.#ofSource.delete(oldest);
    }
    const bucket = bucketOf(UNVALIDATED_OF_SOURCE);
    this.#ofSource.set(source, bucket);
    return bucket;
  }
}

/**
 * Lets so much through on average, whoever comes when: where there is a bucket
 * of tokens, who comes often and in time takes them all.
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
    if (elapsed >= COUNTING) {
      this.#rate = this.#count / elapsed;
      this.#count = 0;
      this.#start = now;
    }
    this.#count++;
    const rate = Math.max(this.#rate, this.#count / COUNTING);
    return rate <= this.#target ||
      this.#random() / 2 ** 32 * rate < this.#target;
  }
}

function bucketOf({ rate, burst }: Budget): TokenBucket {
  return new TokenBucket(rate / 1000, burst);
}

/** Groups of 16 bits in an IPv6 address, and those of them that name a network. */
const IPV6_GROUPS = 8;
const IPV6_NETWORK_GROUPS = 4;

/**
 * What counts as one source: an IPv4 address, or an IPv6 network of 64 bits, for
 * whoever has one address of it has all.
 */
export function sourceOf(hostname: string): string {
  const [address] = hostname.split("%");
  if (!address.includes(":")) return address;
  const last = address.slice(address.lastIndexOf(":") + 1);
  if (last.includes(".")) return last;
  const [head, tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  while (tail !== undefined && groups.length + after.length < IPV6_GROUPS) {
    groups.push("0");
  }
  return [...groups, ...after].slice(0, IPV6_NETWORK_GROUPS)
    .map((group) => parseInt(group, 16).toString(16)).join(":");
}
