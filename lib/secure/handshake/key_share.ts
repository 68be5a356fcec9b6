import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { concat } from "./key_schedule.ts";

/** Bytes of a public key, and of a shared secret. */
export const KEY_SHARE_SIZE = 32;

// DER before the 32 bytes of a key (RFC 8410, sections 4 and 7).
const X25519_SPKI = Uint8Array.from([
  48,
  42,
  48,
  5,
  6,
  3,
  43,
  101,
  110,
  3,
  33,
  0,
]);
const X25519_PKCS8 = Uint8Array.from(
  [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 110, 4, 34, 4, 32],
);

/** An ephemeral X25519 key (RFC 7748), used for one connection. */
export class KeyShare {
  readonly #privateKey: KeyObject;
  /** {@linkcode KEY_SHARE_SIZE} bytes to send to the peer. */
  readonly publicKey: Uint8Array;

  private constructor(privateKey: KeyObject) {
    this.#privateKey = privateKey;
    const der = createPublicKey(privateKey)
      .export({ type: "spki", format: "der" });
    this.publicKey = new Uint8Array(der.subarray(X25519_SPKI.length));
  }

  /** Generates a key. */
  static generate(): KeyShare {
    return new KeyShare(generateKeyPairSync("x25519").privateKey);
  }

  /** The key of a known private key, for test vectors. */
  static of(privateKey: Uint8Array): KeyShare {
    const key = Buffer.from(concat(X25519_PKCS8, privateKey));
    return new KeyShare(
      createPrivateKey({ key, format: "der", type: "pkcs8" }),
    );
  }

  /**
   * The shared secret with the peer's key, {@linkcode KEY_SHARE_SIZE} bytes;
   * `undefined` if it is all zeros, that is, independent of this key (RFC 7748,
   * section 6.1).
   */
  agree(peer: Uint8Array): Uint8Array | undefined {
    try {
      const key = Buffer.from(concat(X25519_SPKI, peer));
      const publicKey = createPublicKey({ key, format: "der", type: "spki" });
      const privateKey = this.#privateKey;
      const shared = new Uint8Array(diffieHellman({ privateKey, publicKey }));
      return shared.every((byte) => byte === 0) ? undefined : shared;
    } catch {
      return undefined;
    }
  }
}
