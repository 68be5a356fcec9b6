import { FRAME_HEADER_SIZE } from "../../base/frame.ts";
import type { ByteStream } from "../../base/byte_stream.ts";
import { RecordType } from "../handshake/messages.ts";
import { TAG_SIZE } from "./aead.ts";
import type { Records } from "./record.ts";

/**
 * The most plaintext in a record that is written: large enough to amortize a
 * cipher call, small enough to spread a large write over several threads.
 */
const MAX_PIECE = 160 * 1024;

/** Seals written data and writes the records in order. */
export class RecordWriter {
  readonly #stream: ByteStream;
  readonly #records: Records;
  /**
   * Reusable record buffers, and the pending writes that occupy others, oldest
   * first.
   */
  readonly #buffers: Uint8Array[] = [];
  readonly #writes: Promise<void>[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(stream: ByteStream, records: Records) {
    this.#stream = stream;
    this.#records = records;
  }

  /** Takes all of `bytes`, which the caller may reuse once the promise resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    const count = Math.ceil(bytes.length / MAX_PIECE);
    const size = Math.ceil(bytes.length / count);
    for (let at = 0; at < bytes.length; at += size) {
      await this.#seal(RecordType.DATA, bytes.subarray(at, at + size));
    }
  }

  /** Seals END and waits until everything is written. */
  async end(): Promise<void> {
    await this.#seal(RecordType.END, new Uint8Array(0));
    await this.#last;
    this.#records.end();
  }

  async #seal(type: number, plaintext: Uint8Array): Promise<void> {
    if (this.#writes.length >= this.#records.concurrency) {
      await this.#writes.shift();
    }
    await this.#records.ready();
    const length = FRAME_HEADER_SIZE + plaintext.length + TAG_SIZE;
    const buffer = this.#buffer(length);
    const record = buffer.subarray(0, length);
    const sealing = this.#records.seal(type, plaintext, record);
    this.#last = this.#write(this.#last, sealing, record)
      .then(() => void this.#buffers.push(buffer));
    // The next write rejects with it.
    this.#last.catch(() => {});
    this.#writes.push(this.#last);
  }

  #buffer(length: number): Uint8Array {
    const buffer = this.#buffers.shift();
    if (buffer !== undefined && buffer.length >= length) return buffer;
    return new Uint8Array(length);
  }

  async #write(
    previous: Promise<void>,
    sealing: void | Promise<void>,
    record: Uint8Array,
  ): Promise<void> {
    await sealing;
    await previous;
    await this.#stream.write(record);
  }
}
