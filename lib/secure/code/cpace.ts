// deno-lint-ignore-file no-import-prefix -- `deno install` from a URL reads no import map
import {
  ristretto255,
  ristretto255_hasher,
} from "npm:@noble/curves@2.4.0/ed25519.js";
import { createHash } from "node:crypto";
import { concat } from "../handshake/key_schedule.ts";

const DSI = utf8("CPaceRistretto255");
const DSI_ISK = utf8("CPaceRistretto255_ISK");
/** Bytes that SHA-512 takes in at a time. */
const S_IN_BYTES = 128;
/** Scalars have so many bits (section 7.3: the group's size). */
const GROUP_SIZE_BITS = 252;

/**
 * Window of the multiples of a generator that are kept: a few hundred kB, which
 * cost as much as 10 shares and make each cost a third.
 */
const WINDOW_BITS = 5;

const { Point } = ristretto255;
const { Fn } = Point;

/** What both sides have to say in the same way. */
export interface CpaceInputs {
  /** The password-related string. */
  readonly prs: Uint8Array;
  /** The channel identifier. */
  readonly ci: Uint8Array;
  /** The session identifier. */
  readonly sid: Uint8Array;
}

/** A share, and what it vouches for. */
export interface CpaceMessage {
  /** The public share, Ya or Yb. */
  readonly share: Uint8Array;
  /** Associated data, ADa or ADb. */
  readonly ad: Uint8Array;
}

/**
 * One side of CPace, suite CPACE-RISTR255-SHA512 of draft-irtf-cfrg-cpace: out
 * of a password that can be guessed both sides make a key that cannot, and
 * whoever does not know the password has one guess, there and then. The names
 * are the draft's.
 */
export class Cpace {
  readonly #sid: Uint8Array;
  readonly #scalar: bigint;
  /** What the peer gets. */
  readonly share: Uint8Array;

  /**
   * @param scalar 32 bytes, little-endian: for test vectors; random unless given
   * @param generator that of these inputs, if it is known
   */
  constructor(
    inputs: CpaceInputs,
    scalar = sampleScalar(),
    generator = calculateGenerator(inputs),
  ) {
    this.#sid = inputs.sid;
    this.#scalar = littleEndian(scalar);
    this.share = generator.multiply(this.#scalar).toBytes();
  }

  /**
   * The intermediate session key ISK, 64 bytes, as of the initiator-responder
   * setting; `undefined` if the peer's share is none.
   */
  sessionKey(
    peerShare: Uint8Array,
    initiator: CpaceMessage,
    responder: CpaceMessage,
  ): Uint8Array | undefined {
    const k = scalarMultVfy(this.#scalar, peerShare);
    if (k === undefined) return undefined;
    return sha512(
      lvCat(DSI_ISK, this.#sid, k),
      lvCat(initiator.share, initiator.ad),
      lvCat(responder.share, responder.ad),
    );
  }
}

/** Makes many sides with the same inputs: what follows from them alone is computed once. */
export class CpaceSides {
  readonly #inputs: CpaceInputs;
  readonly #generator: Element;

  constructor(inputs: CpaceInputs) {
    this.#inputs = inputs;
    this.#generator = calculateGenerator(inputs).precompute(WINDOW_BITS, false);
  }

  /** A side with a scalar of its own. */
  next(): Cpace {
    return new Cpace(this.#inputs, sampleScalar(), this.#generator);
  }
}

/** A point of the group. */
type Element = ReturnType<typeof Point.fromBytes>;

/** G.calculate_generator. */
export function calculateGenerator(inputs: CpaceInputs): Element {
  return ristretto255_hasher.deriveToCurve!(sha512(generatorString(inputs)));
}

/** generator_string: padded so that what is hashed first is only the password. */
export function generatorString({ prs, ci, sid }: CpaceInputs): Uint8Array {
  const taken = lvCat(DSI, prs).length + 1;
  const padding = new Uint8Array(Math.max(0, S_IN_BYTES - taken));
  return lvCat(DSI, prs, padding, ci, sid);
}

/** G.sample_scalar, 32 bytes, little-endian. */
function sampleScalar(): Uint8Array {
  const scalar = crypto.getRandomValues(new Uint8Array(32));
  scalar[31]! &= 2 ** (GROUP_SIZE_BITS % 8) - 1;
  return scalar;
}

/** G.scalar_mult_vfy, but `undefined` in the place of the neutral element. */
export function scalarMultVfy(
  scalar: bigint,
  share: Uint8Array,
): Uint8Array | undefined {
  try {
    const point = Point.fromBytes(share);
    if (point.is0()) return undefined;
    return point.multiply(scalar).toBytes();
  } catch {
    return undefined;
  }
}

/** lv_cat: each part with its length before it. */
export function lvCat(...parts: Uint8Array[]): Uint8Array {
  return concat(...parts.flatMap((part) => [leb128(part.length), part]));
}

function leb128(value: number): Uint8Array {
  const bytes = [];
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, value);
}

/** A scalar of 32 bytes. */
export function littleEndian(bytes: Uint8Array): bigint {
  return Fn.create(
    bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n),
  );
}

function sha512(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha512");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
