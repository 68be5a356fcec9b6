import type { Config, ConnectionOptions } from "../connection/config.ts";
import { Connection } from "../connection/connection.ts";
import { ConnectionTable } from "./connection_table.ts";
import { type Address, CookieJar } from "./address_validation.ts";
import { Deadlines, type Waiting } from "./deadline_heap.ts";
import {
  HalfOpen,
  HandshakeBudget,
  type Place,
  sourceOf,
} from "./half_open.ts";
import {
  isSameAddress,
  PathValidation,
} from "../connection/path_validation.ts";
import { Replies } from "./stateless_responses.ts";
import {
  decodeSegment,
  firstDatagram,
  Flag,
  PathKind,
  Reset,
  Segment,
  SYN_SIZE,
} from "../wire/segment.ts";
import { TokenBucket } from "./token_bucket.ts";

import { dropped, type Verdict } from "../receiving/packet_receiver.ts";
import type { TraceEvent } from "../connection/trace.ts";

/** What a peer may send before it is admitted, in bytes: what the layer above says to get there. */
const STRANGER_WINDOW = 4096;
/** Peers at a time that may send a whole initial window before they are admitted, so that the first round trips are not waited out. */
const WHOLE_WINDOWS = 2;
/** Cookies made or looked at while somebody is served: the dearest thing that a stranger gets for nothing. */
const COOKIES_PER_SECOND = 8000;
const COOKIE_BURST = 256;

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

/** Gives a place up for somebody else. @returns whether there is one now */
export type MakeRoom = () => boolean;

interface Hosted<Peer extends Address> extends Waiting {
  readonly connection: Connection;
  peer: Peer;
  /** Where else what it says may come from: a server with several addresses answers from one of its choice. */
  answersFrom: Peer | undefined;
  /** Where it may have moved to, once there is a sign of that. */
  paths: PathValidation<Peer> | undefined;
  /** Whether it has one of the places that there are. */
  admitted: boolean;
  /** What it has instead, if a peer has opened it. */
  place: Place<Hosted<Peer>> | undefined;
  /** Whether it was granted a whole window although it is not admitted. */
  hasWholeWindow: boolean;
  /** Whether it is to be polled, its deadline looked at, and its owner told. */
  active: boolean;
  stale: boolean;
  changed: boolean;
  /** Whether it is over and forgotten. */
  removed: boolean;
}

/**
 * All connections of one socket: finds the connection that a datagram belongs
 * to, opens new ones, and answers what belongs to none, keeping nothing of it.
 * Like a connection it is a pure state machine.
 */
export class Host<Peer extends Address> {
  readonly #config: Config;
  #maxConnections: number;
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
  readonly #table = new ConnectionTable<Hosted<Peer>>();
  readonly #hostedOf = new WeakMap<Connection, Hosted<Peer>>();
  readonly #admitted = new Set<Hosted<Peer>>();
  readonly #halfOpen: HalfOpen<Hosted<Peer>>;
  readonly #handshakes: HandshakeBudget;
  #wholeWindows = 0;
  /** Opened by peers, for the application to take. */
  readonly #opened: Hosted<Peer>[] = [];
  readonly #deadlines = new Deadlines<Hosted<Peer>>();
  // Those that something has happened to: to be polled, with another deadline, and to be told of.
  readonly #active: Hosted<Peer>[] = [];
  readonly #stale: Hosted<Peer>[] = [];
  #changed: Hosted<Peer>[] = [];
  /** Whether SYNs are answered. */
  listening = false;
  /** Called when somebody who has proved an address comes and all places are taken. */
  makeRoom: MakeRoom | undefined;
  /** Datagrams that belonged to no connection or were damaged. */
  strays = 0;

  constructor(options: HostOptions<Peer>) {
    this.#config = options.config;
    this.#maxConnections = options.config.maxConnections;
    this.#random = options.random;
    this.#trace = options.trace;
    this.#admitsByHand = options.admitsByHand ?? false;
    this.#limitsTo = options.limitsTo ?? (() => options.config);
    this.#halfOpen = new HalfOpen(options.config.halfOpenPlaces);
    this.#handshakes = new HandshakeBudget(options.random);
    const key = new Uint32Array(8).map(() => options.random());
    this.#cookies = new CookieJar(new Uint8Array(key.buffer));
    this.#replies = new Replies(this.#cookies);
  }

  /**
   * Connections served at a time, however many there were to be at first; those
   * that are served already stay.
   */
  set maxConnections(most: number) {
    this.#maxConnections = most;
    if (this.makeRoom === undefined) this.#turnAwayOthers();
  }

  /** Opens a connection to `peer`; its SYN leaves with the next {@linkcode poll}. */
  connect(now: number, peer: Peer): Connection {
    const id = { idHigh: this.#random(), idLow: this.#random() };
    const opening = { ...id, active: true, validated: false };
    const hosted = this.#open(now, peer, opening);
    hosted.admitted = true;
    this.#admitted.add(hosted);
    return hosted.connection;
  }

  /**
   * Takes a connection that a peer has opened, if there is one: and proved,
   * unless the application admits by hand.
   */
  accept(): Connection | undefined {
    for (;;) {
      const hosted = this.#opened.shift();
      if (hosted?.removed !== true) return hosted?.connection;
    }
  }

  /**
   * Gives a place to a connection that a peer has opened, and the window that
   * goes with it. When there is none, the peer is told that the host is busy.
   *
   * @returns whether there was one
   */
  admit(connection: Connection): boolean {
    const hosted = this.#hostedOf.get(connection);
    if (hosted === undefined || connection.closeReason !== undefined) {
      return false;
    }
    if (this.#served >= this.#maxConnections && !this.#makesRoom()) {
      connection.abort(Reset.BUSY);
      return false;
    }
    this.#admit(hosted);
    return true;
  }

  #makesRoom(): boolean {
    return this.makeRoom?.() === true &&
      this.#served < this.#maxConnections;
  }

  #admit(hosted: Hosted<Peer>): void {
    hosted.admitted = true;
    this.#admitted.add(hosted);
    this.#leavePlace(hosted);
    hosted.connection.admit();
    if (this.makeRoom === undefined) this.#turnAwayOthers();
  }

  #leavePlace(hosted: Hosted<Peer>): void {
    if (hosted.place !== undefined) this.#halfOpen.free(hosted.place);
    hosted.place = undefined;
    if (hosted.hasWholeWindow) this.#wholeWindows--;
    hosted.hasWholeWindow = false;
  }

  /** How many connections there are, half-open ones too. */
  get size(): number {
    return this.#table.size;
  }

  /** Connections that have a place. */
  get #served(): number {
    let served = 0;
    for (const { connection } of this.#admitted) {
      if (connection.closeReason === undefined) served++;
    }
    return served;
  }

  /** Where the connection's peer is now. */
  peerOf(connection: Connection): Peer | undefined {
    return this.#hostedOf.get(connection)?.peer;
  }

  /** Takes the connections to which something has happened since this was called last. */
  takeChanged(): Connection[] {
    const changed = this.#changed;
    if (changed.length === 0) return NONE;
    this.#changed = [];
    return changed.map((hosted) => {
      hosted.changed = false;
      return hosted.connection;
    });
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
    const hosted = this.#table.find(segment.idHigh, segment.idLow);
    if (hosted === undefined) {
      const reason = this.#receiveStranger(now, datagram, from);
      if (reason === undefined) return true;
      this.#stray(now, reason, segment);
      return this.#replies.some;
    }
    const { connection } = hosted;
    if (!isSameAddress(hosted.peer, from)) {
      const reason = this.#receiveFromElsewhere(now, hosted, datagram, from);
      if (reason !== undefined) {
        connection.counters.dropped++;
        if (this.#trace !== undefined) {
          this.#traceReceived(now, segment, dropped(reason));
        }
        return true;
      }
    }
    this.#touch(hosted);
    const wasEstablished = connection.established;
    const verdict = connection.receive(now, segment, datagram);
    if (this.#trace !== undefined) this.#traceReceived(now, segment, verdict);
    if (verdict.kind !== "accepted") return true;
    if (segment.has(Flag.PATH) && hosted.paths !== undefined) {
      this.#onPathResponse(now, hosted, from);
    }
    if (!wasEstablished && connection.established) {
      this.#onEstablished(now, hosted);
    }
    return true;
  }

  #onEstablished(now: number, hosted: Hosted<Peer>): void {
    const { place } = hosted;
    if (place === undefined) return;
    this.#halfOpen.renew(now, place);
    if (this.#admitsByHand) return;
    this.#opened.push(hosted);
    this.#admit(hosted);
  }

  /** @returns why what came from another address than the peer's is not taken in, if it is not */
  #receiveFromElsewhere(
    now: number,
    hosted: Hosted<Peer>,
    datagram: Uint8Array,
    from: Peer,
  ): string | undefined {
    const { connection, place, answersFrom } = hosted;
    if (!connection.established) {
      if (place !== undefined) return "from another address";
      if (this.#segment.has(Flag.SYN)) hosted.answersFrom = from;
      return undefined;
    }
    if (answersFrom !== undefined && isSameAddress(answersFrom, from)) {
      return undefined;
    }
    if (connection.closeReason !== undefined) return "closed";
    this.#touch(hosted);
    hosted.paths ??= new PathValidation(hosted.peer, this.#random);
    const { paths } = hosted;
    const isKnown = paths.isKnown(from);
    if (!isKnown && this.#segment.has(Flag.PATH)) {
      this.#onPathResponse(now, hosted, from);
    } else paths.onDatagram(now, from, datagram.length, connection.pto);
    return isKnown ? undefined : "from another address";
  }

  #onPathResponse(now: number, hosted: Hosted<Peer>, from: Peer): void {
    const { pathKind, pathHigh, pathLow } = this.#segment;
    if (pathKind !== PathKind.RESPONSE) return;
    hosted.paths!.onResponse(from, pathHigh, pathLow);
    this.#settlePaths(now, hosted);
  }

  // Where only the port is another one, the path is most likely the same (RFC 9000, section 9.4).
  #settlePaths(now: number, hosted: Hosted<Peer>): void {
    const { peer, connection } = hosted;
    const moved = hosted.paths?.settle(now);
    if (moved === undefined) return;
    hosted.peer = moved;
    if (moved.hostname !== peer.hostname) connection.onNewPath();
    this.#touch(hosted);
  }

  /** @returns why the datagram was dropped, if it was */
  #receiveStranger(
    now: number,
    datagram: Uint8Array,
    from: Peer,
  ): string | undefined {
    const segment = this.#segment;
    if (segment.has(Flag.RST)) return "reset of no connection";
    const opens = segment.has(Flag.SYN) && !segment.has(Flag.ACK) &&
      segment.seq === 0;
    const served = this.#served;
    const isFull = served >= this.#maxConnections;
    if (opens && isFull && this.makeRoom === undefined) {
      return this.#isBusy(now, datagram, from);
    }
    if (!opens || !this.listening) {
      this.#replies.reset(now, Reset.UNKNOWN, segment, datagram, from);
      return "no such connection";
    }
    const { idHigh, idLow, cookie } = segment;
    const source = sourceOf(from.hostname);
    if (cookie.length > 0 && !this.#affordsCookie(now, served)) {
      return "too many cookies asked for";
    }
    const validated = cookie.length > 0 &&
      this.#cookies.accepts(now, from, idHigh, idLow, cookie);
    if (validated) {
      if (!this.#handshakes.takeValidated(now)) return "too many handshakes";
    } else {
      const isCalm = !isFull &&
        this.#halfOpen.size(now) < this.#config.maxHalfOpen;
      if (!isCalm || !this.#handshakes.take(now, source)) {
        if (!this.#affordsCookie(now, served)) {
          return "too many cookies asked for";
        }
        this.#replies.cookie(now, segment, datagram, from);
        return "asked for a cookie";
      }
    }
    if (isFull && !this.#makesRoom()) return this.#isBusy(now, datagram, from);
    if (this.#halfOpen.isFull(now)) this.#displace(now);
    const hasWholeWindow = this.#wholeWindows < WHOLE_WINDOWS;
    const { initialWindow } = this.#config;
    const hosted = this.#open(now, from, {
      idHigh,
      idLow,
      active: false,
      validated,
      windowBeforeAdmission: hasWholeWindow
        ? initialWindow
        : Math.min(STRANGER_WINDOW, initialWindow),
    });
    hosted.place = this.#halfOpen.take(now, hosted, source);
    hosted.hasWholeWindow = hasWholeWindow;
    if (hasWholeWindow) this.#wholeWindows++;
    if (this.#admitsByHand) this.#opened.push(hosted);
    const verdict = hosted.connection.receive(now, segment, datagram);
    if (this.#trace !== undefined) this.#traceReceived(now, segment, verdict);
    return undefined;
  }

  #isBusy(now: number, datagram: Uint8Array, from: Peer): string {
    this.#replies.reset(now, Reset.BUSY, this.#segment, datagram, from);
    return "busy";
  }

  #affordsCookie(now: number, served: number): boolean {
    return served === 0 || this.#cookieBudget.take(now);
  }

  // Nothing is said to whoever loses its place: a SYN that is repeated begins anew.
  #displace(now: number): void {
    const hosted = this.#halfOpen.giveUp();
    if (hosted === undefined) return;
    hosted.connection.displace();
    this.#remove(now, hosted);
  }

  #open(
    now: number,
    peer: Peer,
    opening: Omit<ConnectionOptions, "firstPacket" | "random">,
  ): Hosted<Peer> {
    const firstPacket = this.#random();
    const random = this.#random;
    const config = { ...this.#config, ...this.#limitsTo(peer) };
    const hosted: Hosted<Peer> = {
      connection: new Connection(now, config, {
        ...opening,
        firstPacket,
        random,
      }),
      peer,
      answersFrom: undefined,
      paths: undefined,
      admitted: false,
      place: undefined,
      hasWholeWindow: false,
      active: false,
      stale: false,
      changed: false,
      removed: false,
      due: Infinity,
      slot: -1,
    };
    const { connection } = hosted;
    connection.onUsed = () => this.#touch(hosted);
    this.#table.add(hosted);
    this.#hostedOf.set(connection, hosted);
    this.#touch(hosted);
    return hosted;
  }

  #remove(now: number, hosted: Hosted<Peer>): void {
    hosted.removed = true;
    this.#table.delete(hosted);
    this.#admitted.delete(hosted);
    this.#deadlines.remove(hosted);
    if (hosted.place !== undefined) {
      this.#halfOpen.end(now, hosted.place);
      if (hosted.hasWholeWindow) this.#wholeWindows--;
      hosted.hasWholeWindow = false;
    }
    this.#tell(hosted);
  }

  #touch(hosted: Hosted<Peer>): void {
    if (!hosted.active) {
      hosted.active = true;
      this.#active.push(hosted);
    }
    if (!hosted.stale) {
      hosted.stale = true;
      this.#stale.push(hosted);
    }
    this.#tell(hosted);
  }

  #tell(hosted: Hosted<Peer>): void {
    if (hosted.changed) return;
    hosted.changed = true;
    this.#changed.push(hosted);
  }

  // Whoever has no place when the last one is taken need not wait for nothing.
  #turnAwayOthers(): void {
    if (this.#served < this.#maxConnections) return;
    for (const { connection, admitted } of [...this.#table]) {
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
    if (this.#active.length === 0) this.#activateDue(now);
    for (;;) {
      const hosted = this.#active[0];
      if (hosted === undefined) return undefined;
      const sent = this.#pollOne(now, hosted, into);
      if (sent !== undefined) {
        if (this.#trace !== undefined) this.#traceSent(now, hosted.connection);
        this.#touch(hosted);
        return sent;
      }
      this.#active.shift();
      hosted.active = false;
      if (hosted.connection.finished) this.#remove(now, hosted);
    }
  }

  #pollOne(
    now: number,
    { connection, peer, paths }: Hosted<Peer>,
    into: Uint8Array,
  ): { length: number; to: Peer } | undefined {
    if (paths !== undefined && connection.closeReason === undefined) {
      const challenge = paths.next(now, connection.pto);
      if (challenge !== undefined) {
        const { to, high, low, size } = challenge;
        return { length: connection.writeChallenge(high, low, size, into), to };
      }
    }
    const length = connection.send(now, into);
    return length > 0 ? { length, to: peer } : undefined;
  }

  // What was held back until now may leave, also if nobody was woken for it.
  #activateDue(now: number): void {
    this.#refresh();
    const { first } = this.#deadlines;
    if (first !== undefined && first.due <= now) this.#touch(first);
  }

  // Only what something has happened to has another deadline.
  #refresh(): void {
    if (this.#stale.length === 0) return;
    for (const hosted of this.#stale) {
      hosted.stale = false;
      const { connection, paths } = hosted;
      const due = Math.min(connection.deadline, paths?.deadline ?? Infinity);
      this.#deadlines.set(hosted, connection.finished ? Infinity : due);
    }
    this.#stale.length = 0;
  }

  /** When {@linkcode wake} is to be called, in milliseconds; `Infinity` for never. */
  get deadline(): number {
    this.#refresh();
    return this.#deadlines.first?.due ?? Infinity;
  }

  /** Does what is due by now; {@linkcode poll} is to be called after it. */
  wake(now: number): void {
    this.#refresh();
    for (;;) {
      const { first } = this.#deadlines;
      if (first === undefined || first.due > now) return;
      this.#deadlines.remove(first);
      this.#touch(first);
      this.#settlePaths(now, first);
      if (first.connection.deadline <= now) first.connection.wake(now);
    }
  }

  #stray(now: number, reason: string, segment?: Segment): void {
    this.strays++;
    if (this.#trace === undefined) return;
    const known = segment ?? NOTHING;
    this.#trace(traceEvent("DROP", now, known, false, reason));
  }

  #traceReceived(now: number, segment: Segment, verdict: Verdict): void {
    const isDuplicate = verdict.kind === "duplicate";
    const reason = "reason" in verdict ? verdict.reason : undefined;
    const what = reason === undefined ? "RECV" : "DROP";
    const because = isDuplicate ? "duplicate" : reason;
    this.#trace!(traceEvent(what, now, segment, isDuplicate, because));
  }

  #traceSent(now: number, connection: Connection): void {
    const { sentSegment, sentAgain } = connection;
    this.#trace!(traceEvent("SEND", now, sentSegment, sentAgain));
  }
}

const NOTHING = new Segment();
const NONE: Connection[] = [];

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
