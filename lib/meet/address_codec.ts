import { uint16At, writeUint16 } from "../base/integers.ts";
import { formatIp, parseIp } from "../base/ip_address.ts";
import type { Address } from "../protocol/connection/address.ts";

/** Bytes of an address: 4 or 16, how many they are, and a port. */
export const ADDRESS_SIZE = 19;

const IPV4_SIZE = 4;
const IPV6_SIZE = 16;
const PORT_AT = 1 + IPV6_SIZE;

/** Writes an IPv4 or IPv6 address, a mapped one as IPv4, and a port; the rest stays 0. */
export function writeAddress(
  into: Uint8Array,
  at: number,
  { hostname, port }: Address,
): void {
  const bytes = parseIp(hostname)!;
  into[at] = bytes.length;
  into.set(bytes, at + 1);
  writeUint16(into, at + PORT_AT, port);
}

/** Reads what {@linkcode writeAddress} writes; `undefined` if that is no address. */
export function readAddress(
  bytes: Uint8Array,
  at: number,
): Address | undefined {
  const size = bytes[at]!;
  const port = uint16At(bytes, at + PORT_AT);
  const isAddress = size === IPV4_SIZE || size === IPV6_SIZE;
  if (port === 0 || !isAddress) return undefined;
  return { hostname: formatIp(bytes.subarray(at + 1, at + 1 + size)), port };
}
