import { type SocketCalls, socketCalls } from "../system/c_library.ts";

/** What Linux's loopback device carries, if it is left alone. */
const LOOPBACK_MTU = 65_535;
/** What Ethernet carries. */
const ETHERNET_MTU = 1500;
const MAPPED = "::ffff:";

/** Linux's numbers (linux/in.h, linux/in6.h, bits/socket.h). */
const SOCK_DGRAM = 2;
const IPV4 = { family: 2, addressAt: 4, size: 16, level: 0, mtu: 14 };
const IPV6 = { family: 10, addressAt: 8, size: 28, level: 41, mtu: 24 };
/** Any port: nothing is sent. */
const PORT = 9;

/**
 * The largest IP packet that leaves for this address, in bytes: of the device,
 * or of the path if the system knows that. Where the system cannot be asked,
 * what such a device has at least.
 */
export function deviceMtu(hostname: string): number {
  const address = hostname.startsWith(MAPPED)
    ? hostname.slice(MAPPED.length)
    : hostname;
  const library = socketCalls();
  const asked = library && askSystem(library, address);
  return asked ?? (isLoopback(address) ? LOOPBACK_MTU : ETHERNET_MTU);
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^127(\.\d+){3}$/.test(address);
}

// A connected socket knows its route; none of this sends anything.
function askSystem(library: SocketCalls, address: string): number | undefined {
  const { family, addressAt, size, level, mtu } = address.includes(":")
    ? IPV6
    : IPV4;
  const name = new Uint8Array(size);
  new Uint16Array(name.buffer)[0] = family;
  name[3] = PORT;
  const text = new TextEncoder().encode(`${address}\0`);
  const place = name.subarray(addressAt);
  if (library.inet_pton(family, text, place) !== 1) return undefined;
  const descriptor = library.socket(family, SOCK_DGRAM, 0);
  if (descriptor < 0) return undefined;
  const value = new Int32Array(1);
  const known = library.connect(descriptor, name, size) === 0 &&
    library.getsockopt(descriptor, level, mtu, value, Uint32Array.of(4)) === 0;
  library.close(descriptor);
  return known && value[0] > 0 ? value[0] : undefined;
}
