import { type Sink, type Source, StorageFailure } from "../transfer/content.ts";
import type { Offer } from "../transfer/wire/messages.ts";

/** A source that reads a web stream. */
export class StreamSource implements Source {
  readonly offer: Offer;
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest = new Uint8Array(0);

  /** @param options.resume whether what the receiver has already is left out */
  constructor(
    stream: ReadableStream<Uint8Array>,
    { resume }: { resume: boolean },
  ) {
    this.offer = { resumable: resume };
    this.#reader = stream.getReader();
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#reader.read();
      if (done) return null;
      this.#rest = new Uint8Array(value);
    }
    const length = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, length));
    this.#rest = this.#rest.subarray(length);
    return length;
  }

  close(): void {
    this.#reader.cancel().catch(() => {});
  }
}

/** A sink that writes to a web stream, and closes it once all is verified. */
export class StreamSink implements Sink {
  committed = false;
  #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#writer.ready;
      // Whoever reads the stream may keep what they get
      await this.#writer.write(bytes.slice());
    } catch {
      throw closed();
    }
  }

  async commit(): Promise<void> {
    try {
      await this.#writer.close();
    } catch {
      throw closed();
    }
    this.committed = true;
  }

  discard(): void {
    if (!this.committed) this.#writer.abort(closed()).catch(() => {});
  }
}

function closed(): StorageFailure {
  return new StorageFailure("closed", "The stream was closed before its end");
}
