import type { Address } from "../connection/address.ts";
import type { Config } from "../connection/config.ts";
import { Connection } from "../connection/connection.ts";
import { PeerAddress } from "../connection/peer_address.ts";
import {
  type TraceEvent,
  traceLost,
  traceReceived,
  traceSent,
} from "../connection/trace.ts";
import { ACCEPTED, dropped, type DropReason } from "../connection/verdict.ts";
import { firstDatagram } from "../wire/datagram_prefix.ts";
import {
  decodeSegment,
  Flag,
  Reset,
  Segment,
  SYN_SIZE,
} from "../wire/segment.ts";
import { AddressValidation } from "./address_validation.ts";
import type { DatagramProtocol, Transmit } from "./datagram_protocol.ts";
import { ConnectionTable } from "./connection_table.ts";
import { type HalfOpenSlot, HalfOpenTable } from "./half_open.ts";
import { HandshakeLimiter, networkOf } from "./handshake_limiter.ts";
import { Schedule, type Scheduled, unscheduled } from "./schedule.ts";
import { StatelessResponses } from "./stateless_responses.ts";

/** Bytes that a peer may send before its connection is accepted, unless it is one of the few with a whole window. */
const HALF_OPEN_WINDOW = 4096;

/** What this machine and the way to a peer allow. */
export type PeerLimits = Pick<Config, "maxDatagramSize" | "socketMemory">;

/** Settings of a {@linkcode Demultiplexer}. */
export interface DemultiplexerOptions<Peer extends Address> {
  readonly config: Config;
  /** Whole numbers in [0, 2^32), unpredictable. */
  readonly random: () => number;
  /** Called for each datagram. */
  readonly trace?: ((event: TraceEvent) => void) | undefined;
  /**
   * What is known by now of the limits to a peer.
   *
   * @default {what the configuration says}
   */
  readonly limitsTo?: ((peer: Peer) => PeerLimits) | undefined;
}

/** Ends an accepted connection, if one may be ended. @returns whether it did */
export type MakeRoom = () => boolean;

/** A connection, and what belongs to it here. */
interface RoutedConnection<Peer extends Address> extends Scheduled {
  readonly connection: Connection;
  readonly address: PeerAddress<Peer>;
  /** While a peer has opened it and it is not accepted. */
  slot: HalfOpenSlot<RoutedConnection<Peer>> | undefined;
  isRemoved: boolean;
}

/**
 * All connections of one socket: finds the connection that a datagram belongs
 * to, opens new ones within limits, and answers what belongs to none without
 * keeping anything of it. Like a connection it is a pure state machine.
 */
export class Demultiplexer<Peer extends Address> {
  readonly #config: Config;
  readonly #random: () => number;
  readonly #limitsTo: (peer: Peer) => PeerLimits;
  readonly #trace: ((event: TraceEvent) => void) | undefined;
  readonly #validation: AddressValidation;
  readonly #limiter: HandshakeLimiter;
  readonly #responses: StatelessResponses<Peer>;
  readonly #halfOpen: HalfOpenTable<RoutedConnection<Peer>>;
  readonly #table = new ConnectionTable<RoutedConnection<Peer>>();
  readonly #entryOf = new WeakMap<Connection, RoutedConnection<Peer>>();
  /** Connections that this side has opened or accepted. */
  readonly #served = new Set<Connection>();
  /** Opened by peers, for the application to take. */
  readonly #incoming: RoutedConnection<Peer>[] = [];
  readonly #schedule = new Schedule<RoutedConnection<Peer>>(deadlineOf);
  readonly #segment = new Segment();
  #attached: readonly DatagramProtocol<Peer>[] = [];
  #maxConnections: number;
  /** Whether peers may open connections. */
  listening = false;
  /** Called when a peer whose address is validated comes and there are as many connections as may be. */
  makeRoom: MakeRoom | undefined;
  /** Datagrams that belonged to no connection or were damaged. */
  unrouted = 0;

  constructor(options: DemultiplexerOptions<Peer>) {
    const { config, random, limitsTo = () => config } = options;
    this.#config = config;
    this.#random = random;
    this.#limitsTo = limitsTo;
    this.#trace = options.trace;
    this.#maxConnections = config.maxConnections;
    this.#halfOpen = new HalfOpenTable(config.maxHalfOpen);
    this.#limiter = new HandshakeLimiter(random);
    const key = new Uint32Array(8).map(random);
    this.#validation = new AddressValidation(new Uint8Array(key.buffer));
    this.#responses = new StatelessResponses(this.#validation);
  }

  /** How many connections may be served at a time; those that are stay. */
  set maxConnections(most: number) {
    this.#maxConnections = most;
    this.#refuseIfFull();
  }

  /** Gives a protocol what is not a segment, and sends what it has to send. */
  attach(protocol: DatagramProtocol<Peer>): void {
    this.#attached = [...this.#attached, protocol];
  }

  /** Ends what {@linkcode attach} began. */
  detach(protocol: DatagramProtocol<Peer>): void {
    this.#attached = this.#attached.filter((other) => other !== protocol);
  }

  /** How many connections there are, half-open ones too. */
  get size(): number {
    return this.#table.size;
  }

  /** Where the connection's peer is now. */
  peerOf(connection: Connection): Peer | undefined {
    return this.#entryOf.get(connection)?.address.current;
  }

  /** The connection's peer is reached by a relay: direct paths to it are looked for. */
  relay(connection: Connection): void {
    this.#entryOf.get(connection)?.address.relay();
  }

  /** The connection's peer, behind a relay, says that it may be at these addresses. */
  tryDirectly(
    now: number,
    connection: Connection,
    candidates: readonly Peer[],
  ): void {
    const entry = this.#entryOf.get(connection);
    if (entry === undefined || entry.isRemoved) return;
    entry.address.tryDirectly(now, candidates);
    this.#schedule.touch(entry);
  }

  /** Opens a connection to `peer`; its SYN leaves with the next {@linkcode poll}. */
  connect(now: number, peer: Peer): Connection {
    const { connection } = this.#add(now, peer, {
      id: this.#random(),
      active: true,
      validated: false,
    });
    this.#served.add(connection);
    return connection;
  }

  /** Takes a connection that a peer has opened, to be accepted or aborted. */
  nextIncoming(): Connection | undefined {
    for (;;) {
      const entry = this.#incoming.shift();
      if (entry?.isRemoved !== true) return entry?.connection;
    }
  }

  /**
   * Accepts a connection that a peer has opened. If as many as may be are served,
   * the peer is told that the server is busy.
   *
   * @returns whether it was accepted
   */
  accept(connection: Connection): boolean {
    const entry = this.#entryOf.get(connection);
    if (entry === undefined || connection.closeReason !== undefined) {
      return false;
    }
    if (this.#isFull && !this.#makesRoom()) {
      connection.abort(Reset.BUSY);
      return false;
    }
    this.#served.add(connection);
    if (entry.slot !== undefined) this.#halfOpen.remove(entry.slot);
    entry.slot = undefined;
    connection.admit();
    this.#refuseIfFull();
    return true;
  }

  get #servedCount(): number {
    let count = 0;
    for (const { closeReason } of this.#served) {
      if (closeReason === undefined) count++;
    }
    return count;
  }

  get #isFull(): boolean {
    return this.#servedCount >= this.#maxConnections;
  }

  #makesRoom(): boolean {
    return this.makeRoom?.() === true && !this.#isFull;
  }

  // Half-open connections that can no longer be accepted need not wait.
  #refuseIfFull(): void {
    if (this.makeRoom !== undefined || !this.#isFull) return;
    for (const { connection } of [...this.#table]) {
      if (!this.#served.has(connection)) connection.abort(Reset.BUSY);
    }
  }

  #add(
    now: number,
    peer: Peer,
    options: {
      readonly id: number;
      readonly active: boolean;
      readonly validated: boolean;
      readonly windowBeforeAdmission?: number;
    },
  ): RoutedConnection<Peer> {
    const random = this.#random;
    const config = { ...this.#config, ...this.#limitsTo(peer) };
    // Below 2^29: packet numbers stay short
    const firstPacket = random() >>> 3;
    const details = { ...options, firstPacket, random };
    const connection = new Connection(now, config, details);
    const isClient = options.active;
    const entry: RoutedConnection<Peer> = {
      ...unscheduled(),
      connection,
      address: new PeerAddress(connection, peer, { isClient, random }),
      slot: undefined,
      isRemoved: false,
    };
    connection.onUsed = () => this.#schedule.touch(entry);
    const trace = this.#trace;
    if (trace !== undefined) {
      connection.onPacketLost = (now, packet, size) =>
        trace(traceLost(now, options, packet, size));
    }
    this.#table.add(entry);
    this.#entryOf.set(connection, entry);
    this.#schedule.touch(entry);
    return entry;
  }

  #remove(now: number, entry: RoutedConnection<Peer>): void {
    entry.isRemoved = true;
    this.#table.delete(entry);
    this.#served.delete(entry.connection);
    this.#schedule.remove(entry);
    if (entry.slot !== undefined) this.#halfOpen.end(now, entry.slot);
  }

  /** Takes the connections to which something has happened since this was called last. */
  takeChanged(): Connection[] {
    return this.#schedule.takeChanged().map(({ connection }) => connection);
  }

  /**
   * Takes a datagram, or several of one size in a row, which a kernel may have
   * joined.
   *
   * @returns whether anything came of it: what was dropped changes nothing
   */
  receive(now: number, datagrams: Uint8Array, from: Peer): boolean {
    const size = firstDatagram(datagrams);
    if (size === datagrams.length) {
      return this.#receive(now, datagrams, from);
    }
    let hasEffect = false;
    for (let at = 0; at < datagrams.length; at += size) {
      const datagram = datagrams.subarray(at, at + size);
      if (this.#receive(now, datagram, from)) hasEffect = true;
    }
    return hasEffect;
  }

  #receive(now: number, datagram: Uint8Array, from: Peer): boolean {
    const segment = this.#segment;
    const malformation = decodeSegment(datagram, segment);
    if (malformation !== undefined) {
      for (const protocol of this.#attached) {
        if (protocol.receive(now, datagram, from)) return true;
      }
      const isSyn = datagram.length >= SYN_SIZE;
      if (malformation === "other version" && isSyn) {
        const unrouted = { segment, datagram, from };
        this.#responses.reset(now, Reset.VERSION, unrouted);
      }
      return this.#drop(now, EMPTY_SEGMENT, datagram, malformation);
    }
    const entry = this.#table.find(segment.id);
    if (entry !== undefined) {
      this.#receiveFor(now, entry, datagram, from);
      return true;
    }
    const reason = this.#receiveUnrouted(now, datagram, from);
    return reason === undefined || this.#drop(now, segment, datagram, reason);
  }

  /** @returns whether there is an answer */
  #drop(
    now: number,
    segment: Segment,
    datagram: Uint8Array,
    reason: DropReason,
  ): boolean {
    this.unrouted++;
    this.#trace?.(traceReceived(now, segment, datagram, dropped(reason)));
    return this.#responses.hasPending;
  }

  #receiveFor(
    now: number,
    entry: RoutedConnection<Peer>,
    datagram: Uint8Array,
    from: Peer,
  ): void {
    const segment = this.#segment;
    const { connection, address, slot } = entry;
    this.#schedule.touch(entry);
    const reason = address.check(now, segment, datagram.length, from);
    if (reason === "handled") {
      this.#trace?.(traceReceived(now, segment, datagram, ACCEPTED));
      return;
    }
    if (reason !== undefined) {
      connection.counters.dropped++;
      this.#trace?.(traceReceived(now, segment, datagram, dropped(reason)));
      return;
    }
    const isOpening = slot !== undefined && !connection.established;
    const verdict = connection.receive(now, segment, datagram);
    this.#trace?.(traceReceived(now, segment, datagram, verdict));
    if (verdict.kind !== "accepted") return;
    if (segment.has(Flag.PATH)) address.onPathResponse(now, segment, from);
    if (isOpening && connection.established) this.#halfOpen.renew(now, slot);
  }

  /** @returns why the datagram was dropped, if it was */
  #receiveUnrouted(
    now: number,
    datagram: Uint8Array,
    from: Peer,
  ): DropReason | undefined {
    const segment = this.#segment;
    const unrouted = { segment, datagram, from };
    if (segment.has(Flag.RST)) return "reset of no connection";
    const opens = segment.has(Flag.SYN) && !segment.has(Flag.ACK) &&
      segment.seq === 0;
    const isFull = this.#isFull;
    if (opens && isFull && this.makeRoom === undefined) {
      this.#responses.reset(now, Reset.BUSY, unrouted);
      return "busy";
    }
    if (!opens || !this.listening) {
      this.#responses.reset(now, Reset.UNKNOWN, unrouted);
      return "no such connection";
    }
    const { id, cookie } = segment;
    const source = networkOf(from.hostname);
    const hasCookie = cookie.length > 0;
    if (hasCookie && !this.#affordsCookie(now)) {
      return "too many cookies asked for";
    }
    const validated = hasCookie &&
      this.#validation.accepts(now, { from, id }, cookie);
    if (validated) {
      if (!this.#limiter.takeValidated(now)) return "too many handshakes";
    } else if (isFull || !this.#affordsUnvalidated(now, source)) {
      if (!this.#affordsCookie(now)) return "too many cookies asked for";
      this.#responses.requestCookie(now, unrouted);
      return "asked for a cookie";
    }
    if (isFull && !this.#makesRoom()) {
      this.#responses.reset(now, Reset.BUSY, unrouted);
      return "busy";
    }
    this.#open(now, datagram, from, { source, validated });
    return undefined;
  }

  #affordsUnvalidated(now: number, source: string): boolean {
    return this.#halfOpen.size(now) < this.#config.maxHalfOpenUnvalidated &&
      this.#limiter.takeUnvalidated(now, source);
  }

  #affordsCookie(now: number): boolean {
    return this.#servedCount === 0 || this.#limiter.takeCookie(now);
  }

  #open(
    now: number,
    syn: Uint8Array,
    from: Peer,
    { source, validated }: { source: string; validated: boolean },
  ): void {
    const segment = this.#segment;
    if (this.#halfOpen.isFull(now)) this.#displace(now);
    const { id } = segment;
    const { initialWindow } = this.#config;
    const entry = this.#add(now, from, {
      id,
      active: false,
      validated,
      windowBeforeAdmission: this.#halfOpen.grantsWholeWindow
        ? initialWindow
        : Math.min(HALF_OPEN_WINDOW, initialWindow),
    });
    entry.slot = this.#halfOpen.add(now, entry, source);
    this.#incoming.push(entry);
    const verdict = entry.connection.receive(now, segment, syn);
    this.#trace?.(traceReceived(now, segment, syn, verdict));
  }

  // The peer is not told: if it repeats its SYN it begins anew.
  #displace(now: number): void {
    const entry = this.#halfOpen.displace();
    if (entry === undefined) return;
    entry.connection.displace();
    this.#remove(now, entry);
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
    const side = this.#responses.next() ?? this.#pollAttached(now);
    if (side !== undefined) {
      into.set(side.bytes);
      return { length: side.bytes.length, to: side.to };
    }
    this.#schedule.activateDue(now);
    for (;;) {
      const entry = this.#schedule.active;
      if (entry === undefined) return undefined;
      const { connection } = entry;
      const sent = pollEntry(now, entry, into);
      if (sent !== undefined) {
        if (this.#trace !== undefined) {
          const { sentSegment, sentAgain } = connection;
          const datagram = into.subarray(0, sent.length);
          this.#trace(traceSent(now, sentSegment, datagram, sentAgain));
        }
        this.#schedule.touch(entry);
        return sent;
      }
      this.#schedule.deactivate();
      if (connection.finished) this.#remove(now, entry);
    }
  }

  #pollAttached(now: number): Transmit<Peer> | undefined {
    for (const protocol of this.#attached) {
      const next = protocol.deadline <= now ? protocol.poll(now) : undefined;
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /** When {@linkcode wake} is to be called, in milliseconds; `Infinity` for never. */
  get deadline(): number {
    let { deadline } = this.#schedule;
    for (const protocol of this.#attached) {
      deadline = Math.min(deadline, protocol.deadline);
    }
    return deadline;
  }

  /** Does what is due by now; {@linkcode poll} is to be called after it. */
  wake(now: number): void {
    for (const { connection, address } of this.#schedule.takeDue(now)) {
      address.settle(now);
      if (connection.deadline <= now) connection.wake(now);
    }
  }
}

const EMPTY_SEGMENT = new Segment();

function deadlineOf(
  { connection, address }: RoutedConnection<Address>,
): number {
  return connection.finished
    ? Infinity
    : Math.min(connection.deadline, address.deadline);
}

function pollEntry<Peer extends Address>(
  now: number,
  { connection, address }: RoutedConnection<Peer>,
  into: Uint8Array,
): { length: number; to: Peer } | undefined {
  const message = address.nextPathMessage(now);
  if (message !== undefined) {
    const { to } = message;
    return { length: connection.writePath(message, into), to };
  }
  const length = connection.send(now, into);
  return length > 0 ? { length, to: address.current } : undefined;
}
