import { type SocketCalls, socketCalls } from "../../system/c_library.ts";
import { encodeAddress, IPV6 } from "./socket_address.ts";

/** What Linux's loopback device carries, if it is left alone. */
const LOOPBACK_MTU = 65_535;
/** What Ethernet carries. */
const ETHERNET_MTU = 1500;
const MAPPED = "::ffff:";

/** Linux's numbers (linux/in.h, linux/in6.h, bits/socket.h). */
const SOCK_DGRAM = 2;
const IP_MTU = { level: 0, name: 14 };
const IPV6_MTU = { level: 41, name: 24 };
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
  const struct = encodeAddress(library, address, PORT);
  if (struct === undefined) return undefined;
  const [family] = struct;
  const { level, name } = family === IPV6.family ? IPV6_MTU : IP_MTU;
  const descriptor = library.socket(family, SOCK_DGRAM, 0);
  if (descriptor < 0) return undefined;
  const value = new Int32Array(1);
  const known = library.connect(descriptor, struct, struct.length) === 0 &&
    library.getsockopt(descriptor, level, name, value, Uint32Array.of(4)) === 0;
  library.close(descriptor);
  return known && value[0] > 0 ? value[0] : undefined;
}
