/**
 * Where Linux distributions install libcrypto, version 3 before 1.1; the
 * permissions of the executable list the same paths.
 */
const LIBCRYPTO_PATHS = ["so.3", "so.1.1"].flatMap((version) =>
  [
    // Debian, Ubuntu
    "/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    // Fedora, RHEL, openSUSE
    "/lib64",
    "/usr/lib64",
    // Arch
    "/usr/lib",
  ].map((directory) => `${directory}/libcrypto.${version}`)
);

/** The same signatures in OpenSSL 1.1.1 and 3; see EVP_EncryptInit(3ssl). */
const EVP_CALLS = {
  EVP_aes_256_gcm: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_new: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_free: { parameters: ["pointer"], result: "void" },
  EVP_CipherInit_ex: {
    parameters: ["pointer", "pointer", "pointer", "buffer", "buffer", "i32"],
    result: "i32",
  },
  EVP_CipherUpdate: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "i32"],
    result: "i32",
  },
  EVP_CipherFinal_ex: {
    parameters: ["pointer", "buffer", "buffer"],
    result: "i32",
  },
  EVP_CIPHER_CTX_ctrl: {
    parameters: ["pointer", "i32", "i32", "buffer"],
    result: "i32",
  },
} as const;

/** EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG of openssl/evp.h. */
const GET_TAG = 0x10;
const SET_TAG = 0x11;
/** Bytes of a tag. */
const GCM_TAG_SIZE = 16;
/** The last argument of EVP_CipherInit_ex. */
const ENCRYPT = 1;
const DECRYPT = 0;
const UNCHANGED = -1;

type Bytes = Uint8Array<ArrayBuffer>;
type Libcrypto = Deno.DynamicLibrary<typeof EVP_CALLS>["symbols"];

/**
 * Frees the contexts of ciphers that are collected without a call of {@linkcode
 * OpenSslAesGcm.free}.
 */
const contexts = new FinalizationRegistry<() => void>((free) => free());

/** AES-256-GCM under one key with the system's OpenSSL. */
export class OpenSslAesGcm {
  readonly #library: Libcrypto;
  readonly #context: Deno.PointerValue;
  #direction: number = UNCHANGED;
  #freed = false;
  /** Output parameter for the number of bytes written. */
  readonly #written = new Uint8Array(4);

  /**
   * @param key 32 bytes
   * @throws {Error} if the library rejects it
   */
  constructor(library: Libcrypto, key: Bytes) {
    this.#library = library;
    const context = library.EVP_CIPHER_CTX_new();
    this.#context = context;
    if (context === null) throw new Error("Cannot make a cipher context");
    contexts.register(this, () => library.EVP_CIPHER_CTX_free(context), this);
    const cipher = library.EVP_aes_256_gcm();
    this.#expect(
      library.EVP_CipherInit_ex(context, cipher, null, key, null, ENCRYPT),
    );
    this.#direction = ENCRYPT;
  }

  /**
   * Seals `plaintext` into `into`, which has its length plus the tag's and may
   * start at the same address.
   *
   * @param nonce 12 bytes, unique under this key
   */
  seal(nonce: Bytes, data: Bytes, plaintext: Bytes, into: Bytes): void {
    const library = this.#library;
    this.#begin(ENCRYPT, nonce, data);
    this.#update(into, plaintext);
    const tag = into.subarray(plaintext.length);
    this.#expect(library.EVP_CipherFinal_ex(this.#context, tag, this.#written));
    this.#expect(
      library.EVP_CIPHER_CTX_ctrl(this.#context, GET_TAG, GCM_TAG_SIZE, tag),
    );
  }

  /**
   * Opens `sealed` into `into`, or in place if that is too short.
   *
   * @returns the plaintext; `undefined` if the tag is wrong, with the plaintext
   * erased
   */
  open(
    nonce: Bytes,
    data: Bytes,
    sealed: Bytes,
    into?: Bytes,
  ): Bytes | undefined {
    const library = this.#library;
    const ciphertext = sealed.subarray(0, sealed.length - GCM_TAG_SIZE);
    const { length } = ciphertext;
    const fits = into !== undefined && into.length >= length;
    const plaintext = fits ? into.subarray(0, length) : ciphertext;
    this.#begin(DECRYPT, nonce, data);
    const tag = sealed.subarray(length);
    this.#expect(
      library.EVP_CIPHER_CTX_ctrl(this.#context, SET_TAG, GCM_TAG_SIZE, tag),
    );
    this.#update(plaintext, ciphertext);
    const done = library.EVP_CipherFinal_ex(this.#context, tag, this.#written);
    if (done === 1) return plaintext;
    plaintext.fill(0);
    return undefined;
  }

  /**
   * Frees the context, which erases the key; the cipher is unusable afterwards.
   */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    contexts.unregister(this);
    this.#library.EVP_CIPHER_CTX_free(this.#context);
  }

  #begin(direction: number, nonce: Bytes, data: Bytes): void {
    // The library would use memory that it has freed
    if (this.#freed) throw new Error("The cipher context was freed");
    const library = this.#library;
    const context = this.#context;
    const turn = direction === this.#direction ? UNCHANGED : direction;
    this.#expect(
      library.EVP_CipherInit_ex(context, null, null, null, nonce, turn),
    );
    this.#direction = direction;
    this.#expect(
      library.EVP_CipherUpdate(
        context,
        null,
        this.#written,
        data,
        data.length,
      ),
    );
  }

  #update(into: Bytes, from: Bytes): void {
    if (from.length === 0) return;
    this.#expect(
      this.#library.EVP_CipherUpdate(
        this.#context,
        into,
        this.#written,
        from,
        from.length,
      ),
    );
  }

  #expect(result: number): void {
    if (result !== 1) throw new Error("The system's OpenSSL failed");
  }
}

/** Creates ciphers of the system's OpenSSL. */
export interface OpenSsl {
  readonly name: "OpenSSL";
  /** Calls are synchronous: one record at a time. */
  readonly concurrency: 1;
  /** @param key 32 bytes */
  create(key: Uint8Array): OpenSslAesGcm;
}

let opened: OpenSsl | null | undefined;

/**
 * Opens the system's libcrypto at the first call, which takes about 5 ms.
 *
 * @returns `undefined` if FFI is not allowed, the library is missing, or it
 * fails the known-answer test
 */
export function openLibcrypto(): OpenSsl | undefined {
  if (opened === undefined) opened = openOneOf(LIBCRYPTO_PATHS) ?? null;
  return opened ?? undefined;
}

/** Opens the first of these libraries that can be used. */
export function openOneOf(libraries: readonly string[]): OpenSsl | undefined {
  for (const path of libraries) {
    const { state } = Deno.permissions.querySync({ name: "ffi", path });
    if (state !== "granted") continue;
    try {
      const library = Deno.dlopen(path, EVP_CALLS).symbols;
      const create = (key: Uint8Array) =>
        new OpenSslAesGcm(library, key as Bytes);
      if (passesKnownAnswer(create)) {
        return { name: "OpenSSL", concurrency: 1, create };
      }
    } catch {
      // Not installed here, or without these functions
    }
  }
  return undefined;
}

/** Test case 16 of McGrew and Viega, The Galois/Counter Mode of Operation. */
const KNOWN_ANSWER = {
  key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
  nonce: "cafebabefacedbaddecaf888",
  data: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
  plaintext:
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
    "76fc6ece0f4e1768cddf8853bb2d551b",
};

function passesKnownAnswer(make: (key: Uint8Array) => OpenSslAesGcm): boolean {
  const { fromHex } = Uint8Array;
  const nonce = fromHex(KNOWN_ANSWER.nonce);
  const data = fromHex(KNOWN_ANSWER.data);
  const plaintext = fromHex(KNOWN_ANSWER.plaintext);
  const sealed = fromHex(KNOWN_ANSWER.sealed);
  const forged = sealed.map((byte, at) => at === 0 ? byte ^ 1 : byte);
  const cipher = make(fromHex(KNOWN_ANSWER.key));
  try {
    const made = new Uint8Array(sealed.length);
    cipher.seal(nonce, data, plaintext, made);
    if (made.toHex() !== KNOWN_ANSWER.sealed) return false;
    if (cipher.open(nonce, data, forged) !== undefined) return false;
    const opened = cipher.open(nonce, data, made);
    return opened?.toHex() === KNOWN_ANSWER.plaintext;
  } finally {
    cipher.free();
  }
}
