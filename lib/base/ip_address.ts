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
  return canonical(groups.join(":"));
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
  if (!/^[\da-f:.]+$/i.test(text) || !URL.canParse(urlOf(text))) {
    return undefined;
  }
  const [before = [], after = []] = canonical(text).split("::")
    .map((part) => part === "" ? [] : part.split(":"));
  const missing = IPV6_GROUPS - before.length - after.length;
  const groups = [...before, ...Array<string>(missing).fill("0"), ...after]
    .map((group) => parseInt(group, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group]));
}

/** An IPv6 address in its one form (RFC 5952, section 4), which URLs have. */
function canonical(address: string): string {
  return new URL(urlOf(address)).hostname.slice(1, -1);
}

function urlOf(address: string): string {
  return `http://[${address}]`;
}
