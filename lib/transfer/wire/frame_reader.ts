import {
  FRAME_HEADER_SIZE,
  type FrameHeader,
  readHeader,
} from "../../base/frame.ts";
import type { ByteStream } from "../../base/byte_stream.ts";
import {
  type Frame,
  FrameType,
  MAX_BODY_SIZE,
  MAX_DATA_SIZE,
} from "./frame.ts";
import { malformed } from "./malformed.ts";

/** Bytes read at once where short frames may follow each other; content that is read with them is copied once more. */
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
  // Bytes to read at once for the next header.
  #most = READ_AHEAD;

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
      throw frameTruncated();
    }
    const header = readHeader(this.#ahead, this.#start);
    const { type, length } = header;
    const large = type === FrameType.DATA || type === FrameType.PACK;
    if (length > (large ? MAX_DATA_SIZE : MAX_BODY_SIZE)) {
      throw malformed(`a frame of type ${type} has ${length} bytes`);
    }
    this.#start += FRAME_HEADER_SIZE;
    this.#left = length;
    // Content mostly follows content.
    this.#most = length < READ_AHEAD ? READ_AHEAD : FRAME_HEADER_SIZE;
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
    if (count === null) throw frameTruncated();
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
    const room = this.#ahead.subarray(this.#end, this.#most);
    const count = await this.#stream.read(room);
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
    if (start > pack.length) throw frameTruncated();
    const { type, length } = readHeader(pack, at);
    at = start + length;
    if (at > pack.length) throw frameTruncated();
    yield { type, body: pack.subarray(start, at) };
  }
}

function frameTruncated() {
  return malformed("it ends in the middle of a frame");
}
