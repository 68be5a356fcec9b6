import type { ByteStream } from "../base/byte_stream.ts";

/** Bytes that are read ahead, at most. */
const CAPACITY = 2 ** 14;

/** A stream of which the first bytes were read ahead, so that it is known that there are some. */
export class PrimedStream implements ByteStream {
  readonly #stream: ByteStream;
  /** What was read ahead and not read yet; `null` if the stream has ended at once. */
  #first: Uint8Array | null;

  private constructor(stream: ByteStream, first: Uint8Array | null) {
    this.#stream = stream;
    this.#first = first;
  }

  /** Waits for the first bytes, or the end, of `stream`. */
  static async of(stream: ByteStream): Promise<PrimedStream> {
    const into = new Uint8Array(CAPACITY);
    const count = await stream.read(into);
    const first = count === null ? null : into.subarray(0, count);
    return new PrimedStream(stream, first);
  }

  read(into: Uint8Array): Promise<number | null> {
    const first = this.#first;
    if (first === null) return Promise.resolve(null);
    if (first.length === 0) return this.#stream.read(into);
    const count = Math.min(first.length, into.length);
    into.set(first.subarray(0, count));
    this.#first = first.subarray(count);
    return Promise.resolve(count);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#stream.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#stream.closeWrite();
  }

  abort(failure: Error): void {
    this.#stream.abort(failure);
  }
}
