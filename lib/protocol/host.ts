import type { Config } from "./config.ts";
import { Connection } from "./connection.ts";
import { type Address, CookieJar } from "./cookie.ts";
import { Replies } from "./replies.ts";
import {
  decodeSegment,
  firstDatagram,
  Flag,
  Reset,
  Segment,
  SYN_SIZE,
} from "./segment.ts";
import { TokenBucket } from "./token_bucket.ts";
import type { TraceEvent } from "./trace.ts";

/** Half-open connections whose cookie was good are kept beyond the limit, up to this many times it. */
const VALIDATED_SHARE = 4;
/** Cookies made or looked at while somebody is served: the dearest thing that a stranger gets for nothing. */
const COOKIES_PER_SECOND = 2000;
const COOKIE_BURST = 64;

/** What a connection may ask of the machine. */
export type HostLimits = Pick<Config, "maxDatagramSize" | "socketMemory">;

/** What a host is made with. */
export interface HostOptions<Peer extends Address> {
  readonly config: Config;
  /** Whole numbers in [0, 2^32), unpredictable. */
  readonly random: () => number;
  readonly trace?: (event: TraceEvent) => void;
  /**
   * What is known of this machine and the way to a peer by now.
   *
   * @default {what the configuration says}
   */
  readonly limitsTo?: (peer: Peer) => HostLimits;
  /**
   * Whether the application says, by {@linkcode Host.admit}, whom it serves; it
   * then hears of a connection as soon as it is opened. Otherwise whoever has
   * proved an address is served.
   *
   * @default {false}
   */
  readonly admitsByHand?: boolean;
}

/** Whose datagrams a host wants. */
export interface GuestList {
  readonly connections: readonly Pick<Connection, "idHigh" | "idLow">[];
  /** Whether there is a place for somebody else, and whether anybody has one. */
  readonly places: "taken" | "some" | "all";
  /** Of the cookies that were handed out: see {@linkcode CookieJar.watchword}. */
  readonly watchword: number;
}

interface Hosted<Peer extends Address> {
  readonly connection: Connection;
  peer: Peer;
  /** Whether it was opened by the peer and has not been handed to the application. */
  pending: boolean;
  /** Whether it has one of the places that there are. */
  admitted: boolean;
}

/**
 * All connections of one socket: finds the connection that a datagram belongs
 * to, opens new ones, and answers what belongs to none, keeping nothing of it.
 * Like a connection it is a pure state machine.
 */
export class Host<Peer extends Address> {
  readonly #config: Config;
  readonly #random: () => number;
  readonly #limitsTo: (peer: Peer) => HostLimits;
  readonly #admitsByHand: boolean;
  readonly #trace: ((event: TraceEvent) => void) | undefined;
  readonly #cookies: CookieJar;
  readonly #cookieBudget = new TokenBucket(
    COOKIES_PER_SECOND / 1000,
    COOKIE_BURST,
  );
  readonly #segment = new Segment();
  readonly #replies: Replies<Peer>;
  #hosted: Hosted<Peer>[] = [];
  #guestList: GuestList | undefined;
  #listening = false;
  /** Datagrams that belonged to no connection or were damaged. */
  strays = 0;
  /** Connections served at a time; further ones are told that the host is busy. */
  maxConnections: number;

  constructor(options: HostOptions<Peer>) {
    this.#config = options.config;
    this.maxConnections = options.config.maxConnections;
    this.#random = options.random;
    this.#trace = options.trace;
    this.#admitsByHand = options.admitsByHand ?? false;
    this.#limitsTo = options.limitsTo ?? (() => options.config);
    const key = new Uint32Array(8).map(() => options.random());
    const watchword = options.random();
    this.#cookies = new CookieJar(new Uint8Array(key.buffer), watchword);
    this.#replies = new Replies(this.#cookies);
  }

  /** Whether SYNs are welcome. */
  get listening(): boolean {
    return this.#listening;
  }

  set listening(welcome: boolean) {
    this.#listening = welcome;
    this.#guestList = undefined;
  }

  /** Opens a connection to `peer`; its SYN leaves with the next {@linkcode poll}. */
  connect(now: number, peer: Peer): Connection {
    return this.#open(now, peer, this.#random(), this.#random(), true, false);
  }

  /**
   * Takes a connection that a peer has opened, if there is one: and proved,
   * unless the application admits by hand.
   */
  accept(): Connection | undefined {
    const hosted = this.#hosted.find(({ pending, connection }) =>
      pending && (this.#admitsByHand || connection.established)
    );
    if (hosted === undefined) return undefined;
    hosted.pending = false;
    return hosted.connection;
  }

  /**
   * Gives a place to a connection that a peer has opened.
   *
   * @returns whether there was one
   */
  admit(connection: Connection): boolean {
    const hosted = this.#hosted.find((one) => one.connection === connection);
    if (hosted === undefined || connection.ending !== undefined) return false;
    if (this.#count(true) >= this.maxConnections) return false;
    hosted.admitted = true;
    this.#guestList = undefined;
    this.#turnAwayOthers();
    return true;
  }

  /** Whose datagrams are wanted; the same object for as long as it is true. */
  get guestList(): GuestList {
    return this.#guestList ??= {
      connections: this.#hosted.map(({ connection }) => connection),
      places: this.#places(),
      watchword: this.#cookies.watchword,
    };
  }

  #places(): GuestList["places"] {
    const served = this.#count(true);
    const full = !this.#listening || served >= this.maxConnections;
    if (full) return "taken";
    return served > 0 ? "some" : "all";
  }

  /** Where the connection's peer is now. */
  peerOf(connection: Connection): Peer | undefined {
    return this.#hosted.find((one) => one.connection === connection)?.peer;
  }

  /**
   * Takes a datagram, or several of one size in a row: a kernel may join them.
   *
   * @returns whether anything came of it: what was thrown away changes nothing
   */
  receive(now: number, datagrams: Uint8Array, from: Peer): boolean {
    const size = firstDatagram(datagrams);
    if (size === datagrams.length) {
      return this.#receive(now, datagrams, from);
    }
    let fruitful = false;
    for (let at = 0; at < datagrams.length; at += size) {
      const datagram = datagrams.subarray(at, at + size);
      if (this.#receive(now, datagram, from)) fruitful = true;
    }
    return fruitful;
  }

  #receive(now: number, datagram: Uint8Array, from: Peer): boolean {
    const segment = this.#segment;
    const malformation = decodeSegment(datagram, segment);
    if (malformation !== undefined) {
      this.#stray(now, malformation);
      const isSyn = datagram.length >= SYN_SIZE;
      if (malformation === "other version" && isSyn) {
        this.#replies.reset(now, Reset.VERSION, segment, datagram, from);
      }
      return this.#replies.some;
    }
    const hosted = this.#find(segment.idHigh, segment.idLow);
    if (hosted === undefined) {
      const reason = this.#receiveStranger(now, datagram, from);
      if (reason === undefined) return true;
      this.#stray(now, reason, segment);
      return this.#replies.some;
    }
    const { connection } = hosted;
    const wasEstablished = connection.established;
    const reason = connection.receive(now, segment, datagram);
    if (this.#trace !== undefined) this.#traceReceived(now, segment, reason);
    if (reason !== undefined) return true;
    const moved = hosted.peer.port !== from.port ||
      hosted.peer.hostname !== from.hostname;
    if (
      moved && connection.established &&
      segment.packetNumber === connection.largestReceived
    ) hosted.peer = from;
    const isNew = !wasEstablished && connection.established;
    if (isNew && (hosted.admitted || !this.#admitsByHand)) {
      hosted.admitted = true;
      this.#guestList = undefined;
      this.#turnAwayOthers();
    }
    return true;
  }

  #find(idHigh: number, idLow: number): Hosted<Peer> | undefined {
    for (const hosted of this.#hosted) {
      const { connection } = hosted;
      if (connection.idLow === idLow && connection.idHigh === idHigh) {
        return hosted;
      }
    }
    return undefined;
  }

  /** @returns why the datagram was dropped, if it was */
  #receiveStranger(
    now: number,
    datagram: Uint8Array,
    from: Peer,
  ): string | undefined {
    const segment = this.#segment;
    if (segment.has(Flag.RST)) return "reset of no connection";
    const opens = this.#listening && segment.has(Flag.SYN) &&
      !segment.has(Flag.ACK) && segment.seq === 0;
    if (!opens) {
      this.#replies.reset(now, Reset.UNKNOWN, segment, datagram, from);
      return "no such connection";
    }
    const served = this.#count(true);
    if (served >= this.maxConnections) {
      this.#replies.reset(now, Reset.BUSY, segment, datagram, from);
      return "busy";
    }
    const { idHigh, idLow, cookie } = segment;
    const halfOpen = this.#count(false);
    const limit = this.#config.maxHalfOpen;
    const needsCookie = cookie.length > 0 || halfOpen >= limit;
    if (needsCookie && served > 0 && !this.#cookieBudget.take(now)) {
      return "too many cookies asked for";
    }
    const validated = cookie.length > 0 &&
      this.#cookies.accepts(now, from, idHigh, idLow, cookie);
    if (halfOpen >= limit && !validated) {
      this.#replies.cookie(now, segment, datagram, from);
      return "asked for a cookie";
    }
    if (halfOpen >= VALIDATED_SHARE * limit) return "too many half open";
    const connection = this.#open(now, from, idHigh, idLow, false, validated);
    const reason = connection.receive(now, segment, datagram);
    if (this.#trace !== undefined) this.#traceReceived(now, segment, reason);
    return undefined;
  }

  #open(
    now: number,
    peer: Peer,
    idHigh: number,
    idLow: number,
    active: boolean,
    validated: boolean,
  ): Connection {
    const firstPacket = this.#random();
    const opening = { idHigh, idLow, firstPacket, active, validated };
    const config = { ...this.#config, ...this.#limitsTo(peer) };
    const connection = new Connection(now, config, opening);
    const admitted = active;
    this.#hosted.push({ connection, peer, pending: !active, admitted });
    this.#guestList = undefined;
    return connection;
  }

  #count(admitted: boolean): number {
    let count = 0;
    for (const one of this.#hosted) {
      if (one.admitted === admitted && one.connection.ending === undefined) {
        count++;
      }
    }
    return count;
  }

  // Whoever has no place when the last one is taken need not wait for nothing.
  #turnAwayOthers(): void {
    if (this.#count(true) < this.maxConnections) return;
    for (const { connection, admitted } of this.#hosted) {
      if (!admitted) connection.abort(Reset.BUSY);
    }
  }

  /**
   * Writes the next datagram that may leave now into `into`.
   *
   * @returns its length and where it goes, or `undefined` if there is none
   */
  poll(
    now: number,
    into: Uint8Array,
  ): { length: number; to: Peer } | undefined {
    const reply = this.#replies.next();
    if (reply !== undefined) {
      into.set(reply.datagram);
      return { length: reply.datagram.length, to: reply.to };
    }
    for (const { connection, peer } of this.#hosted) {
      const length = connection.send(now, into);
      if (length === 0) continue;
      if (this.#trace !== undefined) this.#traceSent(now, connection);
      return { length, to: peer };
    }
    if (this.#hosted.some((one) => one.connection.finished)) {
      this.#hosted = this.#hosted.filter((one) => !one.connection.finished);
      this.#guestList = undefined;
    }
    return undefined;
  }

  /** When {@linkcode wake} is to be called, in milliseconds; `Infinity` for never. */
  get deadline(): number {
    let deadline = Infinity;
    for (const { connection } of this.#hosted) {
      deadline = Math.min(deadline, connection.deadline);
    }
    return deadline;
  }

  /** Does what is due by now; {@linkcode poll} is to be called after it. */
  wake(now: number): void {
    for (const { connection } of this.#hosted) {
      if (connection.deadline <= now) connection.wake(now);
    }
  }

  #stray(now: number, reason: string, segment?: Segment): void {
    this.strays++;
    if (this.#trace === undefined) return;
    const known = segment ?? NOTHING;
    this.#trace(traceEvent("DROP", now, known, false, reason));
  }

  #traceReceived(
    now: number,
    segment: Segment,
    reason: string | undefined,
  ): void {
    const duplicate = reason === "duplicate";
    const dropped = reason !== undefined && !duplicate;
    const what = dropped ? "DROP" : "RECV";
    this.#trace!(traceEvent(what, now, segment, duplicate, reason));
  }

  #traceSent(now: number, connection: Connection): void {
    const { sentSegment, sentAgain } = connection;
    this.#trace!(traceEvent("SEND", now, sentSegment, sentAgain));
  }
}

const NOTHING = new Segment();

function traceEvent(
  what: TraceEvent["what"],
  time: number,
  segment: Segment,
  duplicate: boolean,
  reason?: string,
): TraceEvent {
  const { seq, ack, idHigh, idLow, flags, payloadLength } = segment;
  return {
    what,
    time,
    seq,
    ack: segment.has(Flag.ACK) ? ack : 0,
    connection: idHigh.toString(16).padStart(8, "0") +
      idLow.toString(16).padStart(8, "0"),
    flags,
    length: payloadLength,
    duplicate,
    reason,
  };
}
