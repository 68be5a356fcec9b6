import type { SocketCalls } from "../../system/c_library.ts";
import { utf8 } from "../../base/utf8.ts";

/** The largest UDP datagram, in bytes. */
export const MAX_UDP_SIZE = 65_535;
/** Linux's number of a datagram socket (bits/socket_type.h). */
export const SOCK_DGRAM = 2;
/** Linux's struct sockaddr_in and sockaddr_in6: their family, the offset of the address, and their size in bytes. */
const IPV4 = { family: 2, addressAt: 4, size: 16 };
export const IPV6 = { family: 10, addressAt: 8, size: 28 };
/** Bytes of a struct sockaddr_storage, which any address fits in. */
export const ADDRESS_SIZE = 128;
/** Characters of the longest address in words, with its NUL (INET6_ADDRSTRLEN). */
const TEXT_SIZE = 46;
const PORT_AT = 2;

/** The struct of a numeric address, `undefined` if `hostname` is none. */
export function encodeAddress(
  library: SocketCalls,
  hostname: string,
  port: number,
): Uint8Array<ArrayBuffer> | undefined {
  const { family, addressAt, size } = hostname.includes(":") ? IPV6 : IPV4;
  const struct = new Uint8Array(size);
  new Uint16Array(struct.buffer)[0] = family;
  struct[PORT_AT] = port >>> 8;
  struct[PORT_AT + 1] = port;
  const text = utf8(`${hostname}\0`);
  const place = struct.subarray(addressAt);
  return library.inet_pton(family, text, place) === 1 ? struct : undefined;
}

/** The address in a struct, as Deno has it. */
export function decodeAddress(
  library: SocketCalls,
  struct: Uint8Array<ArrayBuffer>,
): Deno.NetAddr {
  const [family = 0] = struct;
  const { addressAt } = family === IPV6.family ? IPV6 : IPV4;
  const text = new Uint8Array(TEXT_SIZE);
  const place = struct.subarray(addressAt);
  library.inet_ntop(family, place, text, TEXT_SIZE);
  const hostname = new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
  return { transport: "udp", hostname, port: portOf(struct) };
}

/** The port in a struct of either family. */
export function portOf(struct: Uint8Array): number {
  const [high = 0, low = 0] = struct.subarray(PORT_AT);
  return high << 8 | low;
}
