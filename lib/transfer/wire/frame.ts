import type { ByteStream } from "../../base/byte_stream.ts";
import { uint24At, writeUint24 } from "../../base/integers.ts";
import { malformed } from "./malformed.ts";

/** Frame types; the receiver's have the highest bit set. `README.md` specifies their bodies. */
export const FrameType = {
  OFFER: 0x01,
  DATA: 0x02,
  END: 0x03,
  ABORT: 0x04,
  ENTRY: 0x05,
  LEAVE: 0x06,
  PACK: 0x07,
  FILE_DIGEST: 0x08,
  FILE_ABORTED: 0x09,
  QUERY: 0x0a,
  RESUME_AT: 0x0b,
  ACCEPT: 0x81,
  REFUSE: 0x82,
  DONE: 0x83,
  FAILED: 0x84,
  OFFSETS: 0x85,
  PREFIX_DIGESTS: 0x86,
} as const;

/** Bytes before the body: the type, and the body's length in 24 bits. */
export const FRAME_HEADER_SIZE = 4;
/** The largest body of a DATA or PACK frame, in bytes. */
export const MAX_DATA_SIZE = 1 << 20;
/** The largest body of any other frame, in bytes. */
export const MAX_BODY_SIZE = 1 << 14;

/** Content is moved in blocks of this many bytes: large for a disk, short to hash. */
export const BLOCK_SIZE = 1 << 18;
/** The largest file that is read and stored at once, in bytes. */
export const SMALL_FILE_SIZE = 1 << 16;
/** Bytes of a SHA-256. */
export const SHA256_SIZE = 32;

/** A frame's type and the length of its body in bytes. */
export interface FrameHeader {
  readonly type: number;
  readonly length: number;
}

/** A whole frame in memory. */
export interface Frame {
  readonly type: number;
  readonly body: Uint8Array;
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
function readHeader(bytes: Uint8Array, at: number): FrameHeader {
  return { type: bytes[at]!, length: uint24At(bytes, at + 1) };
}

/** Encodes a frame with this body. */
export function frame(
  type: number,
  body: Uint8Array = EMPTY_BODY,
): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_SIZE + body.length);
  writeHeader(bytes, type, body.length);
  bytes.set(body, FRAME_HEADER_SIZE);
  return bytes;
}

/** The body of a frame that has none. */
export const EMPTY_BODY: Uint8Array = new Uint8Array(0);

/** Bytes read at once where short frames may follow each other. */
const READ_AHEAD = 1 << 15;

/**
 * Reads frames from a stream. A frame's body has to be read, with `body`, `fill`
 * or `data`, before the next frame. Every method throws what the stream throws,
 * and a `protocol` failure where the stream ends within a frame.
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
   * @throws {Failure} `protocol` if the body is longer than its type allows
   */
  async next(): Promise<FrameHeader | null> {
    while (this.#end - this.#start < FRAME_HEADER_SIZE) {
      if (await this.#readAhead()) continue;
      if (this.#end === this.#start) return null;
      throw cutShort();
    }
    const header = readHeader(this.#ahead, this.#start);
    const { type, length } = header;
    const large = type === FrameType.DATA || type === FrameType.PACK;
    if (length > (large ? MAX_DATA_SIZE : MAX_BODY_SIZE)) {
      throw malformed(`a frame of type ${type} has ${length} bytes`);
    }
    this.#start += FRAME_HEADER_SIZE;
    this.#left = length;
    return header;
  }

  /** Reads the whole body of the current frame. */
  async body(): Promise<Uint8Array> {
    const body = new Uint8Array(this.#left);
    await this.fill(body);
    return body;
  }

  /** Reads the next bytes of the current frame's body until `into` is full. */
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

  /** @returns false at the end of the stream */
  async #readAhead(): Promise<boolean> {
    this.#ahead.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const count = await this.#stream.read(this.#ahead.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }
}

/**
 * Iterates over the frames in the body of a PACK frame.
 *
 * @throws {Failure} `protocol` where a frame is cut short
 */
export function* framesIn(pack: Uint8Array): Generator<Frame, void> {
  for (let at = 0; at < pack.length;) {
    const start = at + FRAME_HEADER_SIZE;
    if (start > pack.length) throw cutShort();
    const { type, length } = readHeader(pack, at);
    at = start + length;
    if (at > pack.length) throw cutShort();
    yield { type, body: pack.subarray(start, at) };
  }
}

function cutShort() {
  return malformed("it ends in the middle of a frame");
}
