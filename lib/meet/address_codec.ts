import type { Address } from "../protocol/connection/address.ts";

/** Bytes of an address: 4 or 16, how many they are, and a port. */
export const ADDRESS_SIZE = 19;

const MAPPED_PREFIX = "::ffff:";
const IPV4_SIZE = 4;
const IPV6_SIZE = 16;

/** Writes an IPv4 or IPv6 address, a mapped one as IPv4, and a port; the rest stays 0. */
export function writeAddress(
  into: Uint8Array,
  at: number,
  { hostname, port }: Address,
): void {
  const text = hostname.startsWith(MAPPED_PREFIX)
    ? hostname.slice(MAPPED_PREFIX.length)
    : hostname;
  const bytes = text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
  into[at] = bytes.length;
  into.set(bytes, at + 1);
  into[at + IPV6_SIZE + 1] = port >>> 8;
  into[at + IPV6_SIZE + 2] = port;
}

/** Reads what {@linkcode writeAddress} writes; `undefined` if that is no address. */
export function readAddress(
  bytes: Uint8Array,
  at: number,
): Address | undefined {
  const size = bytes[at];
  const port = bytes[at + IPV6_SIZE + 1]! << 8 | bytes[at + IPV6_SIZE + 2]!;
  const address = bytes.subarray(at + 1, at + 1 + size!);
  if (port === 0) return undefined;
  if (size === IPV4_SIZE) return { hostname: address.join("."), port };
  if (size !== IPV6_SIZE) return undefined;
  const groups = Array.from(
    { length: IPV6_SIZE / 2 },
    (_, group) =>
      (address[2 * group]! << 8 | address[2 * group + 1]!).toString(16),
  );
  // As systems write it (RFC 5952)
  const { hostname } = new URL(`http://[${groups.join(":")}]`);
  return { hostname: hostname.slice(1, -1), port };
}

function ipv4Bytes(text: string): Uint8Array {
  return Uint8Array.from(text.split("."), Number);
}

function ipv6Bytes(text: string): Uint8Array {
  const [address = ""] = text.split("%");
  // URL writes out what ends in an IPv4 address, too
  const { hostname } = new URL(`http://[${address}]`);
  const [head = "", tail] = hostname.slice(1, -1).split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = IPV6_SIZE / 2 - before.length - after.length;
  const groups = [...before, ...Array(missing).fill("0"), ...after];
  return Uint8Array.from(groups.flatMap((group: string) => {
    const value = parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  }));
}
