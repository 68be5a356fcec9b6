import { writeChecksum } from "./datagram_prefix.ts";
import { encodeHeader, Flag, type Segment } from "./segment.ts";

/**
 * Writes a RST for the connection whose id is in `segment`.
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
  segment.seq = 0;
  segment.payloadLength = 1;
  const header = encodeHeader(segment, into);
  into[header] = code;
  writeChecksum(into, header + 1);
  return header + 1;
}

/** A RST that is to be sent several times, since nothing acknowledges it. */
export class PendingReset {
  #code = 0;
  #copies = 0;

  /** Whether no copy is left to send. */
  get isSent(): boolean {
    return this.#copies === 0;
  }

  /** Has `code` sent in this many copies. */
  set(code: number, copies: number): void {
    this.#code = code;
    this.#copies = copies;
  }

  /** Writes the next copy, as {@linkcode writeReset} does. */
  write(segment: Segment, packetNumber: number, into: Uint8Array): number {
    this.#copies--;
    return writeReset(segment, packetNumber, this.#code, into);
  }
}
