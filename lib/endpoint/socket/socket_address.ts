import { uint16At, writeUint16 } from "../../base/integers.ts";
import { formatIp, parseIp } from "../../base/ip_address.ts";
import { addressFrom } from "./address.ts";

/** The largest UDP datagram, in bytes. */
export const MAX_UDP_SIZE = 65_535;
/** Linux's number of a datagram socket (bits/socket_type.h). */
export const SOCK_DGRAM = 2;
/** Linux's struct sockaddr_in and sockaddr_in6: the family, where its address begins and ends, and the size in bytes. */
const IPV4 = { family: 2, start: 4, end: 8, size: 16 };
export const IPV6 = { family: 10, start: 8, end: 24, size: 28 };
/** Bytes of a struct sockaddr_storage, which any address fits in. */
export const ADDRESS_SIZE = 128;
const PORT_AT = 2;

/** The struct of a numeric address, of IPv4 also where it is mapped; `undefined` if `hostname` is none. */
export function encodeAddress(
  hostname: string,
  port: number,
): Uint8Array<ArrayBuffer> | undefined {
  const address = parseIp(hostname);
  if (address === undefined) return undefined;
  const { family, start, size } = address.length === 4 ? IPV4 : IPV6;
  const struct = new Uint8Array(size);
  new Uint16Array(struct.buffer)[0] = family;
  writeUint16(struct, PORT_AT, port);
  struct.set(address, start);
  return struct;
}

/** The address in a struct, as Deno has it. */
export function decodeAddress(struct: Uint8Array): Deno.NetAddr {
  const isIPv6 = struct[0] === IPV6.family;
  const { start, end } = isIPv6 ? IPV6 : IPV4;
  const hostname = formatIp(struct.subarray(start, end));
  return addressFrom(hostname, portOf(struct), isIPv6);
}

/** The port in a struct of either family. */
export function portOf(struct: Uint8Array): number {
  return uint16At(struct, PORT_AT);
}
