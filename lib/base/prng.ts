/**
 * A seeded pseudo-random number generator for reproducible runs (sfc32 of Chris
 * Doty-Humphrey's PractRand). Not for secrets.
 *
 * @example
 * ```ts
 * const random = new Prng(7);
 * random.int(6) + 1; // the same roll of a die in every run
 * ```
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any number; its lowest 53 bits are used */
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
