import type { ByteStream } from "../base/byte_stream.ts";
import { RecordReader } from "./record/record_reader.ts";
import { type RecordOptions, Records } from "./record/record.ts";
import { RecordWriter } from "./record/record_writer.ts";

/** Settings of a {@linkcode SecureStream}. */
export interface SecureStreamOptions extends RecordOptions {
  /** Traffic secret of the direction to the peer. */
  readonly sending: Uint8Array;
  /** Traffic secret of the direction from the peer. */
  readonly receiving: Uint8Array;
  /** Awaited before the first read. */
  readonly beforeReading?: () => Promise<void>;
}

/**
 * An encrypted and authenticated byte stream over another byte stream. Written
 * data is sealed at once.
 */
export class SecureStream implements ByteStream {
  readonly #stream: ByteStream;
  readonly #reader: RecordReader;
  readonly #writer: RecordWriter;
  readonly #records: readonly Records[];
  // Opened and not yet read; `null` after the end.
  #content: Uint8Array | null = new Uint8Array(0);
  #failure: Error | undefined;

  constructor(stream: ByteStream, options: SecureStreamOptions) {
    const { beforeReading = async () => {} } = options;
    const sending = new Records(options.sending, options);
    const receiving = new Records(options.receiving, options);
    this.#stream = stream;
    this.#records = [sending, receiving];
    this.#writer = new RecordWriter(stream, sending);
    this.#reader = new RecordReader(stream, receiving, beforeReading);
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (this.#content?.length === 0) {
      const content = await this.#unlessAborted(this.#reader.next(into));
      // It was opened where it is to go.
      if (content !== null && content.buffer === into.buffer) {
        return content.length;
      }
      this.#content = content;
    }
    if (this.#content === null) return null;
    const count = Math.min(this.#content.length, into.length);
    into.set(this.#content.subarray(0, count));
    this.#content = this.#content.subarray(count);
    return count;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#unlessAborted(this.#writer.write(bytes));
  }

  async closeWrite(): Promise<void> {
    await this.#unlessAborted(this.#writer.end());
    await this.#stream.closeWrite();
  }

  abort(failure: Error): void {
    this.#failure ??= failure;
    this.#stream.abort(failure);
    for (const records of this.#records) records.end();
  }

  /**
   * Replaces the failure of an operation that an abort has interrupted with the
   * abort's own.
   */
  #unlessAborted<T>(promise: Promise<T>): Promise<T> {
    return promise.catch((error) => {
      throw this.#failure ?? error;
    });
  }
}
