import { type SocketCalls, socketCalls } from "../../system/c_library.ts";
import { Backlog } from "./recvmmsg.ts";
import { ADDRESS_SIZE, portOf } from "./socket_address.ts";

/**
 * What Linux can do for a UDP socket and Deno does not offer: told to the
 * kernel with `setsockopt` of the C library, where FFI is allowed. All of it is
 * for speed alone; without it everything works as well.
 */

/** Linux's numbers for what is asked here (asm-generic/socket.h, linux/udp.h). */
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOCK_DGRAM = 2;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
const SOL_IP = 0;
const IP_MTU_DISCOVER = 10;
const SOL_IPV6 = 41;
const IPV6_MTU_DISCOVER = 23;
/** Never fragment, and heed no word of a path's MTU: it is found by probes. */
const PMTUDISC_PROBE = 3;

/** File descriptors among which the socket is looked for. */
const MAX_DESCRIPTOR = 1024;

/** The options of one UDP socket. */
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
   * they are out of reach.
   */
  static of(port: number): SocketOptions | undefined {
    const system = socketCalls();
    if (system === undefined) return undefined;
    const descriptor = findDescriptor(system, port);
    if (descriptor === undefined) return undefined;
    return new SocketOptions(system, descriptor);
  }

  /**
   * Has every datagram that is larger than `size` bytes leave as several of
   * that size, the last one shorter (UDP_SEGMENT); 0 for none.
   *
   * @returns whether the kernel can do that
   */
  segmentBy(size: number): boolean {
    return this.#set(SOL_UDP, UDP_SEGMENT, size);
  }

  /** Lets the kernel hand on datagrams of one size and one sender together (UDP_GRO). */
  joinReceived(): boolean {
    return this.#set(SOL_UDP, UDP_GRO, 1);
  }

  /**
   * Asks for memory for what has arrived. The system's limit is applied, unless
   * the process may go beyond it.
   *
   * @returns how much memory there is now, in bytes, if that can be told
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
   * Has the kernel and the routers drop datagrams that are too large, rather
   * than send them in pieces (RFC 8899, section 3, point 1).
   */
  forbidFragments(): void {
    // An IPv6 socket may send IPv4 as well
    this.#set(SOL_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
    this.#set(SOL_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE);
  }

  /** What has arrived, to be taken by the number; `undefined` if that cannot be. */
  backlog(): Backlog | undefined {
    return Backlog.of(this.#system, this.#descriptor);
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
