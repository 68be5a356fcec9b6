import type { ByteStream } from "../base/byte_stream.ts";
import { RecordReader } from "./record/record_reader.ts";
import { type RecordOptions, Records } from "./record/record.ts";
import { RecordWriter } from "./record/record_writer.ts";

/** What a {@linkcode SecureStream} is made with. */
export interface SecureStreamOptions extends RecordOptions {
  /** Traffic secret of what is sent from here. */
  readonly sending: Uint8Array;
  /** Traffic secret of what the peer sends. */
  readonly receiving: Uint8Array;
  /** To be waited for before anything is read. */
  readonly beforeReading?: () => Promise<void>;
}

/**
 * A byte stream over a byte stream that nobody else can read or change. What is
 * written is sealed at once.
 */
export class SecureStream implements ByteStream {
  readonly #stream: ByteStream;
  readonly #reader: RecordReader;
  readonly #writer: RecordWriter;
  readonly #records: readonly Records[];
  // What was opened and not read; `null` after the end.
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
      this.#content = await this.#unlessAborted(this.#reader.next());
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

  /** What is under way when the keys are given up fails for the reason they were given up for. */
  #unlessAborted<T>(promise: Promise<T>): Promise<T> {
    return promise.catch((error) => {
      throw this.#failure ?? error;
    });
  }
}
