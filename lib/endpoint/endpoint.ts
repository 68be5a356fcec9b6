import { Failure, systemProblem } from "../base/failure.ts";
import type { Address } from "../protocol/connection/address.ts";
import { type Config, DEFAULT_CONFIG } from "../protocol/connection/config.ts";
import type { Connection } from "../protocol/connection/connection.ts";
import {
  type ControllerName,
  CONTROLLERS,
  DEFAULT_CONTROLLER,
} from "../protocol/congestion/controllers.ts";
import type { DatagramProtocol } from "../protocol/demux/datagram_protocol.ts";
import {
  Demultiplexer,
  type MakeRoom,
} from "../protocol/demux/demultiplexer.ts";
import { LARGEST_USEFUL_DATAGRAM } from "../protocol/congestion/peer_socket_buffer.ts";
import { BASE_DATAGRAM_SIZE } from "../protocol/connection/path_mtu.ts";
import type { TraceEvent } from "../protocol/connection/trace.ts";
import { abortable, within } from "../base/async.ts";
import {
  addressFrom,
  formatAddress,
  isIPv6,
  resolve,
} from "./socket/address.ts";
import { Channel, type ChannelDriver } from "./channel.ts";
import { GarbageCollection } from "./garbage_collection.ts";
import { Incoming, IncomingQueue } from "./incoming.ts";
import { DeviceMtus, overheadTo } from "./socket/device_mtu.ts";
import { SegmentBatch } from "./socket/gso.ts";
import { Socket } from "./socket/socket.ts";
import { MAX_UDP_SIZE } from "./socket/socket_address.ts";
import { Timer } from "./timer.ts";

/** Milliseconds that a system call may hold up closing. */
const CLOSE_TIMEOUT = 1000;
/** Datagrams sent for each reading of the clock, which costs as much as writing a header. */
const DATAGRAMS_PER_CLOCK_READING = 4;

/** Settings of an {@linkcode Endpoint}. */
export interface EndpointOptions {
  /**
   * Address to bind.
   *
   * @default {every address of both families}
   */
  readonly hostname?: string | undefined;
  /** UDP port, 0 for any. */
  readonly port: number;
  /** Milliseconds of silence that end a connection. */
  readonly timeout: number;
  /**
   * The size of IP packets in bytes, until they are seen not to get through.
   *
   * @default {what probes find}
   */
  readonly mtu?: number | undefined;
  /** Sending rate at most, in bytes per millisecond. */
  readonly maxRate?: number | undefined;
  /**
   * The congestion controller.
   *
   * @default {"bbr"}
   */
  readonly congestion?: ControllerName | undefined;
  /**
   * Connections served at a time.
   *
   * @default {1}
   */
  readonly maxConnections?: number | undefined;
  /** Called for each datagram. */
  readonly trace?: ((event: TraceEvent) => void) | undefined;
}

/**
 * One UDP socket and the connections on it: the event loop that gives the
 * protocol datagrams and the time.
 */
export class Endpoint implements ChannelDriver {
  readonly #socket: Socket;
  readonly #demultiplexer: Demultiplexer<Deno.NetAddr>;
  readonly #timer: Timer;
  readonly #channels = new Map<Connection, Channel>();
  readonly #incoming = new IncomingQueue();
  readonly #garbage = new GarbageCollection();
  readonly #batch = new SegmentBatch();
  readonly #mtu: number;
  readonly #deviceMtus = new DeviceMtus();
  readonly #receiving: Promise<void>;
  #flushing: Promise<void> | undefined;
  // Called once something was sent.
  readonly #afterSending: (() => void)[] = [];
  #polls = 0;
  #lastNow = 0;
  #closed = false;
  /** Whether {@linkcode incoming} goes on. */
  #isTaking = false;
  readonly timeout: number;
  sendError: string | undefined;
  #onRefused: ((address: string) => void) | undefined;

  private constructor(socket: Socket, options: EndpointOptions) {
    this.#socket = socket;
    this.timeout = options.timeout;
    this.#mtu = options.mtu ?? Infinity;
    this.#demultiplexer = new Demultiplexer({
      config: configOf(options),
      random: randomUint32,
      trace: options.trace,
      limitsTo: (peer) => ({
        maxDatagramSize: this.#maxDatagramSizeTo(peer),
        socketMemory: socket.memory,
      }),
    });
    this.#timer = new Timer(() => this.#wake());
    this.#receiving = this.#receive();
  }

  /**
   * Binds a socket.
   *
   * @throws {Failure} `port-in-use`, `port-denied` or `cannot-bind`
   */
  static listen(options: EndpointOptions): Endpoint {
    return new Endpoint(Socket.bind(options.hostname, options.port), options);
  }

  /** Connections served at a time; those that are served already stay. */
  set places(places: number) {
    this.#demultiplexer.maxConnections = places;
  }

  get port(): number {
    return this.#socket.port;
  }

  /**
   * Is called with an address, as in `192.0.2.1:5000`, when its system has said
   * that nothing listens there (ICMP). To be set only while connecting: it costs
   * the datagram that is sent next.
   */
  set onRefused(callback: ((address: string) => void) | undefined) {
    this.#onRefused = callback;
    this.#socket.hearRefusals(callback !== undefined);
  }

  /**
   * The address to which datagrams for `host` go from this endpoint's socket: of
   * IPv4 as a mapped one where the socket is of IPv6.
   *
   * @throws {Failure} if the host has no address that can be used
   */
  async resolve(
    host: string,
    port: number,
    signal?: AbortSignal,
  ): Promise<Deno.NetAddr> {
    return (await this.resolveAll(host, port, signal))[0];
  }

  /** All addresses as {@linkcode resolve} gives one, in the order in which they are to be tried. */
  async resolveAll(
    host: string,
    port: number,
    signal?: AbortSignal,
  ): Promise<[Deno.NetAddr, ...Deno.NetAddr[]]> {
    return await abortable(resolve(host, port, this.#socket.ipv6), signal);
  }

  /** An address that another socket has received from, as this one sends to it. */
  addressFrom({ hostname, port }: Address): Deno.NetAddr {
    return addressFrom(hostname, port, this.#socket.ipv6);
  }

  /**
   * Opens a connection to an address that {@linkcode resolve} gave or a datagram
   * came from. The handshake goes on by itself; what is written at once is sent
   * with the SYN.
   */
  connectTo(peer: Deno.NetAddr): Channel {
    const connection = this.#demultiplexer.connect(performance.now(), peer);
    // The SYN does not wait for system calls
    this.#afterSending.push(() => {
      this.#socket.tune();
      connection.path.limit(this.#maxDatagramSizeTo(peer));
    });
    return this.#open(connection, peer);
  }

  /**
   * Lets another protocol share the socket: it gets what is not a segment, before,
   * during and after connections. {@linkcode flush} is to be called when it has
   * something to send that nothing it received or waited for has brought about.
   */
  attach(protocol: DatagramProtocol<Deno.NetAddr>): void {
    this.#demultiplexer.attach(protocol);
    this.flush();
  }

  /** Ends what {@linkcode attach} began. */
  detach(protocol: DatagramProtocol<Deno.NetAddr>): void {
    this.#demultiplexer.detach(protocol);
  }

  /** Lets peers open connections already, which wait for {@linkcode incoming}. */
  holdIncoming(): void {
    this.#socket.tune();
    this.#demultiplexer.listening = true;
  }

  /**
   * Listens for connections that peers open, until `signal` is aborted or the
   * iteration ends. Each is to be accepted or refused; several may be under
   * consideration at a time. From then on, or when all places are taken, peers are
   * told that the endpoint is busy.
   *
   * @param options.makeRoom is called when all places are taken and a peer comes
   * whose address is validated, and again when it is accepted: it may abort an
   * accepted channel, and returns whether it did. Without it, or where it returns
   * false, the peer is told that the endpoint is busy.
   * @throws the signal's reason
   */
  async *incoming(
    signal?: AbortSignal,
    { makeRoom }: { readonly makeRoom?: MakeRoom } = {},
  ): AsyncGenerator<Incoming, never> {
    if (this.#isTaking) throw new TypeError("Already listening");
    signal?.throwIfAborted();
    this.#isTaking = true;
    this.#demultiplexer.makeRoom = makeRoom;
    this.holdIncoming();
    try {
      for (;;) yield await this.#incoming.next(signal);
    } finally {
      this.#isTaking = false;
      this.#demultiplexer.listening = false;
      this.#demultiplexer.makeRoom = undefined;
    }
  }

  #takeIncoming(): void {
    for (;;) {
      const connection = this.#demultiplexer.nextIncoming();
      if (connection === undefined) return;
      const channel = this.#open(connection, this.addressOf(connection)!);
      const incoming = new Incoming(channel, {
        accept: () => this.#accept(connection),
        onSettled: (incoming, accepted) => {
          this.#incoming.delete(incoming);
          if (!accepted) this.#garbage.onConnectionGone();
        },
      });
      this.#incoming.add(incoming);
    }
  }

  #accept(connection: Connection): boolean {
    const accepted = this.#demultiplexer.accept(connection);
    this.flush();
    return accepted;
  }

  #open(connection: Connection, address: Deno.NetAddr): Channel {
    const channel = new Channel(connection, this, address);
    this.#channels.set(connection, channel);
    return channel;
  }

  addressOf(connection: Connection): Deno.NetAddr | undefined {
    return this.#demultiplexer.peerOf(connection);
  }

  relay(connection: Connection): void {
    this.#demultiplexer.relay(connection);
  }

  tryDirectly(connection: Connection, candidates: readonly Address[]): void {
    const usable = candidates
      .filter((candidate) => this.#socket.ipv6 || !isIPv6(candidate))
      .map((candidate) => this.addressFrom(candidate));
    this.#demultiplexer.tryDirectly(performance.now(), connection, usable);
  }

  /** Aborts what was not accepted, sends what is left to send, and closes the socket. */
  async close(): Promise<void> {
    const closed = new Failure({ code: "interrupted" });
    this.#incoming.close(closed);
    // Otherwise a flood could be answered without end
    this.#demultiplexer.listening = false;
    this.#timer.clear();
    this.flush();
    if (this.#flushing) await within(CLOSE_TIMEOUT, this.#flushing);
    this.#closed = true;
    this.#timer.clear();
    this.#socket.close();
    await within(CLOSE_TIMEOUT, this.#receiving);
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(MAX_UDP_SIZE);
    while (!this.#closed) {
      try {
        const [datagrams, from] = await this.#socket.receive(buffer);
        const now = performance.now();
        let hasEffect = this.#demultiplexer.receive(now, datagrams, from);
        this.#socket.receiveMore((more, from) => {
          if (this.#demultiplexer.receive(now, more, from)) hasEffect = true;
        });
        this.#garbage.onUnrouted(this.#demultiplexer.unrouted);
        // What was dropped costs no more than that
        if (!hasEffect) continue;
      } catch (error) {
        if (this.#closed) return;
        // An ICMP message about an earlier datagram; it counts as lost
        if (!this.#takeRefusals()) this.sendError = systemProblem(error).text;
        continue;
      }
      this.#update();
      this.flush();
    }
  }

  #wake(): void {
    const now = performance.now();
    this.#demultiplexer.wake(now);
    this.#garbage.onUnrouted(this.#demultiplexer.unrouted);
    this.#update();
    this.flush();
  }

  #update(): void {
    this.#takeIncoming();
    for (const connection of this.#demultiplexer.takeChanged()) {
      this.#channels.get(connection)?.update();
    }
  }

  /** Sends what is to be sent. */
  flush(): void {
    this.#flushing ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    // What is written in the same turn goes out together
    await undefined;
    const batch = this.#batch;
    this.#polls = 0;
    while (batch.fill(this.#writeNext, this.#maxSegments)) {
      try {
        await this.#socket.send(batch.bytes, batch.segmentSize, batch.to);
        this.sendError = undefined;
      } catch (error) {
        // It counts as lost: an unreachable network may come back
        if (!this.#takeRefusals()) this.sendError = systemProblem(error).text;
      }
    }
    this.#flushing = undefined;
    for (const callback of this.#afterSending.splice(0)) callback();
    this.#settle();
  }

  /** @returns whether there were any */
  #takeRefusals(): boolean {
    if (this.#closed) return false;
    const refusals = this.#socket.refusals();
    for (const { hostname, port } of refusals) {
      this.#onRefused?.(formatAddress(hostname, port));
    }
    return refusals.length > 0;
  }

  readonly #writeNext = (into: Uint8Array) =>
    this.#demultiplexer.poll(this.#now(), into);

  readonly #maxSegments = (size: number) => this.#socket.maxSegments(size);

  #now(): number {
    if (this.#polls++ % DATAGRAMS_PER_CLOCK_READING === 0) {
      this.#lastNow = performance.now();
    }
    return this.#lastNow;
  }

  #maxDatagramSizeTo(peer: Deno.NetAddr): number {
    const device = this.#socket.tuned
      ? this.#deviceMtus.maxPayload(peer)
      : Infinity;
    const wanted = this.#mtu - overheadTo(peer);
    const size = Math.min(device, wanted, LARGEST_USEFUL_DATAGRAM);
    return Math.max(size, BASE_DATAGRAM_SIZE);
  }

  // Reports connections that ended while sending, and sets the timer.
  #settle(): void {
    for (const connection of this.#demultiplexer.takeChanged()) {
      if (connection.closeReason === undefined) continue;
      this.#channels.get(connection)?.update();
      if (connection.finished) this.#channels.delete(connection);
    }
    if (!this.#closed) {
      this.#timer.set(this.#demultiplexer.deadline, performance.now());
    }
  }
}

function randomUint32(): number {
  const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
  return value;
}

function configOf(options: EndpointOptions): Config {
  const { timeout, mtu, maxRate, congestion } = options;
  return {
    ...DEFAULT_CONFIG,
    timeout,
    maxConnections: options.maxConnections ?? DEFAULT_CONFIG.maxConnections,
    initialDatagramSize: mtu ?? BASE_DATAGRAM_SIZE,
    maxRate: maxRate ?? DEFAULT_CONFIG.maxRate,
    controller: CONTROLLERS[congestion ?? DEFAULT_CONTROLLER],
  };
}
