import {
  hasRightCrc,
  MARK_AT,
  PREFIX_SIZE,
  statedLength,
  writeChecksum,
} from "./datagram_prefix.ts";

/**
 * The marks of the protocols that share the socket of the connections. As flags
 * of a segment they would have both SYN and RST.
 */
export const SideMark = {
  /** `lib/meet/README.md` */
  MEET: 0xea,
  /** `lib/near/README.md` */
  NEAR: 0xfa,
  /** `lib/meet/README.md`: relayed, as segments are. */
  CANDIDATES: 0xda,
} as const;

/** Bytes of the prefix and of the kind. */
const HEADER_SIZE = PREFIX_SIZE + 1;

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
  const length = Math.max(size, HEADER_SIZE + body.length);
  const datagram = new Uint8Array(length);
  datagram[MARK_AT] = mark;
  datagram[PREFIX_SIZE] = kind;
  datagram.set(body, HEADER_SIZE);
  writeChecksum(datagram, length);
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
  if (datagram.length < HEADER_SIZE || datagram[MARK_AT] !== mark) {
    return undefined;
  }
  if (statedLength(datagram) !== datagram.length) return undefined;
  if (!hasRightCrc(datagram)) return undefined;
  const kind = datagram[PREFIX_SIZE]!;
  return { kind, body: datagram.subarray(HEADER_SIZE) };
}
