import { hasRightCrc, writeCrc } from "./checksum.ts";

/** The marks of the protocols that share the socket of the connections: the fifth byte of their datagrams. */
export const SideMark = {
  /** `lib/meet/README.md` */
  MEET: 0xe1,
  /** `lib/near/README.md` */
  NEAR: 0xe2,
  /** `lib/meet/README.md`: relayed, as segments are. */
  CANDIDATES: 0xe3,
} as const;

/** Bytes in front of what a side datagram carries. */
export const SIDE_HEADER_SIZE = 8;

const MARK_AT = 4;
const KIND_AT = 5;
const LENGTH_AT = 6;
/** The high half of each mark. */
const SIDE = 0xe0;

/** What a side datagram says. */
export interface SideDatagram {
  /** What it is, in its protocol: 0 to 255. */
  readonly kind: number;
  /** All that follows the header; padding means nothing. */
  readonly body: Uint8Array;
}

/**
 * Makes a datagram of another protocol than that of the connections.
 *
 * @param mark one of {@linkcode SideMark}
 * @param size bytes to which it is padded with zeros
 */
export function encodeSideDatagram(
  mark: number,
  { kind, body }: SideDatagram,
  size = 0,
): Uint8Array<ArrayBuffer> {
  const length = Math.max(size, SIDE_HEADER_SIZE + body.length);
  const datagram = new Uint8Array(length);
  datagram[MARK_AT] = mark;
  datagram[KIND_AT] = kind;
  datagram[LENGTH_AT] = length >>> 8;
  datagram[LENGTH_AT + 1] = length;
  datagram.set(body, SIDE_HEADER_SIZE);
  writeCrc(datagram);
  return datagram;
}

/**
 * Reads a datagram.
 *
 * @returns what it says, in place, or `undefined` if it is not one of the
 * protocol with this mark, or damaged
 */
export function decodeSideDatagram(
  mark: number,
  datagram: Uint8Array,
): SideDatagram | undefined {
  if (datagram.length < SIDE_HEADER_SIZE || datagram[MARK_AT] !== mark) {
    return undefined;
  }
  if (sideLength(datagram) !== datagram.length) return undefined;
  if (!hasRightCrc(datagram)) return undefined;
  const kind = datagram[KIND_AT]!;
  return { kind, body: datagram.subarray(SIDE_HEADER_SIZE) };
}

/**
 * The length that the first datagram in `bytes` states, 0 if it is too short or
 * none of another protocol.
 */
export function sideLength(bytes: Uint8Array): number {
  if (bytes.length < SIDE_HEADER_SIZE || (bytes[MARK_AT]! & 0xf0) !== SIDE) {
    return 0;
  }
  const length = bytes[LENGTH_AT]! << 8 | bytes[LENGTH_AT + 1]!;
  return length < SIDE_HEADER_SIZE ? 0 : length;
}
