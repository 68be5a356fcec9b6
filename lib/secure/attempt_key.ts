import { Buffer } from "node:buffer";
import { type KeyObject, sign, verify } from "node:crypto";
import {
  CURVE_KEY_SIZE,
  privateKeyOf,
  publicBytesOf,
  publicKeyOf,
} from "./curve_key.ts";
import {
  concat,
  HASH_SIZE,
  hkdfExpand,
  hkdfExtract,
} from "./handshake/key_schedule.ts";
import { utf8 } from "../base/utf8.ts";

/** Bytes of the secret that attempt keys are derived from. */
export const ATTEMPT_SECRET_SIZE = 32;
/** Bytes of a proof, an Ed25519 signature. */
export const SIGNATURE_SIZE = 64;

/**
 * Public keys of small order, little-endian without the sign bit: signatures
 * under them can be forged (RFC 8032, section 8; the list is libsodium's).
 */
const WEAK_KEYS = [
  `00${"00".repeat(31)}`,
  `01${"00".repeat(31)}`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  // p - 1, p and p + 1
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
];

/** Precedes the binding in the signed message. */
const SIGNED_PREFIX = utf8("ferry attempt");

/**
 * The Ed25519 key (RFC 8032) by which a receiver recognizes the sender of an
 * interrupted transfer.
 */
export class AttemptKey {
  readonly #privateKey: KeyObject;
  /** {@linkcode CURVE_KEY_SIZE} bytes. */
  readonly publicKey: Uint8Array;

  /**
   * Derives the key for one purpose. Keys of different contexts cannot be
   * linked to each other.
   *
   * @param secret {@linkcode ATTEMPT_SECRET_SIZE} unpredictable bytes
   * @param context distinguishes the keys of one secret
   */
  constructor(secret: Uint8Array, context: string) {
    if (secret.length !== ATTEMPT_SECRET_SIZE) {
      throw new TypeError(`A secret of ${secret.length} bytes`);
    }
    const prk = hkdfExtract(new Uint8Array(HASH_SIZE), secret);
    const seed = hkdfExpand(prk, utf8(context), CURVE_KEY_SIZE);
    this.#privateKey = privateKeyOf("Ed25519", seed);
    this.publicKey = publicBytesOf(this.#privateKey);
  }

  /**
   * Proves possession of the key on one connection.
   *
   * @param binding of that connection, from its handshake
   * @returns {@linkcode SIGNATURE_SIZE} bytes
   */
  prove(binding: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, signedMessage(binding), this.#privateKey));
  }
}

/**
 * Whether `proof` shows possession of the key on the connection with this
 * binding; `false` if the key or the proof is malformed.
 */
export function isAttemptProof(
  publicKey: Uint8Array,
  binding: Uint8Array,
  proof: Uint8Array,
): boolean {
  if (publicKey.length !== CURVE_KEY_SIZE) return false;
  if (proof.length !== SIGNATURE_SIZE || isWeak(publicKey)) return false;
  try {
    const key = publicKeyOf("Ed25519", publicKey);
    return verify(null, signedMessage(binding), key, proof);
  } catch {
    return false;
  }
}

function isWeak(publicKey: Uint8Array): boolean {
  const y = Buffer.from(publicKey);
  y[CURVE_KEY_SIZE - 1]! &= 0x7f;
  return WEAK_KEYS.includes(y.toString("hex"));
}

function signedMessage(binding: Uint8Array): Uint8Array {
  return concat(SIGNED_PREFIX, binding);
}
