import { type SocketCalls, socketCalls } from "../../system/c_library.ts";
import { isIPv6, unmapped } from "./address.ts";
import { encodeAddress, IPV6, SOCK_DGRAM } from "./socket_address.ts";

/** The MTU of Linux's loopback device by default. */
const LOOPBACK_MTU = 65_535;
const ETHERNET_MTU = 1500;
/** Bytes of the headers of IP and UDP. */
const IPV4_OVERHEAD = 28;
const IPV6_OVERHEAD = 48;
/** Addresses whose device's MTU is remembered. */
const MAX_REMEMBERED = 64;

/** Linux's numbers (linux/in.h, linux/in6.h). */
const IP_MTU = { level: 0, name: 14 };
const IPV6_MTU = { level: 41, name: 24 };
/** Any port: nothing is sent. */
const DISCARD_PORT = 9;

/** Remembers MTUs, since asking takes longer than the rest of what a SYN costs. */
export class DeviceMtus {
  readonly #mtus = new Map<string, number>();

  /** The largest UDP payload to a peer, in bytes, as {@linkcode deviceMtu} has it. */
  maxPayload(peer: Deno.NetAddr): number {
    return this.#mtuTo(peer.hostname) - overheadTo(peer);
  }

  #mtuTo(hostname: string): number {
    const known = this.#mtus.get(hostname);
    if (known !== undefined) return known;
    if (this.#mtus.size >= MAX_REMEMBERED) this.#mtus.clear();
    const mtu = deviceMtu(hostname);
    this.#mtus.set(hostname, mtu);
    return mtu;
  }
}

/** Bytes of the headers of IP and UDP to a peer. */
export function overheadTo(peer: Deno.NetAddr): number {
  return isIPv6(peer) ? IPV6_OVERHEAD : IPV4_OVERHEAD;
}

/**
 * The largest IP packet that leaves for this address, in bytes: of the device,
 * or of the path if the system knows that. Where the system cannot be asked, the
 * least that such a device has.
 */
export function deviceMtu(hostname: string): number {
  const address = unmapped(hostname);
  const library = socketCalls();
  const mtu = library && routeMtu(library, address);
  return mtu ?? (isLoopback(address) ? LOOPBACK_MTU : ETHERNET_MTU);
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^127(\.\d+){3}$/.test(address);
}

// A connected UDP socket knows its route; connecting sends nothing.
function routeMtu(library: SocketCalls, address: string): number | undefined {
  const struct = encodeAddress(address, DISCARD_PORT);
  if (struct === undefined) return undefined;
  const family = struct[0] ?? 0;
  const { level, name } = family === IPV6.family ? IPV6_MTU : IP_MTU;
  const descriptor = library.socket(family, SOCK_DGRAM, 0);
  if (descriptor < 0) return undefined;
  const value = new Int32Array(1);
  const isKnown = library.connect(descriptor, struct, struct.length) === 0 &&
    library.getsockopt(descriptor, level, name, value, Uint32Array.of(4)) === 0;
  library.close(descriptor);
  const [mtu = 0] = value;
  return isKnown && mtu > 0 ? mtu : undefined;
}
