/** Unsigned integers in network byte order, up to 53 bits so that they stay exact numbers. */

/** The number of values that 32 bits have. */
const UINT32_RANGE = 2 ** 32;

export function uint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 |
    bytes[at + 3]!) >>> 0;
}

export function writeUint32(
  bytes: Uint8Array,
  at: number,
  value: number,
): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Reads three bytes. */
export function uint24At(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
}

/** Writes three bytes. */
export function writeUint24(
  bytes: Uint8Array,
  at: number,
  value: number,
): void {
  bytes[at] = value >>> 16;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value;
}

/**
 * Reads eight bytes. Values above 2^53 are inexact; the caller's bound rejects
 * them.
 */
export function uint53At(bytes: Uint8Array, at: number): number {
  return uint32At(bytes, at) * UINT32_RANGE + uint32At(bytes, at + 4);
}

/** Writes eight bytes. */
export function writeUint53(
  bytes: Uint8Array,
  at: number,
  value: number,
): void {
  writeUint32(bytes, at, Math.floor(value / UINT32_RANGE));
  writeUint32(bytes, at + 4, value >>> 0);
}

/** Bytes of `value` as a variable-length integer (RFC 9000, section 16). */
export function varintLength(value: number): number {
  return value < 64 ? 1 : value < 16384 ? 2 : value < 2 ** 30 ? 4 : 8;
}

/** @returns the position after the written bytes */
export function writeVarint(
  bytes: Uint8Array,
  at: number,
  value: number,
): number {
  if (value < 64) {
    bytes[at] = value;
    return at + 1;
  }
  if (value < 16384) {
    bytes[at] = 0x40 | value >>> 8;
    bytes[at + 1] = value;
    return at + 2;
  }
  if (value < 2 ** 30) {
    writeUint32(bytes, at, value);
    bytes[at]! |= 0x80;
    return at + 4;
  }
  writeUint53(bytes, at, value);
  bytes[at]! |= 0xc0;
  return at + 8;
}

/** Reads at `cursor.at` and advances it; bytes past the end read as zeros. */
export function readVarint(bytes: Uint8Array, cursor: { at: number }): number {
  const at = cursor.at;
  const first = bytes[at] ?? 0;
  switch (first >>> 6) {
    case 0:
      cursor.at += 1;
      return first;
    case 1:
      cursor.at += 2;
      return (first & 0x3f) << 8 | bytes[at + 1]!;
    case 2:
      cursor.at += 4;
      return uint32At(bytes, at) & 0x3fffffff;
    default:
      cursor.at += 8;
      return (uint32At(bytes, at) & 0x3fffffff) * UINT32_RANGE +
        uint32At(bytes, at + 4);
  }
}
