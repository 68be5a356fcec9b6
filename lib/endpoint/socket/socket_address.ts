import type { SocketCalls } from "../../system/c_library.ts";

/** Where things are in Linux's struct sockaddr_in and sockaddr_in6, in bytes, and their numbers. */
const IPV4 = { family: 2, addressAt: 4, size: 16 };
export const IPV6 = { family: 10, addressAt: 8, size: 28 };
/** Bytes of a struct sockaddr_storage, which has room for any address. */
export const ADDRESS_SIZE = 128;
/** Characters that a written address takes at most, with a NUL (INET6_ADDRSTRLEN). */
const TEXT_SIZE = 46;
const PORT_AT = 2;

/** The struct of a numeric address, `undefined` if it is none. */
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
  const text = new TextEncoder().encode(`${hostname}\0`);
  const place = struct.subarray(addressAt);
  return library.inet_pton(family, text, place) === 1 ? struct : undefined;
}

/** What a struct says, as Deno has it. */
export function decodeAddress(
  library: SocketCalls,
  struct: Uint8Array<ArrayBuffer>,
): Deno.NetAddr {
  const [family] = struct;
  const { addressAt } = family === IPV6.family ? IPV6 : IPV4;
  const text = new Uint8Array(TEXT_SIZE);
  const place = struct.subarray(addressAt);
  library.inet_ntop(family, place, text, TEXT_SIZE);
  const hostname = new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
  return { transport: "udp", hostname, port: portOf(struct) };
}

/** The port that a struct of either family names. */
export function portOf(struct: Uint8Array): number {
  return struct[PORT_AT] << 8 | struct[PORT_AT + 1];
}
