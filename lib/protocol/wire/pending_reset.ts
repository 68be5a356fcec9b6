import { encodeHeader, Flag, type Segment, writeChecksum } from "./segment.ts";

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
  writeChecksum(into, header + 1);
  return header + 1;
}

/** A RST that is still to be said, several times, since nothing acknowledges it. */
export class PendingReset {
  #code = 0;
  #due = 0;

  /** Whether nothing is left to say. */
  get none(): boolean {
    return this.#due === 0;
  }

  /** Lets `code` be said so many times. */
  say(code: number, copies: number): void {
    this.#code = code;
    this.#due = copies;
  }

  /** As {@linkcode writeReset}, for the next of them. */
  write(segment: Segment, packetNumber: number, into: Uint8Array): number {
    this.#due--;
    return writeReset(segment, packetNumber, this.#code, into);
  }
}
