import { FRAME_HEADER_SIZE, writeHeader } from "../../base/frame.ts";
import type { ByteStream } from "../../base/byte_stream.ts";
import { BLOCK_SIZE, FrameType } from "./frame.ts";

/** Room below which a block takes no more content, in bytes. */
const MIN_DATA_SIZE = 1 << 12;

/** Writes frames to a stream by the block: one block is filled while the other is written. */
export class FrameWriter {
  /** Bytes of content written so far, and those that need not be written. */
  content = 0;
  #stream: ByteStream;
  #progress: (bytes: number) => void;
  #block = new Uint8Array(FRAME_HEADER_SIZE + BLOCK_SIZE);
  #spare = new Uint8Array(FRAME_HEADER_SIZE + BLOCK_SIZE);
  #length = 0;
  #packAt: number | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @param progress told how many bytes of content the stream has taken */
  constructor(stream: ByteStream, progress: (bytes: number) => void) {
    this.#stream = stream;
    this.#progress = progress;
  }

  /** Whether there is too little room for content. */
  get full(): boolean {
    return this.room < FRAME_HEADER_SIZE + MIN_DATA_SIZE;
  }

  /** Bytes that the block still has room for. */
  get room(): number {
    return this.#block.length - this.#length;
  }

  /** Writes a frame into the block; there has to be room for it. */
  put(type: number, body: Uint8Array): void {
    writeHeader(this.#block.subarray(this.#length), type, body.length);
    this.#block.set(body, this.#length + FRAME_HEADER_SIZE);
    this.#length += FRAME_HEADER_SIZE + body.length;
  }

  /** The room for the content of a DATA frame; `filled` ends it. */
  space(): Uint8Array {
    return this.#block.subarray(this.#length + FRAME_HEADER_SIZE);
  }

  /** Ends a DATA frame with the first `count` bytes of `space`. @returns these bytes */
  filled(count: number): Uint8Array {
    writeHeader(this.#block.subarray(this.#length), FrameType.DATA, count);
    const data = this.space().subarray(0, count);
    this.#length += FRAME_HEADER_SIZE + count;
    this.content += count;
    return data;
  }

  /** Has the frames that follow be those of a PACK, unless they are. */
  beginPack(): void {
    if (this.#packAt !== undefined) return;
    this.#packAt = this.#length;
    this.#length += FRAME_HEADER_SIZE;
  }

  /** Whether a PACK has no room for `size` bytes more. */
  packIsFull(size: number): boolean {
    const header = this.#packAt === undefined ? FRAME_HEADER_SIZE : 0;
    return this.room < header + size;
  }

  /** Ends the PACK, if there is one. */
  endPack(): void {
    if (this.#packAt === undefined) return;
    const header = this.#block.subarray(this.#packAt);
    const length = this.#length - this.#packAt - FRAME_HEADER_SIZE;
    writeHeader(header, FrameType.PACK, length);
    if (length === 0) this.#length = this.#packAt;
    this.#packAt = undefined;
  }

  /** Removes the last bytes of the block. */
  takeBack(bytes: number): void {
    this.#length -= bytes;
  }

  /** Removes all that has not begun to be written. */
  clear(): void {
    this.#length = 0;
    this.#packAt = undefined;
  }

  /**
   * Begins to write the block once the one before it has been taken.
   *
   * @throws what the stream throws
   */
  async flush(): Promise<void> {
    this.endPack();
    await this.#writing;
    if (this.#length === 0) return;
    const bytes = this.#block.subarray(0, this.#length);
    const { content } = this;
    [this.#block, this.#spare] = [this.#spare, this.#block];
    this.#length = 0;
    this.#writing = this.#stream.write(bytes)
      .then(() => this.#progress(content));
    this.#writing.catch(() => {});
  }

  /** Writes all that was put, and waits until the stream has taken it. */
  async drain(): Promise<void> {
    await this.flush();
    await this.#writing;
  }
}
