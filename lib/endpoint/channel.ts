import type { ByteStream } from "../base/byte_stream.ts";
import { Failure } from "../base/failure.ts";
import type { Address } from "../protocol/connection/address.ts";
import type { Connection } from "../protocol/connection/connection.ts";
import type { PathInUse } from "../protocol/connection/direct_paths.ts";
import type {
  ConnectionStats,
  Counters,
} from "../protocol/connection/stats.ts";
import { Reset } from "../protocol/wire/segment.ts";
import { failureOfClose } from "./close_failure.ts";
import { formatAddress } from "./socket/address.ts";

/** Bytes that wake a reader; fewer do when the sender has pushed. */
const READ_LOW_WATER = 2 ** 16;

interface PendingRead extends PromiseWithResolvers<number | null> {
  readonly into: Uint8Array;
}

interface PendingWrite extends PromiseWithResolvers<void> {
  rest: Uint8Array;
}

/** What a channel needs of its endpoint. */
export interface ChannelDriver {
  /** Milliseconds of silence that end a connection. */
  readonly timeout: number;
  /** Sends what the connection has to send. */
  flush(): void;
  /** Where its datagrams go now, unless it is gone. */
  addressOf(connection: Connection): Deno.NetAddr | undefined;
  /** What is at the peer's address is a relay. */
  relay(connection: Connection): void;
  /** The peer, behind a relay, may be at these addresses. */
  tryDirectly(
    connection: Connection,
    candidates: readonly Address[],
  ): void;
  /** Why datagrams could not be sent lately, if so. */
  readonly sendError: string | undefined;
}

/** A connection as a byte stream with backpressure. */
export class Channel implements ByteStream {
  /** Resolves once the peer's address is validated and the handshake complete. */
  readonly established: Promise<void>;
  /** Resolves once both directions have ended and nothing is left to answer. */
  readonly closed: Promise<void>;
  readonly #connection: Connection;
  readonly #driver: ChannelDriver;
  readonly #establishing = Promise.withResolvers<void>();
  readonly #closing = Promise.withResolvers<void>();
  #read: PendingRead | undefined;
  #write: PendingWrite | undefined;
  #failure: Error | undefined;
  #unreadTime = 0;
  #address: Deno.NetAddr;
  #relay: { readonly name: string; readonly address: Deno.NetAddr } | undefined;
  /** Called when the peer's address has changed. */
  onMoved: (() => void) | undefined;
  #unreadSince = performance.now();

  constructor(
    connection: Connection,
    driver: ChannelDriver,
    address: Deno.NetAddr,
  ) {
    this.#connection = connection;
    this.#driver = driver;
    this.#address = address;
    this.established = this.#establishing.promise;
    this.closed = this.#closing.promise;
    // Nobody need listen to these
    this.established.catch(() => {});
    this.closed.catch(() => {});
  }

  /** Where the peer is, as in `192.0.2.1:5000`; it may move. */
  get peer(): string {
    const { hostname, port } = this.address;
    return formatAddress(hostname, port);
  }

  /** Where datagrams for the peer go; it may move. */
  get address(): Deno.NetAddr {
    return this.#address = this.#driver.addressOf(this.#connection) ??
      this.#address;
  }

  /** The 32 bits that name the connection on the wire. */
  get connectionId(): number {
    return this.#connection.id;
  }

  /** What is at the peer's address is a relay of this name: direct paths are looked for. */
  relay(name: string): void {
    this.#relay = { name, address: this.address };
    this.#driver.relay(this.#connection);
  }

  /** How the peer is reached; `undefined` unless a relay has brought it here. */
  get path(): PathInUse | undefined {
    if (this.#relay === undefined) return undefined;
    const { name, address } = this.#relay;
    return { direct: this.address !== address, through: name };
  }

  /** The peer, behind a relay, says that it may be at these addresses. */
  tryDirectly(candidates: readonly Address[]): void {
    this.#driver.tryDirectly(this.#connection, candidates);
    this.#driver.flush();
  }

  get counters(): Readonly<Counters> {
    return this.#connection.counters;
  }

  /** Sends at no more than this from now on, in bytes per millisecond. */
  limitRate(maxRate: number): void {
    this.#connection.limitRate(maxRate);
  }

  /** Milliseconds, `undefined` before the first sample. */
  get smoothedRtt(): number | undefined {
    return this.#connection.smoothedRtt;
  }

  /** Milliseconds of silence that end it. */
  get timeout(): number {
    return this.#driver.timeout;
  }

  /** Bytes written that the peer has not acknowledged. */
  get unacknowledged(): number {
    return this.#connection.unacknowledged;
  }

  /** What can be measured of the connection now. */
  stats(): ConnectionStats {
    return this.#connection.stats(performance.now());
  }

  /** Milliseconds so far for which no read was pending: the reader was busy. */
  get unreadTime(): number {
    const now = this.#read === undefined ? performance.now() : 0;
    return this.#unreadTime + Math.max(0, now - this.#unreadSince);
  }

  /** Whether it is closed and has nothing left to send. */
  get finished(): boolean {
    return this.#connection.finished;
  }

  read(into: Uint8Array): Promise<number | null> {
    if (this.#read !== undefined) throw new TypeError("Already reading");
    const pending = { into, ...Promise.withResolvers<number | null>() };
    this.#read = pending;
    this.#unreadTime += performance.now() - this.#unreadSince;
    this.#serveRead();
    return pending.promise;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#write !== undefined) throw new TypeError("Already writing");
    const pending = { rest: bytes, ...Promise.withResolvers<void>() };
    this.#write = pending;
    this.#serveWrite();
    this.#driver.flush();
    return pending.promise;
  }

  closeWrite(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#connection.close();
    this.#driver.flush();
    return Promise.resolve();
  }

  /** Asks the peer for a sign of life, which {@linkcode counters} show. */
  ping(): void {
    this.#connection.ping();
    this.#driver.flush();
  }

  /** Closes as soon as both directions have ended, without waiting until the peer knows. */
  leave(): void {
    this.#connection.leave();
    this.#driver.flush();
  }

  abort(failure: Error): void {
    this.#failure ??= failure;
    this.#connection.abort(Reset.ABORTED);
    this.#driver.flush();
    this.update();
  }

  /** Serves pending reads and writes: something has happened on the connection. */
  update(): void {
    const { closeReason, established } = this.#connection;
    if (established) this.#establishing.resolve();
    if (this.onMoved !== undefined) {
      const before = this.#address;
      if (this.address !== before) this.onMoved();
    }
    this.#serveRead();
    this.#serveWrite();
    if (closeReason === undefined) return;
    if (closeReason === "done") {
      this.#failure ??= new Failure({ code: "connection-closed" });
    } else {
      const { sendError, timeout } = this.#driver;
      const details = { peer: this.peer, timeout, sendError };
      this.#failure ??= failureOfClose(closeReason, details);
    }
    this.#establishing.reject(this.#failure);
    this.#serveRead();
    this.#serveWrite();
    if (!this.#connection.finished) return;
    if (closeReason === "done") this.#closing.resolve();
    else this.#closing.reject(this.#failure);
  }

  #serveRead(): void {
    const pending = this.#read;
    if (pending === undefined) return;
    const connection = this.#connection;
    const { readable } = connection;
    const ended = connection.readEnded || this.#failure !== undefined;
    const enough = Math.min(READ_LOW_WATER, pending.into.length);
    if (readable > 0 && (connection.pushed || ended || readable >= enough)) {
      this.#endRead();
      pending.resolve(connection.read(pending.into));
      this.#driver.flush();
    } else if (ended) {
      this.#endRead();
      if (connection.readEnded) pending.resolve(null);
      else pending.reject(this.#failure);
    }
  }

  #endRead(): void {
    this.#read = undefined;
    this.#unreadSince = performance.now();
  }

  #serveWrite(): void {
    const pending = this.#write;
    if (pending === undefined) return;
    if (this.#failure !== undefined) {
      this.#write = undefined;
      pending.reject(this.#failure);
      return;
    }
    const taken = this.#connection.write(pending.rest);
    pending.rest = pending.rest.subarray(taken);
    if (pending.rest.length > 0) return;
    this.#write = undefined;
    pending.resolve();
  }
}
