import type { Address } from "../protocol/connection/address.ts";
import { AddressValidation } from "../protocol/demux/address_validation.ts";
import type { DatagramProtocol } from "../protocol/demux/datagram_protocol.ts";
import { networkOf } from "../protocol/demux/handshake_limiter.ts";
import { SourceBuckets, TokenBucket } from "../protocol/demux/token_bucket.ts";
import { uint32At } from "../base/integers.ts";
import {
  firstDatagram,
  hasRightCrc,
  MARK_AT,
  statedLength,
} from "../protocol/wire/datagram_prefix.ts";
import { mayBeSegment } from "../protocol/wire/segment.ts";
import { SideMark } from "../protocol/wire/side_datagram.ts";
import { RelayQueue } from "./relay_queue.ts";
import {
  decodeRequest,
  encodeAnswer,
  type MeetAnswer,
  MeetKind,
  type MeetRefusal,
  type MeetRequest,
  provesToken,
} from "./messages.ts";

/** Milliseconds of silence after which a place is free. */
const PLACE_TIMEOUT = 60_000;
/** Milliseconds in which both sides of a pair have to be heard of. */
const BINDING_TIMEOUT = 30_000;
/** Milliseconds of silence that end a pair. */
const PAIR_TIMEOUT = 300_000;
/** Milliseconds between looks at what has expired. */
const SWEEP_INTERVAL = 1000;
/** Bytes that are relayed for a pair that is only to find its direct path. */
const INTRODUCTION_SIZE = 2 ** 16;
/** Cookies a second: what anybody can have made. */
const COOKIES = { rate: 4000, burst: 256 };
/** Answers that wait to be sent. */
const MAX_ANSWERS = 1024;
/** Sources whose joins are counted. */
const MAX_SOURCES = 4096;
const MAX_NUMBER = 65_535;

/** What is to be kept to. */
export interface MeetLimits {
  /** Receivers that wait. @default {128} */
  readonly places?: number | undefined;
  /** Pairs. @default {1024} */
  readonly pairs?: number | undefined;
  /** Joins a minute of one source. @default {30} */
  readonly joins?: number | undefined;
  /** Bytes per millisecond that are relayed. @default {Infinity} */
  readonly relayRate?: number | undefined;
}

/** Settings of a {@linkcode MeetServer}. */
export interface MeetServerOptions extends MeetLimits {
  /** Whole numbers in [0, 2^32), unpredictable. */
  readonly random: () => number;
  /** What clients have to know. */
  readonly token?: string | undefined;
  /** Whether content is relayed. @default {true} */
  readonly relays?: boolean | undefined;
  /** Is called when a pair has ended. */
  readonly onPairEnd?: ((pair: PairReport) => void) | undefined;
}

/** What is told of a pair. */
export interface PairReport {
  readonly number: number;
  readonly sender: Address;
  readonly receiver: Address;
  /** Bytes relayed, both ways together. */
  readonly bytes: number;
  /** Milliseconds from its beginning to the last datagram. */
  readonly time: number;
  /** Whether both sides were heard of. */
  readonly met: boolean;
}

/** A receiver that waits, or is in a pair and may come back. */
interface Place<Peer> {
  readonly number: number;
  readonly receiver: Peer;
  readonly id: Uint8Array;
  expires: number;
}

interface Side<Peer> {
  readonly address: Peer;
  heard: boolean;
}

/** A sender and a receiver. */
interface Pair<Peer> {
  readonly id: number;
  readonly number: number;
  readonly sender: Side<Peer>;
  readonly receiver: Side<Peer>;
  readonly begun: number;
  lastHeard: number;
  bytes: number;
}

/** Where a datagram is passed on to. */
export type Forward<Peer> = (
  datagrams: Uint8Array,
  size: number,
  to: Peer,
) => void;

/**
 * Brings senders and receivers together that know a number, and relays what they
 * send each other. A pure state machine. `README.md` specifies it.
 */
export class MeetServer<Peer extends Address>
  implements DatagramProtocol<Peer> {
  readonly #maxPlaces: number;
  readonly #maxPairs: number;
  readonly #relays: boolean;
  readonly #options: MeetServerOptions;
  readonly #validation: AddressValidation;
  /** By the networks that they come from. */
  readonly #joins: SourceBuckets;
  readonly #cookies = new TokenBucket(COOKIES);
  /** What waits for its turn, where there is a rate to keep to. */
  readonly #relayQueue: RelayQueue<Side<Peer>> | undefined;
  readonly #places = new Map<number, Place<Peer>>();
  readonly #placeOf = new Map<string, Place<Peer>>();
  readonly #pairOf = new Map<string, Pair<Peer>>();
  readonly #answers: { bytes: Uint8Array; to: Peer }[] = [];
  #sweepAt = Infinity;

  constructor(options: MeetServerOptions) {
    const { random, relays = true, relayRate = Infinity } = options;
    const { places = 128, pairs = 1024, joins = 30 } = options;
    this.#options = options;
    this.#maxPlaces = places;
    this.#maxPairs = pairs;
    this.#relays = relays;
    const joinLimit = { rate: joins / 60, burst: joins };
    this.#joins = new SourceBuckets(joinLimit, MAX_SOURCES);
    if (relayRate < Infinity) this.#relayQueue = new RelayQueue(relayRate);
    const key = new Uint32Array(8).map(random);
    this.#validation = new AddressValidation(new Uint8Array(key.buffer));
  }

  get placeCount(): number {
    return this.#places.size;
  }

  get pairCount(): number {
    // Each stands there by both of its addresses
    return this.#pairOf.size / 2;
  }

  /** Sources whose joins are counted. */
  get sourceCount(): number {
    return this.#joins.size;
  }

  /**
   * Takes a datagram, or several of one size in a row, which a kernel may have
   * joined: requests, and what one side of a pair sends to the other.
   *
   * @param forward passes them on, if they need not wait; the bytes may be those
   * that were given
   */
  take(
    now: number,
    datagrams: Uint8Array,
    from: Peer,
    forward: Forward<Peer>,
  ): void {
    const size = firstDatagram(datagrams);
    if (hasRequest(datagrams, size)) {
      for (let at = 0; at < datagrams.length; at += size) {
        const datagram = datagrams.subarray(at, at + size);
        if (isRequest(datagram)) this.receive(now, datagram, from);
        else this.#relay(now, datagram, { size, from, forward });
      }
    } else this.#relay(now, datagrams, { size, from, forward });
  }

  #relay(
    now: number,
    datagrams: Uint8Array,
    { size, from, forward }: {
      size: number;
      from: Peer;
      forward: Forward<Peer>;
    },
  ): void {
    const pair = this.#pairOf.get(keyOf(from));
    if (pair === undefined || !isRelayed(datagrams, size)) return;
    const { sender, receiver } = pair;
    const isSender = from.port === sender.address.port &&
      from.hostname === sender.address.hostname;
    const [source, target] = isSender ? [sender, receiver] : [receiver, sender];
    source.heard = true;
    pair.lastHeard = now;
    const { length } = datagrams;
    const isMore = !this.#relays && pair.bytes + length > INTRODUCTION_SIZE;
    if (isMore) return;
    if (this.#relayQueue === undefined) {
      pair.bytes += length;
      forward(datagrams, size, target.address);
    } else {
      pair.bytes += this.#relayQueue.push(target, { bytes: datagrams, size });
      this.passOn(now, forward);
    }
  }

  /** Passes on what has waited, once {@linkcode deadline} has come. */
  passOn(now: number, forward: Forward<Peer>): void {
    for (;;) {
      const next = this.#relayQueue?.poll(now);
      if (next === undefined) return;
      forward(next.bytes, next.size, next.target.address);
    }
  }

  /** Takes a request. */
  receive(now: number, datagram: Uint8Array, from: Peer): boolean {
    const request = decodeRequest(datagram);
    if (request === undefined) return false;
    if (this.#sweepAt === Infinity) this.#sweepAt = now + SWEEP_INTERVAL;
    const { id, kind } = request;
    if (!this.#cookies.take(now)) return true;
    const origin = originOf(from, id);
    if (!this.#validation.accepts(now, origin, request.cookie)) {
      const cookie = this.#validation.issue(now, origin);
      if (kind !== MeetKind.LEAVE) {
        this.#answer({ kind: MeetKind.COOKIE, id, cookie }, from);
      }
      return true;
    }
    const { token } = this.#options;
    if (token !== undefined && !provesToken(request, token)) {
      this.#refuse(request, "token", from);
      return true;
    }
    switch (kind) {
      case MeetKind.REGISTER:
        this.#register(now, request, from);
        break;
      case MeetKind.JOIN:
        this.#join(now, request, from);
        break;
      default:
        this.#leave(now, request, from);
    }
    return true;
  }

  #register(now: number, request: MeetRequest, from: Peer): void {
    const pair = this.#pairOf.get(keyOf(from));
    const isOver = pair?.id === request.ends;
    if (pair !== undefined && isOver) this.#endPair(pair);
    const isBound = pair !== undefined && !isOver;
    // A pair goes on without a place that was given up
    const place = this.#placeOf.get(keyOf(from)) ??
      (isBound ? undefined : this.#newPlace(now, request, from));
    if (place === undefined) return;
    place.expires = now + PLACE_TIMEOUT;
    if (isBound) return this.#tellBound(now, request.id, pair, from);
    const { number } = place;
    const kind = MeetKind.PLACE;
    this.#answer({ kind, ...this.#seen(now, request.id, from), number }, from);
  }

  #newPlace(
    now: number,
    request: MeetRequest,
    from: Peer,
  ): Place<Peer> | undefined {
    if (this.#places.size >= this.#maxPlaces) this.#sweep(now);
    if (this.#places.size >= this.#maxPlaces) {
      this.#refuse(request, "full", from);
      return undefined;
    }
    let { number } = request;
    if (number !== 0 && this.#places.has(number)) {
      this.#refuse(request, "taken", from);
      return undefined;
    }
    for (number ||= 1; this.#places.has(number); number++);
    if (number > MAX_NUMBER) return undefined;
    const place: Place<Peer> = {
      number,
      receiver: from,
      id: request.id.slice(),
      expires: now + PLACE_TIMEOUT,
    };
    this.#places.set(number, place);
    this.#placeOf.set(keyOf(from), place);
    return place;
  }

  #join(now: number, request: MeetRequest, from: Peer): void {
    const { id, number } = request;
    const known = this.#pairOf.get(keyOf(from));
    const isSender = known !== undefined &&
      keyOf(known.sender.address) === keyOf(from);
    const isAgain = number === 0 || number === known?.number;
    if (isSender && isAgain) {
      // Renewed, or the answer was lost
      this.#tellBound(now, id, known, from);
      return;
    }
    if (number === 0) return this.#refuse(request, "unknown", from);
    if (!this.#joins.take(now, networkOf(from.hostname))) {
      this.#refuse(request, "too-often", from);
      return;
    }
    const place = this.#places.get(number);
    const isFree = place !== undefined && place.expires > now &&
      !this.#pairOf.has(keyOf(place.receiver)) &&
      keyOf(place.receiver) !== keyOf(from) &&
      (known === undefined || isSender);
    if (!isFree) {
      this.#refuse(request, "unknown", from);
      return;
    }
    if (isSender) this.#endPair(known);
    if (this.pairCount >= this.#maxPairs) this.#sweep(now);
    if (this.pairCount >= this.#maxPairs) {
      this.#refuse(request, "full", from);
      return;
    }
    const pair: Pair<Peer> = {
      id: Math.max(1, this.#options.random()),
      number,
      sender: { address: from, heard: false },
      receiver: { address: place.receiver, heard: false },
      begun: now,
      lastHeard: now,
      bytes: 0,
    };
    this.#pairOf.set(keyOf(from), pair);
    this.#pairOf.set(keyOf(place.receiver), pair);
    this.#tellBound(now, id, pair, from);
    this.#tellBound(now, place.id, pair, place.receiver);
  }

  #leave(_now: number, { ends }: MeetRequest, from: Peer): void {
    const pair = this.#pairOf.get(keyOf(from));
    if (pair !== undefined && pair.id === ends) this.#endPair(pair);
    const place = this.#placeOf.get(keyOf(from));
    if (place !== undefined) this.#removePlace(place);
  }

  #removePlace(place: Place<Peer>): void {
    this.#places.delete(place.number);
    this.#placeOf.delete(keyOf(place.receiver));
  }

  #endPair(pair: Pair<Peer>): void {
    const { number, sender, receiver, bytes, begun, lastHeard } = pair;
    for (const side of [sender, receiver]) {
      this.#pairOf.delete(keyOf(side.address));
      this.#relayQueue?.delete(side);
    }
    this.#options.onPairEnd?.({
      number,
      sender: sender.address,
      receiver: receiver.address,
      bytes,
      time: lastHeard - begun,
      met: sender.heard && receiver.heard,
    });
  }

  #tellBound(now: number, id: Uint8Array, pair: Pair<Peer>, to: Peer): void {
    const { number, id: name } = pair;
    const kind = MeetKind.BOUND;
    const relays = this.#relays;
    const seen = this.#seen(now, id, to);
    this.#answer({ kind, ...seen, number, pair: name, relays }, to);
  }

  #seen(now: number, id: Uint8Array, from: Peer) {
    const cookie = this.#validation.issue(now, originOf(from, id));
    return { id, cookie, seen: from };
  }

  #refuse({ id }: MeetRequest, reason: MeetRefusal, to: Peer): void {
    this.#answer({ kind: MeetKind.REFUSED, id, reason }, to);
  }

  #answer(answer: MeetAnswer, to: Peer): void {
    if (this.#answers.length >= MAX_ANSWERS) return;
    this.#answers.push({ bytes: encodeAnswer(answer), to });
  }

  poll(now: number): { bytes: Uint8Array; to: Peer } | undefined {
    if (now >= this.#sweepAt) {
      this.#sweep(now);
      this.#sweepAt = this.#places.size + this.#pairOf.size > 0
        ? now + SWEEP_INTERVAL
        : Infinity;
    }
    return this.#answers.shift();
  }

  get deadline(): number {
    if (this.#answers.length > 0) return -Infinity;
    return Math.min(this.#sweepAt, this.#relayQueue?.deadline ?? Infinity);
  }

  #sweep(now: number): void {
    for (const place of [...this.#places.values()]) {
      if (place.expires <= now) this.#removePlace(place);
    }
    for (const pair of new Set(this.#pairOf.values())) {
      if (expiryOf(pair) <= now) this.#endPair(pair);
    }
  }

  /** Ends all pairs: nothing is relayed any more. */
  close(): void {
    for (const pair of new Set(this.#pairOf.values())) this.#endPair(pair);
  }
}

function expiryOf({ sender, receiver, begun, lastHeard }: Pair<Address>) {
  return sender.heard && receiver.heard
    ? lastHeard + PAIR_TIMEOUT
    : begun + BINDING_TIMEOUT;
}

function keyOf({ hostname, port }: Address): string {
  return `${hostname} ${port}`;
}

function originOf(from: Address, id: Uint8Array) {
  return { from, id: uint32At(id, 0) };
}

function isRequest(datagram: Uint8Array): boolean {
  return datagram[MARK_AT] === SideMark.MEET;
}

function hasRequest(datagrams: Uint8Array, size: number): boolean {
  for (let at = 0; at < datagrams.length; at += size) {
    if (datagrams[at + MARK_AT] === SideMark.MEET) return true;
  }
  return false;
}

/**
 * Whether it is of a kind that is relayed: segments, and what tells of candidates.
 *
 * @param size of the first of several, which alone is looked at
 */
function isRelayed(datagrams: Uint8Array, size: number): boolean {
  const first = datagrams.subarray(0, size);
  const isKnown = mayBeSegment(first) ||
    first[MARK_AT] === SideMark.CANDIDATES;
  return isKnown && statedLength(first) === size && hasRightCrc(first);
}
