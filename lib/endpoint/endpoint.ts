import { Failure } from "../base/failure.ts";
import { type Config, DEFAULT_CONFIG } from "../protocol/connection/config.ts";
import type { Connection } from "../protocol/connection/connection.ts";
import {
  type ControllerName,
  CONTROLLERS,
  DEFAULT_CONTROLLER,
} from "../protocol/congestion/controllers.ts";
import { Host, type MakeRoom } from "../protocol/demux/demultiplexer.ts";
import { LARGEST_USEFUL_DATAGRAM } from "../protocol/congestion/socket_buffer.ts";
import { BASE_DATAGRAM_SIZE } from "../protocol/connection/path_mtu.ts";
import type { TraceEvent } from "../protocol/connection/trace.ts";
import { abortable, firstOf } from "../base/async.ts";
import { isIPv6, resolve, showAddress } from "./socket/address.ts";
import { Alarm } from "./timer.ts";
import { Channel, type ChannelDriver } from "./channel.ts";
import { Collector } from "./garbage_collection.ts";
import { deviceMtu } from "./socket/device_mtu.ts";
import { FloodGate } from "./socket/syn_filter.ts";
import { Socket } from "./socket/socket.ts";
import { Train } from "./socket/gso.ts";

/** The largest datagram that UDP carries. */
const MAX_DATAGRAM_SIZE = 65_535;
/** Milliseconds that a peer may take from its first datagram until it is let in. */
const OPENING_LIMIT = 10_000;
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
  readonly #host: Host<Deno.NetAddr>;
  readonly #alarm: Alarm;
  readonly #gate: FloodGate;
  readonly #channels = new Map<Connection, Channel>();
  /** Those of whom it is not known yet whether they are let in. */
  readonly #judged = new Set<Channel>();
  readonly #collector = new Collector();
  readonly #train = new Train();
  readonly #mtu: number;
  readonly #deviceMtus = new Map<string, number>();
  // Who hears of connections that peers open.
  #onOpened: ((connection: Connection) => void) | undefined;
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
    this.#host = new Host({
      config: configOf(options),
      random: () => crypto.getRandomValues(new Uint32Array(1))[0],
      trace: options.trace,
      admitsByHand: true,
      limitsTo: (peer) => ({
        maxDatagramSize: this.#maxDatagramSizeTo(peer),
        socketMemory: socket.memory,
      }),
    });
    this.#gate = new FloodGate(socket);
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
    this.#host.maxConnections = places;
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
    const connection = this.#host.connect(performance.now(), peer);
    // The SYN does not wait for what the system has to be asked.
    this.#afterSending.push(() => {
      this.#socket.tune();
      connection.path.limit(this.#maxDatagramSizeTo(peer));
    });
    return this.#open(connection, showAddress(peer));
  }

  /** Waits for a peer that has opened a connection and proved its address. */
  accept(signal?: AbortSignal): Promise<Channel> {
    return this.admit((channel) => Promise.resolve(channel), signal);
  }

  /**
   * Waits for a peer whom `judge` lets in. It judges everybody who opens a
   * connection, several at a time, from the first datagram on, and may answer at
   * once: nobody is sent more than came from there until the address is proved.
   * Whoever is not let in is dropped: where `judge` throws, or takes too long.
   * The first who is let in, and has proved an address, is served; the others
   * are told that the host is busy.
   *
   * @returns what `judge` made of the channel
   * @throws the signal's reason
   */
  async admit<T>(
    judge: (channel: Channel) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const done = new AbortController();
    const ends = signal === undefined ? [] : [signal];
    const serving = this.serve(
      judge,
      resolve,
      firstOf([done.signal, ...ends]),
    );
    try {
      return await Promise.race([promise, serving]);
    } finally {
      serving.catch(() => {});
      done.abort();
    }
  }

  /**
   * Judges, as {@linkcode admit} does, one peer after another, and hands what
   * came of it to `take` for each who was let in, for as many at a time as there
   * are places.
   *
   * @param options.makeRoom is asked when somebody comes who has proved an
   * address, or is to be let in, and all places are taken: it may abort a channel
   * that was let in, and says whether it did. Without it, or where it says no,
   * the peer is told that the host is busy.
   * @throws the signal's reason, once it is aborted
   */
  serve<T>(
    judge: (channel: Channel) => Promise<T>,
    take: (result: T) => void,
    signal: AbortSignal,
    options: { readonly makeRoom?: MakeRoom } = {},
  ): Promise<never> {
    if (this.#onOpened !== undefined) throw new TypeError("Already accepting");
    if (signal.aborted) return Promise.reject(signal.reason);
    signal.addEventListener("abort", () => this.#onOpened = undefined);
    this.#socket.tune();
    this.#host.makeRoom = options.makeRoom;
    this.#host.listening = true;
    this.#onOpened = (connection) => {
      const channel = this.#open(connection, this.peerOf(connection) ?? "");
      this.#consider(connection, channel, judge)
        .then(take, (failure) => channel.abort(failure));
    };
    this.#serveAccepting();
    return abortable(new Promise<never>(() => {}), signal);
  }

  async #consider<T>(
    connection: Connection,
    channel: Channel,
    judge: (channel: Channel) => Promise<T>,
  ): Promise<T> {
    const late = new Failure("silence", "The peer took too long to begin");
    const timer = setTimeout(() => channel.abort(late), OPENING_LIMIT);
    this.#judged.add(channel);
    try {
      const result = await judge(channel);
      await channel.established;
      if (this.#host.admit(connection)) {
        this.flush();
        return result;
      }
      throw new Failure("busy", "Somebody else is served");
    } catch (error) {
      this.#collector.forget();
      // A place that strangers get for nothing is not free again at once.
      await channel.established;
      throw error;
    } finally {
      clearTimeout(timer);
      this.#judged.delete(channel);
    }
  }

  #serveAccepting(): void {
    while (this.#onOpened !== undefined) {
      const connection = this.#host.accept();
      if (connection === undefined) return;
      this.#onOpened(connection);
    }
  }

  #open(connection: Connection, peer: string): Channel {
    const channel = new Channel(connection, this, peer);
    this.#channels.set(connection, channel);
    return channel;
  }

  peerOf(connection: Connection): string | undefined {
    const peer = this.#host.peerOf(connection);
    return peer && showAddress(peer);
  }

  /** Sends what there is to be said at last, and closes the socket. */
  async close(): Promise<void> {
    const closed = new Failure("interrupted", "The endpoint was closed");
    for (const channel of this.#judged) channel.abort(closed);
    // Or there might be no end of answers to a flood
    this.#host.listening = false;
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
        let fruitful = this.#host.receive(now, datagrams, from);
        this.#socket.takeMore((more, from) => {
          if (this.#host.receive(now, more, from)) fruitful = true;
        });
        this.#guard(now);
        // A flood of garbage costs no more than looking at it.
        if (!fruitful) continue;
      } catch (error) {
        if (this.#closed) return;
        // An ICMP message about an earlier datagram: for all we know, a loss.
        this.sendError = wordsOf(error);
        continue;
      }
      this.#update();
      this.flush();
    }
  }

  #guard(now: number): void {
    const { strays, guestList } = this.#host;
    this.#gate.update(now, strays, guestList);
    this.#collector.update(strays);
  }

  #wake(): void {
    const now = performance.now();
    this.#host.wake(now);
    this.#guard(now);
    this.#update();
    this.flush();
  }

  #update(): void {
    this.#serveAccepting();
    for (const connection of this.#host.takeChanged()) {
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
        this.sendError = wordsOf(error);
      }
    }
    this.#flushing = undefined;
    while (this.#afterSending.length > 0) this.#afterSending.shift()!();
    this.#settle();
  }

  readonly #writeNext = (into: Uint8Array) =>
    this.#host.poll(this.#now(), into);

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
    for (const connection of this.#host.takeChanged()) {
      if (connection.closeReason === undefined) continue;
      this.#channels.get(connection)?.update();
      if (connection.finished) this.#channels.delete(connection);
    }
    if (!this.#closed) this.#alarm.set(this.#host.deadline, performance.now());
  }
}

/** What the system says, without its number for it. */
function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : `${error}`;
  return message.replace(/ \(os error.*/s, "");
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
