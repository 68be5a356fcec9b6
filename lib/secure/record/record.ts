import { nextTrafficSecret, trafficKeys } from "../handshake/key_schedule.ts";
import {
  RECORD_HEADER_SIZE,
  writeRecordHeader,
} from "../handshake/messages.ts";
import {
  type Aead,
  type AeadImplementation,
  NONCE_SIZE,
  TAG_SIZE,
  WEB_CRYPTO,
} from "./aead.ts";

/** Bytes that a record may hold, at most. */
export const MAX_PLAINTEXT = 2 ** 18;
/** Bytes of the largest record, with its header. */
export const MAX_RECORD = RECORD_HEADER_SIZE + MAX_PLAINTEXT + TAG_SIZE;
/**
 * Records under one key. At the most 2^34 bytes, a sixteenth of what RFC 8446,
 * section 5.5, allows AES-GCM.
 */
export const RECORDS_PER_KEY = 2 ** 16;

/** What both directions are told. */
export interface RecordOptions {
  /** @default {RECORDS_PER_KEY} */
  readonly recordsPerKey?: number | undefined;
  /** @default {WEB_CRYPTO} */
  readonly aead?: AeadImplementation;
}

/**
 * The records of one direction: AES-256-GCM under keys that both sides renew
 * after the same number of records (RFC 8446, sections 5.2, 5.3 and 7.2).
 */
export class Records {
  readonly #recordsPerKey: number;
  readonly #implementation: AeadImplementation;
  #secret: Uint8Array;
  #aead: Aead | undefined;
  #iv = new Uint8Array(NONCE_SIZE);
  #count = 0;
  #ended = false;

  /** @param secret the direction's traffic secret */
  constructor(secret: Uint8Array, options: RecordOptions = {}) {
    this.#secret = secret.slice();
    this.#recordsPerKey = options.recordsPerKey ?? RECORDS_PER_KEY;
    this.#implementation = options.aead ?? WEB_CRYPTO;
  }

  /** Records that are sealed or opened at a time. */
  get concurrency(): number {
    return this.#implementation.concurrency;
  }

  /** Makes the key of the next record; to be waited for before each. */
  async ready(): Promise<void> {
    if (this.#aead !== undefined && this.#count < this.#recordsPerKey) return;
    if (this.#aead !== undefined) {
      const secret = nextTrafficSecret(this.#secret);
      this.#secret.fill(0);
      this.#secret = secret;
    }
    const { key, iv } = trafficKeys(this.#secret);
    const aead = await this.#implementation.create(key);
    key.fill(0);
    this.#aead?.free();
    this.#aead = aead;
    this.#iv = iv;
    this.#count = 0;
    if (this.#ended) aead.free();
  }

  /**
   * Seals the next record into `into`, which it fills, header and all.
   *
   * @param into `RECORD_HEADER_SIZE + plaintext.length + TAG_SIZE` bytes
   */
  seal(
    type: number,
    plaintext: Uint8Array,
    into: Uint8Array,
  ): void | Promise<void> {
    writeRecordHeader(into, type, plaintext.length + TAG_SIZE);
    const header = into.subarray(0, RECORD_HEADER_SIZE);
    const body = into.subarray(RECORD_HEADER_SIZE);
    return this.#aead!.seal(this.#nextNonce(), header, plaintext, body);
  }

  /**
   * Opens the next record.
   *
   * @param record with its header; may be overwritten by what it holds
   * @returns what it holds; `undefined` if it is not the record that was sent
   */
  open(
    record: Uint8Array,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const header = record.slice(0, RECORD_HEADER_SIZE);
    const body = record.subarray(RECORD_HEADER_SIZE);
    return this.#aead!.open(this.#nextNonce(), header, body);
  }

  /** Gives up the keys: there are no more records. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#secret.fill(0);
    this.#aead?.free();
  }

  #nextNonce(): Uint8Array {
    const nonce = this.#iv.slice();
    const view = new DataView(nonce.buffer);
    const last = nonce.length - 4;
    view.setUint32(last, view.getUint32(last) ^ this.#count++);
    return nonce;
  }
}
