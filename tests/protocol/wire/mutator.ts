import { Random } from "../../../lib/base/prng.ts";
import {
  Flag,
  SEGMENT_HEADER_SIZE,
} from "../../../lib/protocol/wire/segment.ts";
import { mend } from "../../support/packets.ts";

/** What is done about the checksum and the id of a mutant. */
export interface Breed {
  /** Whether its checksum is made right again. */
  mended: boolean;
  /** Whether it bears the connection's id, another, or whatever came of it. */
  id: "right" | "wrong" | "any";
}

/** Genuine datagrams that mutants are made from. */
const LITTER = 64;
/** Ids that do not belong to any connection: few, so that some meet again. */
const WRONG_IDS = 40;
/** Numbers at which something may turn. */
const EDGES = [0, 1, 2, 63, 64, 255, 256, 0x7fff, 0xffff, 0x1fffff, 0x200000]
  .concat(0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff);
/** Where the fields of a header begin, with and without a SYN part before them. */
const FIELDS = [4, 5, 6, 8, 12, 16, 20, 24, 28, 32, 36, 40, 43, 44, 47, 48]
  .concat(51, 52, 55, 56, 59, 60, 62, 67, 69, 70);

/** Makes mutants of the datagrams that it is shown. */
export class Mutator {
  readonly #random: Random;
  readonly #breed: Breed;
  readonly #litter: Uint8Array[] = [];
  readonly #buffer = new Uint8Array(2_048);
  readonly #view = new DataView(this.#buffer.buffer);
  #shown = 0;
  #idHigh = 0;
  #idLow = 0;

  constructor(seed: number, breed: Breed) {
    this.#random = new Random(seed);
    this.#breed = breed;
  }

  /** Keeps a copy of a genuine datagram. */
  show(datagram: Uint8Array): void {
    this.#litter[this.#shown++ % LITTER] = datagram.slice();
    const view = new DataView(datagram.buffer, datagram.byteOffset);
    this.#idHigh = view.getUint32(8);
    this.#idLow = view.getUint32(12);
  }

  /** The next mutant, which the next call overwrites. */
  next(): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    let length = this.#copy(0, 0);
    for (let more = 1 + random.int(3); more > 0; more--) {
      length = this.#change(length);
    }
    return this.#finish(this.#buffer.subarray(0, length));
  }

  /** Copies the end of some genuine datagram behind `at`; returns the length. */
  #copy(at: number, from: number): number {
    const { length } = this.#litter;
    const genuine = this.#litter[this.#random.int(length)]!.subarray(from);
    const fits = genuine.subarray(0, this.#buffer.length - at);
    this.#buffer.set(fits, at);
    return at + fits.length;
  }

  /** Changes something; returns the new length. */
  #change(length: number): number {
    const random = this.#random;
    const buffer = this.#buffer;
    const at = random.int(Math.max(1, Math.min(length, 120)));
    const field = FIELDS[random.int(FIELDS.length)];
    switch (random.int(10)) {
      case 0:
        buffer[random.int(length + 1)]! ^= 1 << random.int(8);
        return length;
      case 1:
        buffer[at] = random.uint32();
        return length;
      case 2:
        this.#view.setUint32(field!, EDGES[random.int(EDGES.length)]!);
        return length;
      case 3:
      case 4: {
        // A neighbour of what was there.
        const value = this.#view.getUint32(field!) + random.int(9) - 4;
        this.#view.setUint32(field!, value);
        return length;
      }
      case 5:
        buffer[5]! ^= 1 << random.int(8);
        return length;
      case 6:
        return random.int(length + 1);
      case 7:
        return Math.min(buffer.length, length + random.int(50));
      case 8:
        return this.#copy(at, at);
      default:
        buffer.fill(random.uint32(), at, at + 1 + random.int(40));
        return length;
    }
  }

  #finish(mutant: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const { mended, id } = this.#breed;
    if (mutant.length < SEGMENT_HEADER_SIZE) return mutant;
    if (id === "right") {
      this.#view.setUint32(8, this.#idHigh);
      this.#view.setUint32(12, this.#idLow);
      // A reset ends all; so few of them, or little else would be tried.
      if (this.#random.int(500) > 0) mutant[5]! &= ~Flag.RST;
    } else if (id === "wrong") {
      this.#view.setUint32(8, ~this.#idHigh);
      this.#view.setUint32(12, this.#random.int(WRONG_IDS));
    }
    if (mended) mend(mutant);
    return mutant;
  }
}
