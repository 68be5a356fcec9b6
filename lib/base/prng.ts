/**
 * A seeded source of pseudo-random numbers for replayable runs (sfc32, after
 * Chris Doty-Humphrey's PractRand). Never for secrets.
 *
 * @example
 * ```ts
 * const random = new Random(7);
 * random.int(6) + 1; // the same throw of the dice, every time
 * ```
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any number; its lowest 53 bits count */
  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = 0x9e3779b9;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** The next whole number in [0, 2^32). */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  /** The next number in [0, 1). */
  next(): number {
    return this.uint32() / 2 ** 32;
  }

  /** The next whole number in [0, `below`). */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** The next `length` bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.uint32();
    return bytes;
  }
}
