import type { ByteStream } from "../base/byte_stream.ts";
import { Failure } from "../base/failure.ts";

/** What a frame is. The receiver's have the highest bit set. `README.md` has their bodies. */
export const FrameType = {
  OFFER: 0x01,
  DATA: 0x02,
  END: 0x03,
  ABORT: 0x04,
  ACCEPT: 0x81,
  REFUSE: 0x82,
  DONE: 0x83,
  FAILED: 0x84,
} as const;

/** Bytes before the body: the type, and the body's length in 24 bits. */
export const HEADER_SIZE = 4;
/** The largest body of a DATA frame, in bytes. */
export const MAX_DATA = 1 << 20;
/** The largest body of any other frame, in bytes. */
export const MAX_MESSAGE = 1 << 14;

/** Writes a header into the first {@linkcode HEADER_SIZE} bytes of `into`. */
export function writeHeader(
  into: Uint8Array,
  type: number,
  length: number,
): void {
  into[0] = type;
  into[1] = length >>> 16;
  into[2] = length >>> 8;
  into[3] = length;
}

/** A whole frame with this body. */
export function frame(type: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + body.length);
  writeHeader(bytes, type, body.length);
  bytes.set(body, HEADER_SIZE);
  return bytes;
}

/** The beginning of a frame; its body is still in the stream. */
export interface FrameHeader {
  readonly type: number;
  /** Of the body, in bytes. */
  readonly length: number;
}

/**
 * Takes frames off a stream. A frame's body is to be read, with `body` or
 * `data`, before the next frame. Every method throws what the stream throws,
 * and {@linkcode Failure} `protocol` where the stream ends within a frame.
 */
export class FrameReader {
  #stream: ByteStream;
  #header = new Uint8Array(HEADER_SIZE);
  #left = 0;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** Bytes of the current frame's body that have not been read. */
  get left(): number {
    return this.#left;
  }

  /**
   * Reads the next frame's header.
   *
   * @returns the header; `null` where the stream ended after a whole frame
   * @throws {Failure} `protocol` if the body is longer than its type may be
   */
  async next(): Promise<FrameHeader | null> {
    const header = this.#header;
    const first = await this.#stream.read(header);
    if (first === null) return null;
    await this.#fill(header, first);
    const type = header[0];
    const length = header[1] << 16 | header[2] << 8 | header[3];
    if (length > (type === FrameType.DATA ? MAX_DATA : MAX_MESSAGE)) {
      throw new Failure(
        "protocol",
        `The other side sent a message of ${length} bytes, which is too long`,
      );
    }
    this.#left = length;
    return { type, length };
  }

  /** Reads the whole body of the current frame. */
  async body(): Promise<Uint8Array> {
    const body = new Uint8Array(this.#left);
    await this.#fill(body, 0);
    this.#left = 0;
    return body;
  }

  /**
   * Reads the next part of the current frame's body into `into`.
   *
   * @returns how many bytes were read, at least 1
   */
  async data(into: Uint8Array): Promise<number> {
    const part = into.length > this.#left ? into.subarray(0, this.#left) : into;
    const count = await this.#stream.read(part);
    if (count === null) throw cutShort();
    this.#left -= count;
    return count;
  }

  async #fill(into: Uint8Array, from: number): Promise<void> {
    for (let at = from; at < into.length;) {
      const count = await this.#stream.read(into.subarray(at));
      if (count === null) throw cutShort();
      at += count;
    }
  }
}

function cutShort(): Failure {
  return new Failure(
    "protocol",
    "The other side ended in the middle of a message",
  );
}
