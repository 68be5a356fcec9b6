import { type SocketCalls, socketCalls } from "../../system/c_library.ts";
import { ReceiveBatch, takeRefusals } from "./recvmmsg.ts";
import { ADDRESS_SIZE, portOf, SOCK_DGRAM } from "./socket_address.ts";

/** Linux's numbers (asm-generic/socket.h, linux/udp.h, linux/in.h, linux/in6.h). */
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
const SOL_IP = 0;
const IP_MTU_DISCOVER = 10;
const IP_RECVERR = 11;
const SOL_IPV6 = 41;
const IPV6_MTU_DISCOVER = 23;
const IPV6_RECVERR = 25;
/** Never fragment, and ignore what ICMP says of a path's MTU: probes find it. */
const PMTUDISC_PROBE = 3;

/** The socket is looked for among the descriptors below this one. */
const MAX_DESCRIPTOR = 1024;

/**
 * The options of a UDP socket that Deno does not offer, set by `setsockopt` of
 * the C library where FFI is allowed. They are for speed alone.
 */
export class SocketOptions {
  readonly #system: SocketCalls;
  readonly #descriptor: number;
  readonly #value = new Int32Array(1);
  readonly #length = new Uint32Array(1);

  private constructor(system: SocketCalls, descriptor: number) {
    this.#system = system;
    this.#descriptor = descriptor;
  }

  /**
   * The options of the socket that is bound to `port`, or `undefined` where
   * FFI cannot be used.
   */
  static of(port: number): SocketOptions | undefined {
    const system = socketCalls();
    if (system === undefined) return undefined;
    const descriptor = findDescriptor(system, port);
    if (descriptor === undefined) return undefined;
    return new SocketOptions(system, descriptor);
  }

  /**
   * Has the kernel cut each datagram that is larger than `size` bytes into several
   * of that size, the last one shorter (UDP_SEGMENT); 0 for none.
   *
   * @returns whether the kernel can do that
   */
  segmentBy(size: number): boolean {
    return this.#set(SOL_UDP, UDP_SEGMENT, size);
  }

  /** Lets the kernel join received datagrams of one size and one sender (UDP_GRO). */
  joinReceived(): boolean {
    return this.#set(SOL_UDP, UDP_GRO, 1);
  }

  /**
   * Enlarges the receive buffer, up to the system's limit unless the process may
   * exceed it.
   *
   * @returns its size now in bytes, if that is known
   */
  growReceiveBuffer(bytes: number): number | undefined {
    if (!this.#set(SOL_SOCKET, SO_RCVBUFFORCE, bytes)) {
      this.#set(SOL_SOCKET, SO_RCVBUF, bytes);
    }
    this.#length[0] = this.#value.byteLength;
    const { getsockopt } = this.#system;
    const failed = getsockopt(
      this.#descriptor,
      SOL_SOCKET,
      SO_RCVBUF,
      this.#value,
      this.#length,
    );
    return failed ? undefined : this.#value[0];
  }

  /**
   * Has the kernel and routers drop datagrams that are too large instead of
   * fragmenting them (RFC 8899, section 3, point 1).
   */
  forbidFragments(): void {
    // An IPv6 socket sends IPv4, too
    this.#set(SOL_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
    this.#set(SOL_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE);
  }

  /**
   * Has the kernel keep what ICMP says of datagrams that were sent, and report it
   * to the next call: a datagram that this call should send is not sent.
   */
  keepErrors(kept: boolean): void {
    this.#set(SOL_IP, IP_RECVERR, Number(kept));
    this.#set(SOL_IPV6, IPV6_RECVERR, Number(kept));
  }

  /** Where datagrams have gone to a port at which nothing listens, of the errors that were kept. */
  refusals(): Deno.NetAddr[] {
    return takeRefusals(this.#system, this.#descriptor);
  }

  /** Receives several datagrams at a time. */
  receiveBatch(): ReceiveBatch {
    return new ReceiveBatch(this.#system, this.#descriptor);
  }

  #set(level: number, name: number, value: number): boolean {
    this.#value[0] = value;
    const { setsockopt } = this.#system;
    return setsockopt(this.#descriptor, level, name, this.#value, 4) === 0;
  }
}

// Deno does not tell a socket's descriptor, but there is one such port.
function findDescriptor(system: SocketCalls, port: number): number | undefined {
  const address = new Uint8Array(ADDRESS_SIZE);
  const type = new Int32Array(1);
  const length = new Uint32Array(1);
  for (let fd = 0; fd < MAX_DESCRIPTOR; fd++) {
    length[0] = ADDRESS_SIZE;
    if (system.getsockname(fd, address, length) !== 0) continue;
    if (portOf(address) !== port) continue;
    length[0] = 4;
    system.getsockopt(fd, SOL_SOCKET, SO_TYPE, type, length);
    if (type[0] === SOCK_DGRAM) return fd;
  }
  return undefined;
}
