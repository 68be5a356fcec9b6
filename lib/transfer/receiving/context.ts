import type { Buffer } from "node:buffer";
import { createHash, type Hash } from "node:crypto";
import type { ByteStream } from "../../base/byte_stream.ts";
import type { TransferEvent } from "../events.ts";
import type { FileSink } from "../sink.ts";
import { FrameReader } from "../wire/frame_reader.ts";
import { WriteBehind } from "./write_behind.ts";

/** What the parts of a receiver share: frames, and the content that goes to a sink. */
export class ReceiverContext {
  readonly frames: FrameReader;
  readonly behind: WriteBehind;
  readonly event: (event: TransferEvent) => void;
  #stream: ByteStream;
  #progress: (bytes: number) => void;
  #bytes = 0;
  #sink: FileSink | undefined;
  #hash = createHash("sha256");
  #writing: Promise<void> = Promise.resolve();

  constructor(
    stream: ByteStream,
    progress: (bytes: number) => void,
    event: (event: TransferEvent) => void,
  ) {
    this.#stream = stream;
    this.#progress = progress;
    this.event = event;
    this.frames = new FrameReader(stream);
    this.behind = new WriteBehind(async (block) => {
      const written = this.#sink?.write(block);
      // Hashed while it is written
      this.#hash.update(block);
      await written;
    });
  }

  /** Bytes of content so far, with those that an earlier attempt left. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Has what comes from now on go to `sink`, behind what `hash` has. */
  begin(sink: FileSink, hash: Hash): void {
    this.#sink = sink;
    this.#hash = hash;
  }

  /** Moves the body of the current DATA frame to the sink. */
  async take(): Promise<void> {
    while (this.frames.left > 0) {
      const space = await this.behind.space();
      const count = await this.frames.data(space);
      this.behind.filled(count);
      this.count(count);
    }
  }

  /** Adds `bytes`, which may be negative, to the progress. */
  count(bytes: number): void {
    this.#bytes += bytes;
    this.#progress(this.#bytes);
  }

  /** Waits until everything is written. @returns the SHA-256 so far */
  async flush(): Promise<Buffer> {
    await this.behind.flush();
    return this.#hash.copy().digest();
  }

  /** Discards the rest of the current frame's body. */
  async skip(): Promise<void> {
    while (this.frames.left > 0) await this.frames.data(SKIPPED);
  }

  /** Writes a frame to the sender, after those before. */
  write(frame: Uint8Array): Promise<void> {
    this.#writing = this.#writing.then(() => this.#stream.write(frame));
    // A caller that awaits it gets the error
    this.#writing.catch(() => {});
    return this.#writing;
  }
}

const SKIPPED = new Uint8Array(1 << 16);
