import { formatIp, inSameNetwork, parseIp } from "../../base/ip_address.ts";

/** An address of this machine, and the network that it is in. */
export interface OwnAddress {
  readonly hostname: string;
  readonly bytes: Uint8Array;
  readonly mask: Uint8Array;
  /** Of which all in the network are addressed, of IPv4. */
  readonly broadcast: string | undefined;
  /** The number of its interface, of IPv6. */
  readonly index: number | undefined;
}

/**
 * The addresses by which this machine may find others, or be found. None with a
 * zone, to which Deno cannot send (`fe80::1%eth0`).
 *
 * @param bind the only one that may be used, unless it stands for all
 */
export function ownAddresses(bind: string | undefined): OwnAddress[] {
  const only = bind === undefined ? undefined : parseIp(bind);
  const isAny = only === undefined || only.every((byte) => byte === 0);
  const interfaces = networkInterfaces();
  return interfaces.flatMap(({ name, address, netmask }) => {
    const [bytes, mask] = [parseIp(address), parseIp(netmask)];
    if (bytes === undefined || mask === undefined) return [];
    if (/^fe[89ab]/i.test(address)) return [];
    const isWanted = isAny
      ? only === undefined || only.length === 16 ||
        only.length === bytes.length
      : inSameNetwork(bytes, only, new Uint8Array(bytes.length).fill(0xff));
    if (!isWanted) return [];
    const index = interfaces.find((other) =>
      other.name === name && other.scopeid
    )?.scopeid ?? undefined;
    const broadcast = bytes.length === 4 ? broadcastOf(bytes, mask) : undefined;
    return [{ hostname: address, bytes, mask, broadcast, index }];
  });
}

/** Whether an address is in a network of this machine, so that nothing routes to it. */
export function isOnLink(
  hostname: string,
  addresses: readonly OwnAddress[],
): boolean {
  const other = parseIp(hostname);
  return other !== undefined &&
    addresses.some(({ bytes, mask }) => inSameNetwork(bytes, other, mask));
}

/** Empty where they may not be asked for. */
function networkInterfaces(): Deno.NetworkInterfaceInfo[] {
  const permission = { name: "sys", kind: "networkInterfaces" } as const;
  return Deno.permissions.querySync(permission).state === "granted"
    ? Deno.networkInterfaces()
    : [];
}

/** None where the network has room for two machines at most (RFC 3021). */
function broadcastOf(bytes: Uint8Array, mask: Uint8Array): string | undefined {
  const isSmall = mask[3]! >= 0xfe;
  return isSmall
    ? undefined
    : formatIp(bytes.map((byte, at) => byte | ~mask[at]!));
}
