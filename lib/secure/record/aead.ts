/** Bytes of an AES-256-GCM tag. */
export const TAG_SIZE = 16;
/** Bytes of an AES-256-GCM nonce. */
export const NONCE_SIZE = 12;

/** AES-256-GCM under one key (NIST SP 800-38D). */
export interface Aead {
  /**
   * Seals `plaintext`, which may be reused when this returns.
   *
   * @param data additional authenticated data
   * @param into as long as the plaintext and the tag
   */
  seal(
    nonce: Uint8Array,
    data: Uint8Array,
    plaintext: Uint8Array,
    into: Uint8Array,
  ): void | Promise<void>;
  /**
   * Opens `sealed`. Its memory may be reused when this returns, unless the
   * result is part of it.
   *
   * @param into where the plaintext may be put, if it fits; holds nothing of it
   * if the tag is wrong
   * @returns the plaintext; `undefined` if the tag is wrong
   */
  open(
    nonce: Uint8Array,
    data: Uint8Array,
    sealed: Uint8Array,
    into?: Uint8Array,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Erases the key. */
  free(): void;
}

/** An implementation of {@linkcode Aead}. */
export interface AeadImplementation {
  /** Shown in reports. */
  readonly name: "OpenSSL" | "WebCrypto";
  /** Records processed in parallel: more than one if other threads do it. */
  readonly concurrency: number;
  /** @param key 32 bytes */
  create(key: Uint8Array): Aead | Promise<Aead>;
}

/** The runtime's implementation, on its own threads. */
export const WEB_CRYPTO: AeadImplementation = {
  name: "WebCrypto",
  concurrency: 4,
  async create(key: Uint8Array): Promise<Aead> {
    return new WebCryptoAead(
      await crypto.subtle.importKey(
        "raw",
        key as BufferSource,
        "AES-GCM",
        false,
        ["encrypt", "decrypt"],
      ),
    );
  },
};

class WebCryptoAead implements Aead {
  readonly #key: CryptoKey;

  constructor(key: CryptoKey) {
    this.#key = key;
  }

  async seal(
    nonce: Uint8Array,
    data: Uint8Array,
    plaintext: Uint8Array,
    into: Uint8Array,
  ): Promise<void> {
    const sealed = await crypto.subtle
      .encrypt(parameters(nonce, data), this.#key, plaintext as BufferSource);
    into.set(new Uint8Array(sealed));
  }

  async open(
    nonce: Uint8Array,
    data: Uint8Array,
    sealed: Uint8Array,
  ): Promise<Uint8Array | undefined> {
    try {
      const opened = await crypto.subtle
        .decrypt(parameters(nonce, data), this.#key, sealed as BufferSource);
      return new Uint8Array(opened);
    } catch {
      return undefined;
    }
  }

  free(): void {}
}

function parameters(nonce: Uint8Array, data: Uint8Array): AesGcmParams {
  return {
    name: "AES-GCM",
    iv: nonce as BufferSource,
    additionalData: data as BufferSource,
    tagLength: 8 * TAG_SIZE,
  };
}
