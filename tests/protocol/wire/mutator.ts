import { uint32At, writeUint32 } from "../../../lib/base/integers.ts";
import { Prng } from "../../../lib/base/prng.ts";
import { Flag, MIN_HEADER_SIZE } from "../../../lib/protocol/wire/segment.ts";
import { mutant } from "../../fuzz/byte_mutator.ts";
import { mend } from "../../support/packets.ts";

/** What is done about the checksum and the id of a mutant. */
export interface Breed {
  /** Whether its checksum is made right again. */
  mended: boolean;
  /** Whether it has the connection's id, another, or whatever came of it. */
  id: "right" | "wrong" | "any";
}

/** Genuine datagrams that mutants are made from. */
const MAX_SAMPLES = 64;
/** Ids that belong to no connection: few, so that some meet again. */
const WRONG_IDS = 40;
/** 32-bit numbers at which something may turn. */
const EDGES = [0, 1, 2, 63, 64, 255, 256, 0x7fff, 0xffff, 0x1fffff, 0x200000]
  .concat(0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff);
/** Where the fields of a header begin, with and without a SYN part before them. */
const FIELDS = [4, 6, 7, 11, 15, 19, 20, 21, 22, 23, 24, 27, 28, 32, 33, 34, 37]
  .concat(41, 42, 45, 46, 47);
/** Where a header has its flags, and the connection id. */
const FLAGS_AT = 6;
const ID_AT = 7;

/** Makes mutants of the datagrams that it is shown. */
export class Mutator {
  readonly #random: Prng;
  readonly #breed: Breed;
  readonly #samples: Uint8Array[] = [];
  #shown = 0;
  #id = 0;

  constructor(seed: number, breed: Breed) {
    this.#random = new Prng(seed);
    this.#breed = breed;
  }

  /** Keeps a copy of a genuine datagram. */
  show(datagram: Uint8Array): void {
    this.#samples[this.#shown++ % MAX_SAMPLES] = datagram.slice();
    this.#id = uint32At(datagram, ID_AT);
  }

  /** The next mutant: bytes are changed anywhere, or a field of the header. */
  next(): Uint8Array {
    const random = this.#random;
    const bytes = random.int(2) === 0
      ? mutant(random, this.#samples)
      : this.#samples[random.int(this.#samples.length)]!.slice();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let more = random.int(3); more > 0; more--) this.#changeField(view);
    return this.#finish(bytes);
  }

  #changeField(view: DataView): void {
    const random = this.#random;
    const at = FIELDS[random.int(FIELDS.length)]!;
    if (at + 4 > view.byteLength) return;
    switch (random.int(3)) {
      case 0:
        view.setUint32(at, EDGES[random.int(EDGES.length)]!);
        break;
      case 1:
        view.setUint32(at, view.getUint32(at) + random.int(9) - 4);
        break;
      default:
        view.setUint8(
          FLAGS_AT,
          view.getUint8(FLAGS_AT) ^ 1 << random.int(8),
        );
    }
  }

  #finish(bytes: Uint8Array): Uint8Array {
    const { mended, id } = this.#breed;
    if (bytes.length < MIN_HEADER_SIZE) return bytes;
    if (id === "right") {
      writeUint32(bytes, ID_AT, this.#id);
      // A reset ends the connection; with many of them, little else would be tried.
      if (this.#random.int(500) > 0) bytes[FLAGS_AT]! &= ~Flag.RST;
    } else if (id === "wrong") {
      writeUint32(bytes, ID_AT, this.#random.int(WRONG_IDS));
    }
    if (mended) mend(bytes);
    return bytes;
  }
}
