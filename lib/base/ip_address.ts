/** How an IPv4 address begins in IPv6's form (RFC 4291, section 2.5.5.2). */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const IPV4_SIZE = 4;
const IPV6_GROUPS = 8;

/**
 * The bytes of a numeric address: 4 of IPv4, also where it is mapped to IPv6, 16
 * of IPv6, `undefined` if it is none. A zone, as in `fe80::1%eth0`, is left out.
 */
export function parseIp(text: string): Uint8Array<ArrayBuffer> | undefined {
  const [address = ""] = text.split("%");
  if (!address.includes(":")) return parseIpv4(address);
  const bytes = parseIpv6(address);
  const isMapped = bytes && MAPPED.every((byte, at) => bytes[at] === byte);
  return isMapped ? bytes.slice(MAPPED.length) : bytes;
}

/** The address of 4 or 16 bytes, as {@linkcode parseIp} takes it; a mapped one as one of IPv4. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === IPV4_SIZE) return bytes.join(".");
  if (MAPPED.every((byte, at) => bytes[at] === byte)) {
    return bytes.subarray(MAPPED.length).join(".");
  }
  const groups = Array.from(
    { length: IPV6_GROUPS },
    (_, at) => (bytes[2 * at]! << 8 | bytes[2 * at + 1]!).toString(16),
  );
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** An address in IPv6's form, as 16 bytes. */
export function mappedIp(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.length === IPV4_SIZE
    ? Uint8Array.of(...MAPPED, ...bytes)
    : Uint8Array.from(bytes);
}

/** Whether two addresses are in one network with this mask. */
export function inSameNetwork(
  one: Uint8Array,
  other: Uint8Array,
  mask: Uint8Array,
): boolean {
  return one.length === other.length && one.length === mask.length &&
    mask.every((bits, at) => (one[at]! & bits) === (other[at]! & bits));
}

function parseIpv4(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const numbers = text.split(".").map(Number);
  return numbers.every((number) => number < 256)
    ? Uint8Array.from(numbers)
    : undefined;
}

function parseIpv6(text: string): Uint8Array<ArrayBuffer> | undefined {
  // Anything else might end the host of a URL
  if (/[^0-9a-f:.]/i.test(text)) return undefined;
  const host = URL.parse(`http://[${text}]`)?.hostname;
  if (host === undefined) return undefined;
  // Written as RFC 5952 has it: groups of digits, and at most one run left out
  const [before = [], after = []] = host.slice(1, -1).split("::")
    .map((part) => part === "" ? [] : part.split(":"));
  const missing = IPV6_GROUPS - before.length - after.length;
  const groups = [...before, ...Array<string>(missing).fill("0"), ...after]
    .map((group) => parseInt(group, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group]));
}
