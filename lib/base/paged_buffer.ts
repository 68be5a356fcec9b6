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
  /** Blocks after it that were forgotten. */
  #forgotten = 0;

  /** Puts `bytes` at `position` and after. */
  write(position: number, bytes: Uint8Array): void {
    const at = position % BLOCK_SIZE;
    const room = BLOCK_SIZE - at;
    const number = (position - at) / BLOCK_SIZE;
    if (bytes.length <= room) {
      this.#block(number, at + bytes.length).set(bytes, at);
    } else {
      this.#block(number, BLOCK_SIZE).set(bytes.subarray(0, room), at);
      this.write(position + room, bytes.subarray(room));
    }
  }

  /** The block with this number, with room for `size` bytes at least. */
  #block(number: number, size: number): Uint8Array {
    const known = this.#blocks.get(number);
    if (known !== undefined && known.length >= size) return known;
    const block = this.#spare.pop() ?? new Uint8Array(sizeOf(number, size));
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
      const block = this.#block((position + done - at) / BLOCK_SIZE, end);
      into.set(block.subarray(at, end), offset + done);
      done += end - at;
    }
  }

  /** Bytes of the memory that {@linkcode forget} gave up and {@linkcode forgetBelow} has not reached. */
  get forgotten(): number {
    return this.#forgotten * BLOCK_SIZE;
  }

  /** Gives up the memory of the block that begins at `position`: it will not be read again. */
  forget(position: number): void {
    const number = position / BLOCK_SIZE;
    const block = this.#blocks.get(number);
    if (block === undefined || block.length < BLOCK_SIZE) return;
    this.#blocks.delete(number);
    this.#spare.push(block);
    this.#forgotten++;
  }

  /** Nothing below `position` will be written or read again. */
  forgetBelow(position: number): void {
    const first = Math.floor(position / BLOCK_SIZE);
    for (; this.#first < first; this.#first++) {
      const block = this.#blocks.get(this.#first);
      if (block === undefined) {
        if (this.#forgotten > 0) this.#forgotten--;
        continue;
      }
      this.#blocks.delete(this.#first);
      if (block.length === BLOCK_SIZE) this.#spare.push(block);
    }
  }
}

function sizeOf(number: number, least: number): number {
  let size = number === 0 ? FIRST_SIZE : BLOCK_SIZE;
  while (size < least) size *= 2;
  return size;
}
