import {
  cString,
  directoryCalls,
  readingCalls,
} from "../../system/c_library.ts";

/** Linux's table of IPv4 routes, proc(5). */
const ROUTES = "/proc/net/route";
/** Bytes of that table that are read. */
const MAX_TABLE_SIZE = 65_536;
/** Linux's numbers (linux/fcntl.h). */
const AT_FDCWD = -100;
const O_RDONLY = 0;
/** Of more default routes the others are for when these fail. */
const MAX_GATEWAYS = 3;

/** Addresses of the IPv4 default gateways, the preferred one first; none where they are not known. */
export function defaultGateways(): string[] {
  return gatewaysIn(readSystemFile(ROUTES) ?? "");
}

/** The default gateways in Linux's table of routes. */
export function gatewaysIn(table: string): string[] {
  const routes = table.split("\n").slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, gateway, , , , , mask]) =>
      isZero(destination) && isZero(mask) && gateway !== undefined &&
      !isZero(gateway)
    )
    .map(([, , gateway = "", , , , metric]) => ({
      gateway: addressOf(gateway),
      metric: Number(metric),
    }))
    .toSorted((one, other) => one.metric - other.metric);
  return [...new Set(routes.map(({ gateway }) => gateway))]
    .slice(0, MAX_GATEWAYS);
}

function isZero(hex: string | undefined): boolean {
  return hex !== undefined && /^0+$/.test(hex);
}

/** As the machine has them, so little-endian where ferry runs. */
function addressOf(hex: string): string {
  const bytes = hex.match(/../g) ?? [];
  return bytes.toReversed().map((byte) => parseInt(byte, 16)).join(".");
}

/** Below /proc Deno itself reads only with every permission. */
function readSystemFile(path: string): string | undefined {
  const calls = directoryCalls();
  const read = readingCalls()?.read;
  const name = cString(path);
  if (!calls || !read || !name) return undefined;
  const descriptor = calls.openat(AT_FDCWD, name, O_RDONLY, 0);
  if (descriptor < 0) return undefined;
  const bytes = new Uint8Array(MAX_TABLE_SIZE);
  let length = 0;
  for (;;) {
    const rest = bytes.subarray(length);
    const count = Number(read(descriptor, rest, BigInt(rest.length)));
    if (count <= 0) break;
    length += count;
  }
  calls.close(descriptor);
  return new TextDecoder().decode(bytes.subarray(0, length));
}
