import { crc32 } from "node:zlib";
import {
  uint16At,
  uint32At,
  writeUint16,
  writeUint32,
} from "../../base/integers.ts";

/** What all datagrams begin with: a CRC-32, their length, and the mark. */
export const PREFIX_SIZE = 7;
/** Where a datagram has its mark: the flags of a segment, or which other protocol's it is. */
export const MARK_AT = 6;

const LENGTH_AT = 4;

/** Writes the datagram's length, in bytes, and the CRC-32 of all of it, computed with zeros in its place. */
export function writeChecksum(into: Uint8Array, length: number): void {
  writeUint16(into, LENGTH_AT, length);
  writeUint32(into, 0, 0);
  writeUint32(into, 0, crc32(into.subarray(0, length)));
}

/** Whether the first four bytes are the CRC-32 of the others. */
export function hasRightCrc(datagram: Uint8Array): boolean {
  const checksum = uint32At(datagram, 0);
  writeUint32(datagram, 0, 0);
  const right = checksum === crc32(datagram);
  writeUint32(datagram, 0, checksum);
  return right;
}

/** The length that a datagram states. It has at least {@linkcode PREFIX_SIZE} bytes. */
export function statedLength(datagram: Uint8Array): number {
  return uint16At(datagram, LENGTH_AT);
}

/**
 * Where the first datagram in `bytes` ends: a kernel may join several of one
 * size (UDP_GRO of Linux).
 */
export function firstDatagram(bytes: Uint8Array): number {
  if (bytes.length < PREFIX_SIZE) return bytes.length;
  const length = statedLength(bytes);
  return length < PREFIX_SIZE ? bytes.length : Math.min(length, bytes.length);
}
