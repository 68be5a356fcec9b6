import type { ByteStream } from "../../base/byte_stream.ts";
import { BLOCK_SIZE } from "../content.ts";
import { FrameType, HEADER_SIZE, writeHeader } from "./frame.ts";

/** Room that a block must have left to take more content, in bytes. */
const MIN_DATA = 1 << 12;

/**
 * Two blocks between a source and a stream: frames are put into one while the
 * other is written. What small frames have in common with large ones is that
 * they leave by the block.
 */
export class Blocks {
  /** Bytes of content that were put so far. */
  content = 0;
  #stream: ByteStream;
  #progress: (bytes: number) => void;
  #block = new Uint8Array(HEADER_SIZE + BLOCK_SIZE);
  #spare = new Uint8Array(HEADER_SIZE + BLOCK_SIZE);
  #length = 0;
  #writing: Promise<void> = Promise.resolve();

  /** @param progress told how many bytes of content the stream has taken */
  constructor(stream: ByteStream, progress: (bytes: number) => void) {
    this.#stream = stream;
    this.#progress = progress;
  }

  /** Bytes that fit into the block that is being filled. */
  get room(): number {
    return this.#block.length - this.#length;
  }

  /** Where the block that is being filled ends; `rewind` takes it. */
  get length(): number {
    return this.#length;
  }

  /** Takes back what was put since the block ended here. */
  rewind(length: number, content: number): void {
    this.#length = length;
    this.content = content;
  }

  /** Puts a frame into the room that there is. */
  put(type: number, body: Uint8Array): void {
    writeHeader(this.#block.subarray(this.#length), type, body.length);
    this.#block.set(body, this.#length + HEADER_SIZE);
    this.#length += HEADER_SIZE + body.length;
  }

  /** Begins a frame whose body is put piece by piece. @returns what `body` and `end` take */
  begin(): number {
    const at = this.#length;
    this.#length += HEADER_SIZE;
    return at;
  }

  /** What was put into the frame that began here. */
  body(at: number): Uint8Array {
    return this.#block.subarray(at + HEADER_SIZE, this.#length);
  }

  /** Ends the frame that began here. @param last what its body ends with */
  end(at: number, type: number, last: Uint8Array): void {
    this.#block.set(last, this.#length);
    this.#length += last.length;
    writeHeader(
      this.#block.subarray(at),
      type,
      this.#length - at - HEADER_SIZE,
    );
  }

  /** Puts a frame, making room for it if need be. */
  async add(type: number, body: Uint8Array): Promise<void> {
    if (this.room < HEADER_SIZE + body.length) await this.flush();
    this.put(type, body);
  }

  /** Where content goes, in the room that there is. */
  space(): Uint8Array {
    return this.#block.subarray(this.#length + HEADER_SIZE);
  }

  /** Whether there is little room for content. */
  get full(): boolean {
    return this.room < HEADER_SIZE + MIN_DATA;
  }

  /** The first `count` bytes of what `space` gave have been filled. @returns them */
  filled(count: number): Uint8Array {
    writeHeader(this.#block.subarray(this.#length), FrameType.DATA, count);
    const data = this.space().subarray(0, count);
    this.#length += HEADER_SIZE + count;
    this.content += count;
    return data;
  }

  /**
   * Begins to write what was put, once what was put before has been taken.
   *
   * @throws what the stream throws
   */
  async flush(): Promise<void> {
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

  /** Writes all that was put, and waits until it has been taken. */
  async drain(): Promise<void> {
    await this.flush();
    await this.#writing;
  }
}
