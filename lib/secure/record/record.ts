import { nextTrafficSecret, trafficKeys } from "../handshake/key_schedule.ts";
import { header, HEADER_SIZE } from "../handshake/messages.ts";

/** Bytes that a record may hold, at most. */
export const MAX_PLAINTEXT = 2 ** 18;
/** Bytes by which a record's body is longer than what it holds. */
export const TAG_SIZE = 16;
/**
 * Records under one key. At the most 2^34 bytes, a sixteenth of what RFC 8446,
 * section 5.5, allows AES-GCM.
 */
export const RECORDS_PER_KEY = 2 ** 16;

/** What both directions are told. */
export interface RecordOptions {
  /** @default {RECORDS_PER_KEY} */
  readonly recordsPerKey?: number;
}

/**
 * The records of one direction: AES-256-GCM under keys that both sides renew
 * after the same number of records (RFC 8446, sections 5.2, 5.3 and 7.2). The
 * work is done on other threads; several records may be under way, in order.
 */
export class Records {
  readonly #recordsPerKey: number;
  #secret: Uint8Array;
  #key: CryptoKey | undefined;
  #iv = new Uint8Array(0);
  #count = 0;

  /** @param secret the direction's traffic secret */
  constructor(secret: Uint8Array, options: RecordOptions = {}) {
    this.#secret = secret;
    this.#recordsPerKey = options.recordsPerKey ?? RECORDS_PER_KEY;
  }

  /** Makes the key of the next record; to be waited for before each. */
  async ready(): Promise<void> {
    if (this.#key !== undefined && this.#count < this.#recordsPerKey) return;
    if (this.#key !== undefined) this.#secret = nextTrafficSecret(this.#secret);
    const { key, iv } = trafficKeys(this.#secret);
    this.#iv = iv;
    this.#count = 0;
    const uses: KeyUsage[] = ["encrypt", "decrypt"];
    this.#key = await crypto.subtle.importKey(
      "raw",
      key,
      "AES-GCM",
      false,
      uses,
    );
  }

  /**
   * Seals the next record.
   *
   * @param plaintext is copied before this returns
   * @returns the record's body
   */
  async seal(type: number, plaintext: Uint8Array): Promise<Uint8Array> {
    const head = header(type, plaintext.length + TAG_SIZE);
    const sealed = await crypto.subtle
      .encrypt(this.#next(head), this.#key!, plaintext as BufferSource);
    return new Uint8Array(sealed);
  }

  /**
   * Opens the next record.
   *
   * @param head the record's header, {@linkcode HEADER_SIZE} bytes
   * @param body is copied before this returns
   * @returns what it holds; `undefined` if it is not the record that was sent
   */
  async open(
    head: Uint8Array,
    body: Uint8Array,
  ): Promise<Uint8Array | undefined> {
    try {
      const opened = await crypto.subtle
        .decrypt(this.#next(head), this.#key!, body as BufferSource);
      return new Uint8Array(opened);
    } catch {
      return undefined;
    }
  }

  #next(header: Uint8Array): AesGcmParams {
    const additionalData = header as BufferSource;
    const iv = this.#iv.slice();
    const view = new DataView(iv.buffer);
    const last = iv.length - 4;
    view.setUint32(last, view.getUint32(last) ^ this.#count++);
    return { name: "AES-GCM", iv, additionalData, tagLength: 8 * TAG_SIZE };
  }
}

/** Bytes of the largest record, with its header. */
export const MAX_RECORD = HEADER_SIZE + MAX_PLAINTEXT + TAG_SIZE;
