import { FRAME_HEADER_SIZE, writeHeader } from "../../base/frame.ts";
import { nextTrafficSecret, trafficKeys } from "../handshake/key_schedule.ts";

import {
  type Aead,
  type AeadImplementation,
  NONCE_SIZE,
  TAG_SIZE,
  WEB_CRYPTO,
} from "./aead.ts";

/** The most bytes of plaintext in a record. */
export const MAX_PLAINTEXT = 2 ** 18;
/** Bytes of the largest record, header included. */
export const MAX_RECORD = FRAME_HEADER_SIZE + MAX_PLAINTEXT + TAG_SIZE;
/**
 * Records sealed under one key: at most 2^34 bytes, a sixteenth of the limit
 * for AES-GCM in RFC 8446, section 5.5.
 */
export const RECORDS_PER_KEY = 2 ** 16;

/** Settings that apply to both directions. */
export interface RecordOptions {
  /** @default {RECORDS_PER_KEY} */
  readonly recordsPerKey?: number | undefined;
  /** @default {WEB_CRYPTO} */
  readonly aead?: AeadImplementation | undefined;
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

  /** How many records are sealed or opened in parallel. */
  get concurrency(): number {
    return this.#implementation.concurrency;
  }

  /** Derives the key of the next record; to be awaited before each record. */
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
   * Seals the next record, header included, into `into`.
   *
   * @param into `FRAME_HEADER_SIZE + plaintext.length + TAG_SIZE` bytes
   */
  seal(
    type: number,
    plaintext: Uint8Array,
    into: Uint8Array,
  ): void | Promise<void> {
    writeHeader(into, type, plaintext.length + TAG_SIZE);
    const header = into.subarray(0, FRAME_HEADER_SIZE);
    const body = into.subarray(FRAME_HEADER_SIZE);
    return this.#aead!.seal(this.#nextNonce(), header, plaintext, body);
  }

  /**
   * Opens the next record.
   *
   * @param record with its header; may be overwritten with the plaintext
   * @param into as {@linkcode Aead.open} has it
   * @returns the plaintext; `undefined` if authentication fails
   */
  open(
    record: Uint8Array,
    into?: Uint8Array,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const header = record.slice(0, FRAME_HEADER_SIZE);
    const body = record.subarray(FRAME_HEADER_SIZE);
    return this.#aead!.open(this.#nextNonce(), header, body, into);
  }

  /** Erases the keys: no records follow. */
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
