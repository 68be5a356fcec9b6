import { isIPv4 } from "node:net";
import { Failure } from "../../base/failure.ts";
import { DEFAULT_SOCKET_MEMORY } from "../../protocol/congestion/socket_buffer.ts";
import type { Backlog, Visit } from "./recvmmsg.ts";
import { SocketOptions } from "./socket_options.ts";

/** What is asked of the kernel for what has arrived, in bytes: a process that waits for its turn loses nothing. */
const RECEIVE_MEMORY = 2 ** 22;
/** What the peer is told of it at most: longer bursts would gain nothing. */
const MAX_TOLD = 2 ** 20;
/** Bytes that one system call sends: half of what UDP could, lest it fill the peer's kernel buffer alone. */
const MAX_TRAIN = 2 ** 15;
/** Datagrams that Linux sends in one system call (UDP_MAX_SEGMENTS of older kernels). */
const MAX_TRAIN_LENGTH = 64;

/** A bound UDP socket. */
export class Socket {
  readonly port: number;
  /** Whether it is an IPv6 socket, which reaches IPv4 by mapped addresses. */
  readonly ipv6: boolean;
  /** What the peer may count on for datagrams that wait to be received, in bytes. */
  memory = DEFAULT_SOCKET_MEMORY;
  /** Whether {@linkcode tune} was called. */
  tuned = false;
  readonly #datagrams: Deno.DatagramConn;
  #options: SocketOptions | undefined;
  #backlog: Backlog | undefined;
  /** The size that the kernel cuts by now, 0 for none. */
  #segmentSize = 0;
  #cuts = false;

  private constructor(datagrams: Deno.DatagramConn) {
    const { hostname, port } = datagrams.addr as Deno.NetAddr;
    this.#datagrams = datagrams;
    this.port = port;
    this.ipv6 = !isIPv4(hostname);
  }

  /**
   * Has the kernel do what it can beyond what Deno asks of it: for speed alone.
   * It takes milliseconds, for which a first datagram need not wait.
   */
  tune(): void {
    if (this.tuned) return;
    this.tuned = true;
    const options = SocketOptions.of(this.port);
    if (options === undefined) return;
    this.#options = options;
    options.joinReceived();
    options.forbidFragments();
    const memory = options.growReceiveBuffer(RECEIVE_MEMORY) ?? this.memory;
    this.memory = Math.min(memory, MAX_TOLD);
    this.#backlog = options.backlog();
    this.#cuts = options.segmentBy(0);
  }

  /**
   * Binds a UDP socket; without a hostname to every address of both families
   * where the machine has them.
   *
   * @param port 0 for any
   * @throws {Failure} `input` if the port or the address cannot be used
   */
  static bind(hostname: string | undefined, port: number): Socket {
    if (hostname !== undefined) return Socket.#open(hostname, port);
    try {
      return Socket.#open("::", port);
    } catch (error) {
      if (error instanceof Failure) throw error;
      return Socket.#open("0.0.0.0", port);
    }
  }

  static #open(hostname: string, port: number): Socket {
    try {
      const options = { transport: "udp", hostname, port } as const;
      return new Socket(Deno.listenDatagram(options));
    } catch (cause) {
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

  /** Takes what else has arrived by now, or some of it, without waiting. */
  takeMore(visit: Visit): void {
    this.#backlog?.take(visit);
  }

  /** How many datagrams of `size` bytes may be sent together. */
  maxTrain(size: number): number {
    if (!this.#cuts) return 1;
    return Math.max(
      1,
      Math.min(MAX_TRAIN_LENGTH, Math.floor(MAX_TRAIN / size)),
    );
  }

  /**
   * Sends `bytes` as datagrams of `size` bytes, the last one shorter if need
   * be, no more than {@linkcode maxTrain} of them.
   */
  async send(bytes: Uint8Array, size: number, to: Deno.NetAddr): Promise<void> {
    if (this.#cuts && bytes.length > size) {
      if (this.#segmentSize !== size) this.#cutBy(size);
      try {
        await this.#datagrams.send(bytes, to);
        return;
      } catch {
        // The device or the route cannot do it, and will not later
        this.#cuts = false;
      }
    }
    // What is not to be cut must not be larger than the size that is cut by;
    // older kernels refuse even a small datagram if that is too large for the route
    const cut = size > this.#segmentSize || !this.#cuts;
    if (this.#segmentSize !== 0 && cut) this.#cutBy(0);
    for (let at = 0; at < bytes.length; at += size) {
      await this.#datagrams.send(bytes.subarray(at, at + size), to);
    }
  }

  #cutBy(size: number): void {
    this.#options!.segmentBy(size);
    this.#segmentSize = size;
  }

  close(): void {
    // Its descriptor may soon be somebody else's
    this.#backlog = undefined;
    this.#datagrams.close();
  }
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
