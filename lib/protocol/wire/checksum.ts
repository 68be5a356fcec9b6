import { crc32 } from "node:zlib";
import { uint32At, writeUint32 } from "../../base/integers.ts";

/** Writes the CRC-32 of a datagram, computed with zeros in its place, to its first four bytes. */
export function writeCrc(datagram: Uint8Array): void {
  writeUint32(datagram, 0, 0);
  writeUint32(datagram, 0, crc32(datagram));
}

/** Whether the first four bytes are what {@linkcode writeCrc} writes there. */
export function hasRightCrc(datagram: Uint8Array): boolean {
  const checksum = uint32At(datagram, 0);
  writeUint32(datagram, 0, 0);
  const right = checksum === crc32(datagram);
  writeUint32(datagram, 0, checksum);
  return right;
}
