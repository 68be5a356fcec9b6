/**
 * A window onto a long run of bytes: the byte at position p is kept at
 * p modulo the capacity. The owner knows which positions are live and never
 * lets them span more than the capacity.
 */
export class ByteRing {
  #bytes: Uint8Array<ArrayBuffer>;

  /** @param capacity bytes, at least 1 */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** How many bytes fit, in bytes. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Puts `bytes` at `position` and after. */
  write(position: number, bytes: Uint8Array): void {
    const at = position % this.#bytes.length;
    const room = this.#bytes.length - at;
    if (bytes.length <= room) {
      this.#bytes.set(bytes, at);
    } else {
      this.#bytes.set(bytes.subarray(0, room), at);
      this.#bytes.set(bytes.subarray(room), 0);
    }
  }

  /** Copies `length` bytes from `position` on to `into` at `offset`. */
  read(
    position: number,
    length: number,
    into: Uint8Array,
    offset: number,
  ): void {
    const at = position % this.#bytes.length;
    const room = this.#bytes.length - at;
    if (length <= room) {
      into.set(this.#bytes.subarray(at, at + length), offset);
    } else {
      into.set(this.#bytes.subarray(at), offset);
      into.set(this.#bytes.subarray(0, length - room), offset + room);
    }
  }

  /** Changes the capacity, keeping the bytes at positions [from, to). */
  resize(capacity: number, from: number, to: number): void {
    const old = this.#bytes;
    this.#bytes = new Uint8Array(capacity);
    for (let at = from; at < to;) {
      const start = at % old.length;
      const end = Math.min(old.length, start + to - at);
      this.write(at, old.subarray(start, end));
      at += end - start;
    }
  }
}
