/** Unsigned integers in network byte order, up to 53 bits so that they stay exact numbers. */

/** The number of values that 32 bits have. */
const UINT32_RANGE = 2 ** 32;

export function uint16At(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}

export function writeUint16(
  bytes: Uint8Array,
  at: number,
  value: number,
): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

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

export function uint24At(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
}

export function writeUint24(
  bytes: Uint8Array,
  at: number,
  value: number,
): void {
  bytes[at] = value >>> 16;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value;
}

/** Bytes of `value` as a variable-length integer (RFC 9000, section 16). */
export function varintLength(value: number): number {
  return value < 64 ? 1 : value < 16384 ? 2 : value < 2 ** 30 ? 4 : 8;
}

/**
 * Writes a variable-length integer.
 *
 * @param length its bytes, which may be more than it needs: 1, 2, 4 or 8
 * @returns the position after it
 */
export function writeVarint(
  bytes: Uint8Array,
  at: number,
  value: number,
  length: number = varintLength(value),
): number {
  if (length === 1) bytes[at] = value;
  else if (length === 2) {
    bytes[at] = 0x40 | value >>> 8;
    bytes[at + 1] = value;
  } else if (length === 4) {
    writeUint32(bytes, at, value);
    bytes[at]! |= 0x80;
  } else {
    writeUint32(bytes, at, Math.floor(value / UINT32_RANGE));
    writeUint32(bytes, at + 4, value >>> 0);
    bytes[at]! |= 0xc0;
  }
  return at + length;
}

/** Bytes of the variable-length integer that begins at `at`. */
export function varintLengthAt(bytes: Uint8Array, at: number): number {
  return 1 << (bytes[at]! >>> 6);
}

/** Reads a variable-length integer. Bytes past the end read as zeros. */
export function varintAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  switch (first >>> 6) {
    case 0:
      return first & 0x3f;
    case 1:
      return (first & 0x3f) << 8 | bytes[at + 1]!;
    case 2:
      return uint32At(bytes, at) & 0x3fffffff;
    default:
      return (uint32At(bytes, at) & 0x3fffffff) * UINT32_RANGE +
        uint32At(bytes, at + 4);
  }
}
