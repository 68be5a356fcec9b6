/** Bytes that get memory together. */
export const BLOCK_SIZE = 2 ** 16;
/** The first block takes only this at first, and twice as much each time: many windows end before they hold more. */
const FIRST_SIZE = 2 ** 10;

/**
 * A window onto a long run of bytes. Memory is taken block by block, for what
 * is written; what is forgotten leaves its own to what is written next, while
 * the processor still has it at hand. The owner knows which positions are live.
 */
export class ByteWindow {
  /** By the number of the block: that of position p is p / BLOCK_SIZE. */
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #spare: Uint8Array[] = [];
  /** The number of the first block that was not forgotten. */
  #first = 0;

  /** Puts `bytes` at `position` and after. */
  write(position: number, bytes: Uint8Array): void {
    const at = position % BLOCK_SIZE;
    const room = BLOCK_SIZE - at;
    const block = this.#blockOf(position, Math.min(room, bytes.length));
    if (bytes.length <= room) {
      block.set(bytes, at);
    } else {
      block.set(bytes.subarray(0, room), at);
      this.write(position + room, bytes.subarray(room));
    }
  }

  /** @param length bytes from `position` on that it has room for */
  #blockOf(position: number, length: number): Uint8Array {
    const number = Math.floor(position / BLOCK_SIZE);
    const known = this.#blocks.get(number);
    const end = position % BLOCK_SIZE + length;
    if (known !== undefined && known.length >= end) return known;
    let size = number === 0 ? FIRST_SIZE : BLOCK_SIZE;
    while (size < end) size *= 2;
    const block = this.#spare.pop() ?? new Uint8Array(size);
    if (known !== undefined) block.set(known);
    this.#blocks.set(number, block);
    return block;
  }

  /** Copies `length` bytes that were written from `position` on to `into` at `offset`. */
  read(
    position: number,
    length: number,
    into: Uint8Array,
    offset: number,
  ): void {
    for (let done = 0; done < length;) {
      const at = (position + done) % BLOCK_SIZE;
      const end = Math.min(BLOCK_SIZE, at + length - done);
      const block = this.#blockOf(position + done, end - at);
      into.set(block.subarray(at, end), offset + done);
      done += end - at;
    }
  }

  /** Nothing below `position` will be written or read again. */
  forgetBelow(position: number): void {
    const first = Math.floor(position / BLOCK_SIZE);
    for (; this.#first < first; this.#first++) {
      const block = this.#blocks.get(this.#first);
      if (block === undefined) continue;
      this.#blocks.delete(this.#first);
      if (block.length === BLOCK_SIZE) this.#spare.push(block);
    }
  }
}
