import { Prng } from "../../../lib/base/prng.ts";
import {
  type Config,
  DEFAULT_CONFIG,
} from "../../../lib/protocol/connection/config.ts";
import type { Connection } from "../../../lib/protocol/connection/connection.ts";
import { AcceptingDemultiplexer } from "./accepting_demultiplexer.ts";
import type { TraceEvent } from "../../../lib/protocol/connection/trace.ts";
import type { Link } from "../../net/link.ts";
import { Network, type Node } from "../../net/network.ts";

/** What the application on one side does. */
export interface PeerOptions {
  seed: number;
  config?: Partial<Config> | undefined;
  /** Bytes that it writes before it ends its direction. */
  bytes?: number | undefined;
  /** Bytes that it writes or reads at once. */
  chunk?: number | undefined;
  /** Milliseconds between reads. */
  readPause?: number | undefined;
  /** Whether it writes and reads without a look at the bytes, where there are many. */
  unchecked?: boolean | undefined;
  /** Whether it leaves its direction open. */
  keepOpen?: boolean | undefined;
  trace?: ((event: TraceEvent) => void) | undefined;
}

/** The byte at `offset` of the stream that the peer with this seed writes. */
export function byteAt(seed: number, offset: number): number {
  return Math.imul(offset ^ seed, 0x9e3779b1) >>> 13 & 0xff;
}

/**
 * A host with an application on top, as a node of the simulated network: it
 * writes a pattern that its seed gives, and checks each byte that it reads
 * against the pattern of its peer.
 */
export class Peer implements Node {
  readonly demultiplexer: AcceptingDemultiplexer;
  connection: Connection | undefined;
  /** Bytes written and read so far. */
  written = 0;
  read = 0;
  /** Offset of the first byte that was not what the peer wrote. */
  wrongAt: number | undefined;
  /** Milliseconds at which the connection ended, and at which the last byte was read. */
  endedAt: number | undefined;
  lastReadAt = 0;
  /** Whether the application reads. */
  reading = true;
  /** Bytes that it writes before it ends its direction. */
  bytes: number;

  readonly #options: PeerOptions;
  readonly #peerSeed: number;
  readonly #chunk: Uint8Array;
  #nextRead = 0;

  constructor(options: PeerOptions, peerSeed: number) {
    this.#options = options;
    this.#peerSeed = peerSeed;
    this.bytes = options.bytes ?? 0;
    this.#chunk = new Uint8Array(options.chunk ?? 65_536);
    const random = new Prng(options.seed);
    this.demultiplexer = new AcceptingDemultiplexer({
      config: { ...DEFAULT_CONFIG, ...options.config },
      random: () => random.uint32(),
      trace: options.trace,
    });
  }

  connect(now: number, hostname: string): void {
    this.connection = this.demultiplexer.connect(now, { hostname, port: 0 });
    this.#work(now);
  }

  /** Whether the connection ended and everything was read before. */
  get ended(): boolean {
    const { connection } = this;
    return connection?.closeReason !== undefined && connection.readable === 0;
  }

  receive(now: number, datagram: Uint8Array, from: string): void {
    this.demultiplexer.receive(now, datagram, { hostname: from, port: 0 });
    this.connection ??= this.demultiplexer.nextAccepted();
    this.#work(now);
  }

  poll(
    now: number,
    into: Uint8Array,
  ): { length: number; to: string } | undefined {
    const sent = this.demultiplexer.poll(now, into);
    return sent && { length: sent.length, to: sent.to.hostname };
  }

  nextWake(): number {
    const reads = this.connection && this.reading &&
      this.connection.readable > 0;
    return Math.min(
      this.demultiplexer.deadline,
      reads ? this.#nextRead : Infinity,
    );
  }

  wake(now: number): void {
    this.demultiplexer.wake(now);
    this.#work(now);
  }

  /** Lets the application do what it can. */
  work(now: number): void {
    this.#work(now);
  }

  #work(now: number): void {
    const { connection } = this;
    if (connection === undefined) return;
    if (this.reading) this.#readAll(now, connection);
    this.#writeAll(connection);
    if (this.ended) this.endedAt ??= now;
  }

  #readAll(now: number, connection: Connection): void {
    const pause = this.#options.readPause ?? 0;
    while (now >= this.#nextRead && connection.readable > 0) {
      const length = connection.read(this.#chunk);
      for (let i = 0; i < length && !this.#options.unchecked; i++) {
        if (this.#chunk[i] === byteAt(this.#peerSeed, this.read + i)) continue;
        this.wrongAt ??= this.read + i;
      }
      this.read += length;
      this.lastReadAt = now;
      if (pause > 0) this.#nextRead = now + pause;
    }
  }

  #writeAll(connection: Connection): void {
    while (this.written < this.bytes) {
      const length = Math.min(
        this.#chunk.length,
        this.bytes - this.written,
        Math.max(1, connection.writable),
      );
      const piece = new Uint8Array(length);
      for (let i = 0; i < length && !this.#options.unchecked; i++) {
        piece[i] = byteAt(this.#options.seed, this.written + i);
      }
      const taken = connection.write(piece);
      this.written += taken;
      if (taken < length) return;
    }
    if (!this.#options.keepOpen) connection.close();
  }
}

/**
 * A client that connects to a server over these links, there and back, at the
 * beginning of virtual time. Their seeds are 1 and 2.
 */
export function peersOver(
  forward: Link,
  backward: Link,
  options: Omit<PeerOptions, "seed">,
  serverOptions: Omit<PeerOptions, "seed"> = {},
): { client: Peer; server: Peer; network: Network } {
  const client = new Peer({ ...options, seed: 1 }, 2);
  const server = new Peer({ ...serverOptions, seed: 2 }, 1);
  server.demultiplexer.listening = true;
  const network = new Network();
  network.add("client", client);
  network.add("server", server);
  network.route("client", "server", forward);
  network.route("server", "client", backward);
  client.connect(0, "server");
  return { client, server, network };
}
