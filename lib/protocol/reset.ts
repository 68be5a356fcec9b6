import { encodeHeader, Flag, seal, type Segment } from "./segment.ts";

/**
 * Writes a RST for the connection whose id `segment` bears.
 *
 * @param code one of {@linkcode Reset}
 * @returns its length in bytes, less than that of any segment it may answer
 */
export function writeReset(
  segment: Segment,
  packetNumber: number,
  code: number,
  into: Uint8Array,
): number {
  segment.flags = Flag.RST;
  segment.packetNumber = packetNumber;
  segment.floor = packetNumber;
  segment.seq = 0;
  segment.payloadLength = 1;
  const header = encodeHeader(segment, into);
  into[header] = code;
  seal(into, header + 1);
  return header + 1;
}
