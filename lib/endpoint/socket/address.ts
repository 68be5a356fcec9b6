import { lookup } from "node:dns";
import { isIPv4, isIPv6 as isIPv6Literal } from "node:net";
import { promisify } from "node:util";
import { Failure } from "../../base/failure.ts";
import type { Address } from "../../protocol/connection/address.ts";

/** An IPv4 address as an IPv6 socket has it begins so. */
const MAPPED_PREFIX = "::ffff:";

// Not node:dns/promises, which makes Deno 2.5 warn of a module of its own.
const lookUp = promisify(lookup);

/**
 * Finds the addresses of `host`, from /etc/hosts and DNS as the system does it.
 * They are in the system's order (RFC 6724), but families take turns, so that a
 * family that does not work delays little (RFC 8305, section 4).
 *
 * @param ipv6 whether the socket that will send is an IPv6 one, which reaches
 * IPv4 by mapped addresses
 * @throws {Failure} `unknown-host`, `no-ipv4-address`, or `zone-address`: to one
 * with a zone, as in `fe80::1%eth0`, Deno cannot send
 */
export async function resolve(
  host: string,
  port: number,
  ipv6: boolean,
): Promise<[Deno.NetAddr, ...Deno.NetAddr[]]> {
  const found = (await addressesOf(host))
    .filter((address) => !address.includes("%"));
  if (found.length === 0) {
    throw new Failure({ code: "zone-address", host });
  }
  const usable = found.filter((address) => ipv6 || isIPv4(address));
  const [first, ...others] = alternating(usable).map((address) =>
    addressFrom(address, port, ipv6)
  );
  if (first === undefined) {
    throw new Failure({ code: "no-ipv4-address", host });
  }
  return [first, ...others];
}

/**
 * A numeric address as a socket sends to it.
 *
 * @param ipv6 as for {@linkcode resolve}
 */
export function addressFrom(
  address: string,
  port: number,
  ipv6: boolean,
): Deno.NetAddr {
  const hostname = ipv6 && isIPv4(address) ? MAPPED_PREFIX + address : address;
  return { transport: "udp", hostname, port };
}

/** The addresses, each once, with families taking turns from that of the first on. */
export function alternating(addresses: readonly string[]): string[] {
  const unique = [...new Set(addresses)];
  const isFirst = isIPv4(unique[0] ?? "");
  const one = unique.filter((address) => isIPv4(address) === isFirst);
  const other = unique.filter((address) => isIPv4(address) !== isFirst);
  return one.flatMap((address, i) => [address, ...other.slice(i, i + 1)])
    .concat(other.slice(one.length));
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIPv4(host) || isIPv6Literal(host)) return [host];
  try {
    const found = await lookUp(host, { all: true });
    return found.map(({ address }) => address);
  } catch (cause) {
    throw new Failure({ code: "unknown-host", host }, { cause });
  }
}

/** Whether datagrams to this address are IPv6: a mapped address is IPv4. */
export function isIPv6({ hostname }: Address): boolean {
  return hostname.includes(":") && !hostname.startsWith(MAPPED_PREFIX);
}

/** The IPv4 address of a mapped one, and any other as it is. */
export function unmapped(hostname: string): string {
  return hostname.startsWith(MAPPED_PREFIX)
    ? hostname.slice(MAPPED_PREFIX.length)
    : hostname;
}

/** An address as people write it: `192.0.2.1:5000` or `[2001:db8::1]:5000`. */
export function formatAddress(hostname: string, port: number): string {
  const host = unmapped(hostname);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
