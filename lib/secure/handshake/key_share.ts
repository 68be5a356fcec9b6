import {
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import {
  CURVE_KEY_SIZE,
  privateKeyOf,
  publicBytesOf,
  publicKeyOf,
} from "../curve_key.ts";

/** Bytes of a public key, and of a shared secret. */
export const KEY_SHARE_SIZE = CURVE_KEY_SIZE;

/** An ephemeral X25519 key (RFC 7748), used for one connection. */
export class KeyShare {
  readonly #privateKey: KeyObject;
  /** {@linkcode KEY_SHARE_SIZE} bytes to send to the peer. */
  readonly publicKey: Uint8Array;

  private constructor(privateKey: KeyObject) {
    this.#privateKey = privateKey;
    this.publicKey = publicBytesOf(privateKey);
  }

  static generate(): KeyShare {
    return new KeyShare(generateKeyPairSync("x25519").privateKey);
  }

  /** The key of a known private key, for test vectors. */
  static of(privateKey: Uint8Array): KeyShare {
    return new KeyShare(privateKeyOf("X25519", privateKey));
  }

  /**
   * The shared secret with the peer's key, {@linkcode KEY_SHARE_SIZE} bytes;
   * `undefined` if it is all zeros, that is, independent of this key (RFC 7748,
   * section 6.1).
   */
  agree(peer: Uint8Array): Uint8Array | undefined {
    try {
      const publicKey = publicKeyOf("X25519", peer);
      const privateKey = this.#privateKey;
      const shared = new Uint8Array(diffieHellman({ privateKey, publicKey }));
      return shared.every((byte) => byte === 0) ? undefined : shared;
    } catch {
      return undefined;
    }
  }
}
