import type { ByteStream } from "../../lib/base/byte_stream.ts";
import { memoryPair } from "../support/memory_stream.ts";

/** Two ends of a stream that keep what each of them says. */
export function recordedPair(): [Recorder, Recorder] {
  const [one, other] = memoryPair({ capacity: 1 << 22 }, { capacity: 1 << 22 });
  return [new Recorder(one), new Recorder(other)];
}

/** A stream that keeps what is written to it. */
export class Recorder implements ByteStream {
  readonly #stream: ByteStream;
  readonly #said: Uint8Array<ArrayBuffer>[] = [];

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** All that was written. */
  async said(): Promise<Uint8Array> {
    return new Uint8Array(await new Blob(this.#said).arrayBuffer());
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#stream.read(into);
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#said.push(bytes.slice());
    return this.#stream.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#stream.closeWrite();
  }

  abort(failure: Error): void {
    this.#stream.abort(failure);
  }
}

/** A stream on which a peer says just these bytes, ends, and takes whatever it is told. */
export async function streamOf(bytes: Uint8Array): Promise<ByteStream> {
  const [near, far] = memoryPair({ capacity: Infinity }, {
    capacity: Infinity,
  });
  await near.write(bytes);
  await near.closeWrite();
  return far;
}
