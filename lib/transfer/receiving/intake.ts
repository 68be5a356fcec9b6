import { createHash, type Hash } from "node:crypto";
import type { ByteStream } from "../../base/byte_stream.ts";
import { Failure } from "../../base/failure.ts";
import type { Sink, TransferEvent } from "../content.ts";
import { FrameReader } from "../wire/frame.ts";
import { WriteBehind } from "./write_behind.ts";

/** Takes content off a stream, hashes it and hands it to a sink. */
export class Intake {
  readonly frames: FrameReader;
  readonly behind: WriteBehind;
  readonly event: (event: TransferEvent) => void;
  /** Bytes of content so far, with those that were there before. */
  bytes = 0;
  #stream: ByteStream;
  #progress: (bytes: number) => void;
  #sink: Sink | undefined;
  #hash = createHash("sha256");
  #saying: Promise<void> = Promise.resolve();

  constructor(
    stream: ByteStream,
    progress: (bytes: number) => void = () => {},
    event: (event: TransferEvent) => void = () => {},
  ) {
    this.#stream = stream;
    this.#progress = progress;
    this.event = event;
    this.frames = new FrameReader(stream);
    this.behind = new WriteBehind(async (block) => {
      const written = this.#sink!.write(block);
      this.#hash.update(block);
      await written;
    });
  }

  /** What is taken from now on goes to `sink`, and `hash` goes on with it. */
  begin(sink: Sink, hash: Hash = createHash("sha256")): void {
    this.#sink = sink;
    this.#hash = hash;
  }

  /** Takes the body of the DATA frame that has begun. */
  async take(): Promise<void> {
    while (this.frames.left > 0) {
      const space = await this.behind.space();
      const count = await this.frames.data(space);
      this.behind.filled(count);
      this.count(count);
    }
  }

  /** So many bytes more are here. */
  count(bytes: number): void {
    this.bytes += bytes;
    this.#progress(this.bytes);
  }

  /** Waits until everything is written. @returns the SHA-256 of it */
  async finish(): Promise<Uint8Array> {
    await this.behind.flush();
    return this.#hash.digest();
  }

  /** Throws away the body of the frame that has begun. */
  async skip(): Promise<void> {
    while (this.frames.left > 0) await this.frames.data(NOWHERE);
  }

  /** Says something to the sender, after what was said before. */
  say(frame: Uint8Array): Promise<void> {
    this.#saying = this.#saying.then(() => this.#stream.write(frame));
    // Whoever waits hears it
    this.#saying.catch(() => {});
    return this.#saying;
  }
}

const NOWHERE = new Uint8Array(1 << 16);

/** The sender is gone before its time. */
export function ended(): Failure {
  return new Failure(
    "peer-stopped",
    "The sender ended before everything had arrived",
  );
}

/** What arrived differs from what was sent. */
export function corrupt(path?: string): Failure {
  return new Failure(
    "corrupt",
    `What arrived ${
      path === undefined ? "" : `of ${path} `
    }is not what was sent, so it was not kept; send it again`,
  );
}

/** Whether two SHA-256 are the same. */
export function sameSum(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, at) => byte === other[at]);
}
