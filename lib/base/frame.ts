import { uint24At, writeUint24 } from "./integers.ts";

/** Bytes before the body of a frame in a stream: its type, and the body's length in 24 bits. */
export const FRAME_HEADER_SIZE = 4;

/** A frame's type and the length of its body in bytes. */
export interface FrameHeader {
  readonly type: number;
  readonly length: number;
}

/** Writes a frame header into the first {@linkcode FRAME_HEADER_SIZE} bytes of `into`. */
export function writeHeader(
  into: Uint8Array,
  type: number,
  length: number,
): void {
  into[0] = type;
  writeUint24(into, 1, length);
}

/** Reads the frame header at `at`; there have to be {@linkcode FRAME_HEADER_SIZE} bytes. */
export function readHeader(bytes: Uint8Array, at = 0): FrameHeader {
  return { type: bytes[at]!, length: uint24At(bytes, at + 1) };
}

/** Encodes a frame with this body. */
export function frame(
  type: number,
  body: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_SIZE + body.length);
  writeHeader(bytes, type, body.length);
  bytes.set(body, FRAME_HEADER_SIZE);
  return bytes;
}
