import type { ByteStream } from "../../base/byte_stream.ts";
import { Failure } from "../../base/failure.ts";

/** What a frame is. The receiver's have the highest bit set. `README.md` has their bodies. */
export const FrameType = {
  OFFER: 0x01,
  DATA: 0x02,
  END: 0x03,
  ABORT: 0x04,
  ENTRY: 0x05,
  LEAVE: 0x06,
  FILE_DIGEST: 0x07,
  FILE_ABORTED: 0x08,
  RESTART: 0x09,
  QUERY: 0x0a,
  RESUME_AT: 0x0b,
  PACK: 0x0c,
  ACCEPT: 0x81,
  REFUSE: 0x82,
  DONE: 0x83,
  FAILED: 0x84,
  OFFSETS: 0x85,
  PREFIX_DIGESTS: 0x86,
} as const;

/** Bytes before the body: the type, and the body's length in 24 bits. */
export const HEADER_SIZE = 4;
/** The largest body of a DATA or PACK frame, in bytes. */
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

/** Bytes that are read at once where small messages may follow each other. */
const READ_AHEAD = 1 << 15;

/**
 * Takes frames off a stream. A frame's body is to be read, with `body`, `fill`
 * or `data`, before the next frame. Every method throws what the stream throws,
 * and {@linkcode Failure} `protocol` where the stream ends within a frame.
 */
export class FrameReader {
  #stream: ByteStream;
  #ahead = new Uint8Array(READ_AHEAD);
  #start = 0;
  #end = 0;
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
    while (this.#end - this.#start < HEADER_SIZE) {
      if (await this.#readAhead()) continue;
      if (this.#end === this.#start) return null;
      throw cutShort();
    }
    const at = this.#start;
    const bytes = this.#ahead;
    const type = bytes[at];
    const length = bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
    const large = type === FrameType.DATA || type === FrameType.PACK;
    if (length > (large ? MAX_DATA : MAX_MESSAGE)) {
      throw new Failure(
        "protocol",
        `The other side sent a message of ${length} bytes, which is too long`,
      );
    }
    this.#start += HEADER_SIZE;
    this.#left = length;
    return { type, length };
  }

  /** Reads the whole body of the current frame. */
  async body(): Promise<Uint8Array> {
    const body = new Uint8Array(this.#left);
    await this.fill(body);
    return body;
  }

  /** Reads the next bytes of the current frame's body, as many as `into` has. */
  async fill(into: Uint8Array): Promise<void> {
    for (let at = 0; at < into.length;) {
      at += await this.data(at === 0 ? into : into.subarray(at));
    }
  }

  /**
   * Reads the next part of the current frame's body into `into`.
   *
   * @returns how many bytes were read, at least 1
   */
  async data(into: Uint8Array): Promise<number> {
    const part = into.length > this.#left ? into.subarray(0, this.#left) : into;
    const count = this.#end > this.#start
      ? this.#takeAhead(part)
      : await this.#stream.read(part);
    if (count === null) throw cutShort();
    this.#left -= count;
    return count;
  }

  #takeAhead(into: Uint8Array): number {
    const count = Math.min(into.length, this.#end - this.#start);
    into.set(this.#ahead.subarray(this.#start, this.#start + count));
    this.#start += count;
    return count;
  }

  /** @returns whether there was anything */
  async #readAhead(): Promise<boolean> {
    this.#ahead.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const room = this.#ahead.subarray(this.#end);
    const count = await this.#stream.read(room);
    this.#end += count ?? 0;
    return count !== null;
  }
}

/** Takes the frames out of the body of a PACK frame. */
export class Unpacker {
  #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @throws {Failure} `protocol` if there is no whole frame any more */
  next(): { type: number; body: Uint8Array } {
    const bytes = this.#bytes;
    const start = this.#at + HEADER_SIZE;
    if (start > bytes.length) throw cutShort();
    const type = bytes[start - 4];
    const length = bytes[start - 3] << 16 | bytes[start - 2] << 8 |
      bytes[start - 1];
    this.#at = start + length;
    if (this.#at > bytes.length) throw cutShort();
    return { type, body: bytes.subarray(start, this.#at) };
  }
}

function cutShort(): Failure {
  return new Failure(
    "protocol",
    "The other side ended in the middle of a message",
  );
}
