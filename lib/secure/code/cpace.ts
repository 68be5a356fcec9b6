// deno-lint-ignore-file no-import-prefix -- `deno install` from a URL reads no import map
import {
  ristretto255,
  ristretto255_hasher,
} from "npm:@noble/curves@2.4.0/ed25519.js";
import { createHash } from "node:crypto";
import { concat } from "../handshake/key_schedule.ts";
import { utf8 } from "../../base/utf8.ts";

const DSI = utf8("CPaceRistretto255");
const DSI_ISK = utf8("CPaceRistretto255_ISK");
/** SHA-512's block size in bytes. */
const S_IN_BYTES = 128;
/** Bits of a scalar (section 7.3: the group's size). */
const GROUP_SIZE_BITS = 252;

/** Window of the precomputed multiples of a generator. */
const WINDOW_BITS = 5;

const { Point } = ristretto255;
const { Fn } = Point;

/** The inputs that both sides have in common. */
export interface CpaceInputs {
  /** The password-related string. */
  readonly prs: Uint8Array;
  /** The channel identifier. */
  readonly ci: Uint8Array;
  /** The session identifier. */
  readonly sid: Uint8Array;
}

/** A share with its associated data. */
export interface CpaceMessage {
  /** The public share, Ya or Yb. */
  readonly share: Uint8Array;
  /** Associated data, ADa or ADb. */
  readonly ad: Uint8Array;
}

/**
 * One side of CPace, suite CPACE-RISTR255-SHA512 of draft-irtf-cfrg-cpace: a
 * key exchange authenticated by a password of low entropy. A peer without the
 * password gets one guess, online. Names are the draft's.
 */
export class Cpace {
  readonly #sid: Uint8Array;
  readonly #scalar: bigint;
  /** The public share that is sent to the peer. */
  readonly share: Uint8Array;

  /**
   * @param options.scalar 32 bytes, little-endian; random unless a test vector
   * sets it
   * @param options.generator of these inputs, if already calculated
   */
  constructor(
    inputs: CpaceInputs,
    { scalar = sampleScalar(), generator = calculateGenerator(inputs) } = {},
  ) {
    this.#sid = inputs.sid;
    this.#scalar = littleEndian(scalar);
    this.share = generator.multiply(this.#scalar).toBytes();
  }

  /**
   * The intermediate session key ISK, 64 bytes, in the initiator-responder
   * setting; `undefined` if the peer's share is invalid.
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

type Element = ReturnType<typeof Point.fromBytes>;

/** G.calculate_generator. */
export function calculateGenerator(inputs: CpaceInputs): Element {
  return ristretto255_hasher.deriveToCurve!(sha512(generatorString(inputs)));
}

/**
 * Precomputes multiples of a generator: a few hundred kB that cost as much as 10
 * shares and cut the cost of each to a third.
 */
export function precompute(generator: Element): void {
  generator.precompute(WINDOW_BITS, false);
}

/**
 * generator_string: zero padding puts the password into a hash block of its
 * own.
 */
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

/** G.scalar_mult_vfy, with `undefined` for the neutral element. */
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

/** lv_cat: each part is prefixed with its length. */
export function lvCat(...parts: Uint8Array[]): Uint8Array {
  return concat(...parts.flatMap((part) => [leb128(part.length), part]));
}

function leb128(value: number): Uint8Array {
  const bytes = [];
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, value);
}

/** Decodes a scalar of 32 bytes. */
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
