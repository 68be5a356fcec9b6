import { isIPv4 } from "node:net";
import { Failure } from "../../base/failure.ts";
import { DEFAULT_SOCKET_MEMORY } from "../../protocol/congestion/peer_socket_buffer.ts";
import type { ReceiveBatch, Visit } from "./recvmmsg.ts";
import { SocketOptions } from "./socket_options.ts";

/** Bytes of the receive buffer that is asked for, so that a process that waits for its turn loses nothing. */
const RECEIVE_BUFFER = 2 ** 22;
/** The largest receive buffer that a peer is told of, in bytes: longer bursts would gain nothing. */
const MAX_ANNOUNCED_BUFFER = 2 ** 20;
/** Bytes that one system call sends: half of what UDP could, lest it fill the peer's socket buffer alone. */
const MAX_BATCH_SIZE = 2 ** 15;
/** Datagrams that Linux sends in one system call (UDP_MAX_SEGMENTS of older kernels). */
const MAX_SEGMENTS = 64;

/** A bound UDP socket. */
export class Socket {
  readonly port: number;
  /** Whether it is an IPv6 socket, which reaches IPv4 by mapped addresses. */
  readonly ipv6: boolean;
  /** Bytes of datagrams that can wait to be received, as a peer is told. */
  memory = DEFAULT_SOCKET_MEMORY;
  /** Whether {@linkcode tune} was called. */
  tuned = false;
  readonly #datagrams: Deno.DatagramConn;
  #options: SocketOptions | undefined;
  #batch: ReceiveBatch | undefined;
  #hearsRefusals = false;
  /** The size by which the kernel segments now, 0 for none. */
  #segmentSize = 0;
  #canSegment = false;

  private constructor(datagrams: Deno.DatagramConn) {
    const { hostname, port } = datagrams.addr as Deno.NetAddr;
    this.#datagrams = datagrams;
    this.port = port;
    this.ipv6 = !isIPv4(hostname);
  }

  /**
   * Sets the options that make the socket faster. It takes milliseconds, so the
   * first datagram may leave before.
   */
  tune(): void {
    if (this.tuned) return;
    this.tuned = true;
    const options = this.#options ??= SocketOptions.of(this.port);
    if (options === undefined) return;
    options.joinReceived();
    options.forbidFragments();
    const memory = options.growReceiveBuffer(RECEIVE_BUFFER) ?? this.memory;
    this.memory = Math.min(memory, MAX_ANNOUNCED_BUFFER);
    this.#batch = options.receiveBatch();
    this.#canSegment = options.segmentBy(0);
  }

  /**
   * Listens for what ICMP says of datagrams that are sent, or no more. Meanwhile
   * a call may fail because of an earlier datagram.
   */
  hearRefusals(heard: boolean): void {
    if (heard === this.#hearsRefusals) return;
    this.#hearsRefusals = heard;
    this.#options ??= SocketOptions.of(this.port);
    this.#options?.keepErrors(heard);
  }

  /** Where datagrams have gone to a port at which nothing listens, since this was asked last. */
  refusals(): Deno.NetAddr[] {
    return this.#hearsRefusals ? this.#options?.refusals() ?? [] : [];
  }

  /**
   * Binds a UDP socket; without a hostname to every address of both families
   * where the machine has them.
   *
   * @param port 0 for any
   * @throws {Failure} `port-in-use`, `port-denied` or `cannot-bind`
   */
  static bind(hostname: string | undefined, port: number): Socket {
    if (hostname !== undefined) return Socket.#open(hostname, port);
    try {
      return Socket.#open("::", port);
    } catch (error) {
      if (error instanceof Failure || isDenied(error)) throw error;
      return Socket.#open("0.0.0.0", port);
    }
  }

  static #open(hostname: string, port: number): Socket {
    try {
      const options = { transport: "udp", hostname, port } as const;
      return new Socket(Deno.listenDatagram(options));
    } catch (cause) {
      // Deno says best which permission it needs
      if (isDenied(cause)) throw cause;
      throw failureOf(cause, hostname, port);
    }
  }

  /**
   * Waits for datagrams: one, or several of one sender in a row, all but the
   * last of one size.
   */
  async receive(into: Uint8Array): Promise<[Uint8Array, Deno.NetAddr]> {
    const [datagrams, from] = await this.#datagrams.receive(into);
    return [datagrams, from as Deno.NetAddr];
  }

  /** Receives more that has arrived, without waiting. */
  receiveMore(visit: Visit): void {
    this.#batch?.receive(visit);
  }

  /** How many datagrams of `size` bytes may be sent at a time. */
  maxSegments(size: number): number {
    if (!this.#canSegment) return 1;
    return Math.max(
      1,
      Math.min(MAX_SEGMENTS, Math.floor(MAX_BATCH_SIZE / size)),
    );
  }

  /**
   * Sends `bytes` as datagrams of `size` bytes, the last one shorter if need
   * be, no more than {@linkcode maxSegments} of them.
   */
  async send(bytes: Uint8Array, size: number, to: Deno.NetAddr): Promise<void> {
    if (this.#canSegment && bytes.length > size) {
      if (this.#segmentSize !== size) this.#segmentBy(size);
      try {
        await this.#datagrams.send(bytes, to);
        return;
      } catch {
        // Neither the device nor the route will ever do it
        this.#canSegment = false;
      }
    }
    // A whole datagram must not be larger than the size of segments; older kernels
    // refuse even a small one if that size is too large for the route
    const reset = size > this.#segmentSize || !this.#canSegment;
    if (this.#segmentSize !== 0 && reset) this.#segmentBy(0);
    for (let at = 0; at < bytes.length; at += size) {
      await this.#datagrams.send(bytes.subarray(at, at + size), to);
    }
  }

  #segmentBy(size: number): void {
    this.#options?.segmentBy(size);
    this.#segmentSize = size;
  }

  close(): void {
    // Its descriptor may be reused
    this.#batch = undefined;
    this.#hearsRefusals = false;
    this.#datagrams.close();
  }
}

/** Whether the process lacks a permission of Deno's. */
function isDenied(error: unknown): boolean {
  return error instanceof Error && error.name === "NotCapable";
}

function failureOf(cause: unknown, hostname: string, port: number): unknown {
  if (cause instanceof Deno.errors.AddrInUse) {
    return new Failure({ code: "port-in-use", port }, { cause });
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new Failure({ code: "port-denied", port }, { cause });
  }
  if (hostname === "::") return cause;
  return new Failure({ code: "cannot-bind", address: hostname }, { cause });
}
