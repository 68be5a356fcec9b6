import { Failure, systemProblem } from "../base/failure.ts";
import { type Config, DEFAULT_CONFIG } from "../protocol/connection/config.ts";
import type { Connection } from "../protocol/connection/connection.ts";
import {
  type ControllerName,
  CONTROLLERS,
  DEFAULT_CONTROLLER,
} from "../protocol/congestion/controllers.ts";
import {
  Demultiplexer,
  type MakeRoom,
} from "../protocol/demux/demultiplexer.ts";
import { LARGEST_USEFUL_DATAGRAM } from "../protocol/congestion/socket_buffer.ts";
import { BASE_DATAGRAM_SIZE } from "../protocol/connection/path_mtu.ts";
import type { TraceEvent } from "../protocol/connection/trace.ts";
import { abortable } from "../base/async.ts";
import { formatAddress, isIPv6, resolve } from "./socket/address.ts";
import { Alarm } from "./timer.ts";
import { Channel, type ChannelDriver } from "./channel.ts";
import { Collector } from "./garbage_collection.ts";
import { Incoming } from "./incoming.ts";
import { deviceMtu } from "./socket/device_mtu.ts";
import { Socket } from "./socket/socket.ts";
import { Train } from "./socket/gso.ts";

/** The largest datagram that UDP carries. */
const MAX_DATAGRAM_SIZE = 65_535;
/** Addresses of which it is remembered what their device carries. */
const MAX_MTUS = 64;
/** Datagrams sent for each look at the clock. */
const CLOCK_INTERVAL = 4;
/** Bytes of the headers of IP and UDP, with IPv4 and with IPv6. */
const IPV4_OVERHEAD = 28;
const IPV6_OVERHEAD = 48;

/** What an endpoint is made with. */
export interface EndpointOptions {
  /**
   * Address to bind.
   *
   * @default {every address of both families}
   */
  readonly hostname?: string;
  /** UDP port, 0 for any. */
  readonly port: number;
  /** Milliseconds of silence that end a connection. */
  readonly timeout: number;
  /**
   * The largest IP packet, in bytes, taken to get through until it is seen not to.
   *
   * @default {what the path is found to take}
   */
  readonly mtu?: number;
  /** Sending rate at most, in bytes per millisecond. */
  readonly maxRate?: number;
  /**
   * How the sending rate is found.
   *
   * @default {"bbr"}
   */
  readonly congestion?: ControllerName;
  /**
   * Peers served at a time.
   *
   * @default {1}
   */
  readonly maxConnections?: number;
  /** Called for each datagram. */
  readonly trace?: (event: TraceEvent) => void;
}

/**
 * One UDP socket and the connections on it: the only place that knows of a
 * socket, a clock and timers.
 */
export class Endpoint implements ChannelDriver {
  readonly #socket: Socket;
  readonly #demultiplexer: Demultiplexer<Deno.NetAddr>;
  readonly #alarm: Alarm;
  readonly #channels = new Map<Connection, Channel>();
  /** Connections of peers that are neither accepted nor refused. */
  readonly #undecided = new Set<Incoming>();
  /** Those of them that the iteration has not come to. */
  readonly #unclaimed = new Set<Incoming>();
  /** Resolves when there is one for an iteration that waits. */
  #arrival = Promise.withResolvers<void>();
  readonly #collector = new Collector();
  readonly #train = new Train();
  readonly #mtu: number;
  readonly #deviceMtus = new Map<string, number>();
  readonly #receiving: Promise<void>;
  #flushing: Promise<void> | undefined;
  // What is to be done once something has left.
  readonly #afterSending: (() => void)[] = [];
  #polls = 0;
  #lastNow = 0;
  #closed = false;
  readonly timeout: number;
  sendError: string | undefined;

  private constructor(socket: Socket, options: EndpointOptions) {
    this.#socket = socket;
    this.timeout = options.timeout;
    this.#mtu = options.mtu ?? Infinity;
    this.#demultiplexer = new Demultiplexer({
      config: configOf(options),
      random: () => crypto.getRandomValues(new Uint32Array(1))[0],
      trace: options.trace,
      limitsTo: (peer) => ({
        maxDatagramSize: this.#maxDatagramSizeTo(peer),
        socketMemory: socket.memory,
      }),
    });
    this.#alarm = new Alarm(() => this.#wake());
    this.#receiving = this.#receive();
  }

  /**
   * Binds a socket.
   *
   * @throws {Failure} `input` if the port or the address cannot be used
   */
  static listen(options: EndpointOptions): Endpoint {
    return new Endpoint(Socket.bind(options.hostname, options.port), options);
  }

  /** Peers served at a time; those that are served already stay. */
  set places(places: number) {
    this.#demultiplexer.maxConnections = places;
  }

  /** The UDP port. */
  get port(): number {
    return this.#socket.port;
  }

  /**
   * Begins a connection: the name is resolved, the handshake goes on by itself,
   * and what is written at first rides on the SYN.
   *
   * @throws {Failure} `input` if the host is unknown
   */
  async connect(
    host: string,
    port: number,
    signal?: AbortSignal,
  ): Promise<Channel> {
    const resolving = resolve(host, port, this.#socket.ipv6);
    const peer = await abortable(resolving, signal);
    const connection = this.#demultiplexer.connect(performance.now(), peer);
    // The SYN does not wait for what the system has to be asked.
    this.#afterSending.push(() => {
      this.#socket.tune();
      connection.path.limit(this.#maxDatagramSizeTo(peer));
    });
    return this.#open(connection, formatAddress(peer.hostname, peer.port));
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
    if (this.#demultiplexer.listening) throw new TypeError("Already listening");
    signal?.throwIfAborted();
    this.#socket.tune();
    this.#demultiplexer.makeRoom = makeRoom;
    this.#demultiplexer.listening = true;
    try {
      for (;;) {
        const [next] = this.#unclaimed;
        if (next !== undefined) {
          this.#unclaimed.delete(next);
          yield next;
        } else {
          this.#arrival = Promise.withResolvers<void>();
          await abortable(this.#arrival.promise, signal);
        }
        signal?.throwIfAborted();
      }
    } finally {
      this.#demultiplexer.listening = false;
      this.#demultiplexer.makeRoom = undefined;
    }
  }

  #takeIncoming(): void {
    for (;;) {
      const connection = this.#demultiplexer.nextIncoming();
      if (connection === undefined) return;
      const channel = this.#open(connection, this.peerOf(connection) ?? "");
      const incoming = new Incoming(channel, {
        accept: () => this.#accept(connection),
        settled: (incoming, accepted) => this.#onSettled(incoming, accepted),
      });
      this.#undecided.add(incoming);
      this.#unclaimed.add(incoming);
      this.#arrival.resolve();
    }
  }

  #accept(connection: Connection): boolean {
    const accepted = this.#demultiplexer.accept(connection);
    this.flush();
    return accepted;
  }

  #onSettled(incoming: Incoming, accepted: boolean): void {
    this.#undecided.delete(incoming);
    this.#unclaimed.delete(incoming);
    if (!accepted) this.#collector.forget();
  }

  #open(connection: Connection, peer: string): Channel {
    const channel = new Channel(connection, this, peer);
    this.#channels.set(connection, channel);
    return channel;
  }

  peerOf(connection: Connection): string | undefined {
    const peer = this.#demultiplexer.peerOf(connection);
    return peer && formatAddress(peer.hostname, peer.port);
  }

  /** Sends what there is to be said at last, and closes the socket. */
  async close(): Promise<void> {
    const closed = new Failure({ code: "interrupted" });
    for (const incoming of this.#undecided) incoming.abort(closed);
    this.#arrival.promise.catch(() => {});
    this.#arrival.reject(closed);
    // Or there might be no end of answers to a flood
    this.#demultiplexer.listening = false;
    this.#alarm.clear();
    this.flush();
    await this.#flushing;
    this.#closed = true;
    this.#alarm.clear();
    this.#socket.close();
    await this.#receiving;
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(MAX_DATAGRAM_SIZE);
    while (!this.#closed) {
      try {
        const [datagrams, from] = await this.#socket.receive(buffer);
        const now = performance.now();
        let fruitful = this.#demultiplexer.receive(now, datagrams, from);
        this.#socket.takeMore((more, from) => {
          if (this.#demultiplexer.receive(now, more, from)) fruitful = true;
        });
        this.#collector.update(this.#demultiplexer.unrouted);
        // A flood of garbage costs no more than looking at it.
        if (!fruitful) continue;
      } catch (error) {
        if (this.#closed) return;
        // An ICMP message about an earlier datagram: for all we know, a loss.
        this.sendError = systemProblem(error).text;
        continue;
      }
      this.#update();
      this.flush();
    }
  }

  #wake(): void {
    const now = performance.now();
    this.#demultiplexer.wake(now);
    this.#collector.update(this.#demultiplexer.unrouted);
    this.#update();
    this.flush();
  }

  #update(): void {
    this.#takeIncoming();
    for (const connection of this.#demultiplexer.takeChanged()) {
      this.#channels.get(connection)?.update();
    }
  }

  flush(): void {
    this.#flushing ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    // What is written in the same turn goes out together.
    await undefined;
    const train = this.#train;
    this.#polls = 0;
    while (train.fill(this.#writeNext, this.#maxTrain)) {
      try {
        await this.#socket.send(train.bytes, train.size, train.to);
        this.sendError = undefined;
      } catch (error) {
        // As good as lost: an unreachable network may come back.
        this.sendError = systemProblem(error).text;
      }
    }
    this.#flushing = undefined;
    while (this.#afterSending.length > 0) this.#afterSending.shift()!();
    this.#settle();
  }

  readonly #writeNext = (into: Uint8Array) =>
    this.#demultiplexer.poll(this.#now(), into);

  readonly #maxTrain = (size: number) => this.#socket.maxTrain(size);

  // Reading the clock costs as much as writing a header.
  #now(): number {
    if (this.#polls++ % CLOCK_INTERVAL === 0) this.#lastNow = performance.now();
    return this.#lastNow;
  }

  #maxDatagramSizeTo(peer: Deno.NetAddr): number {
    const device = this.#socket.tuned ? this.#mtuTo(peer.hostname) : Infinity;
    const packet = Math.min(this.#mtu, device);
    const size = Math.min(packet - overheadTo(peer), LARGEST_USEFUL_DATAGRAM);
    return Math.max(size, BASE_DATAGRAM_SIZE);
  }

  // Asking takes longer than looking at a stranger's datagram.
  #mtuTo(hostname: string): number {
    const known = this.#deviceMtus.get(hostname);
    if (known !== undefined) return known;
    if (this.#deviceMtus.size >= MAX_MTUS) this.#deviceMtus.clear();
    const mtu = deviceMtu(hostname);
    this.#deviceMtus.set(hostname, mtu);
    return mtu;
  }

  // What ended while sending is told, and the next deadline is set.
  #settle(): void {
    for (const connection of this.#demultiplexer.takeChanged()) {
      if (connection.closeReason === undefined) continue;
      this.#channels.get(connection)?.update();
      if (connection.finished) this.#channels.delete(connection);
    }
    if (!this.#closed) {
      this.#alarm.set(this.#demultiplexer.deadline, performance.now());
    }
  }
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

function overheadTo(peer: Deno.NetAddr): number {
  return isIPv6(peer) ? IPV6_OVERHEAD : IPV4_OVERHEAD;
}
