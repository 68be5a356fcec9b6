import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { uint32At, writeUint16, writeUint32 } from "../../base/integers.ts";
import type { Address } from "../connection/address.ts";

/** Milliseconds for which a cookie is good, at least; at most twice as long. */
const PERIOD = 15_000;
/** Offset of the truncated MAC, behind the number of the period. */
const MAC_AT = 4;
const MAC_SIZE = 16;

/** Bytes of a cookie. */
export const COOKIE_SIZE = MAC_AT + MAC_SIZE;

/** A SYN, as far as a cookie is bound to it. */
export interface SynOrigin {
  readonly from: Address;
  /** Of the connection: 32 bits. */
  readonly id: number;
}

/**
 * Makes and checks cookies, by which a server keeps nothing of a SYN until its
 * sender has shown that it gets what is sent to its address (RFC 4987, section
 * 3.6, and as the tokens of RFC 9000, section 8.1.2): the number of a period, and
 * a keyed hash over it, the connection id and the address.
 */
export class AddressValidation {
  readonly #mac: Mac;

  /** @param key 32 unpredictable bytes */
  constructor(key: Uint8Array) {
    this.#mac = new Mac(key);
  }

  issue(now: number, syn: SynOrigin): Uint8Array {
    return this.#make(Math.floor(now / PERIOD), syn);
  }

  /** Whether `cookie` was issued for this SYN and has not expired. */
  accepts(now: number, syn: SynOrigin, cookie: Uint8Array): boolean {
    if (cookie.length !== COOKIE_SIZE) return false;
    const period = uint32At(cookie, 0);
    const age = Math.floor(now / PERIOD) - period;
    if (age < 0 || age > 1) return false;
    return timingSafeEqual(this.#make(period, syn), cookie);
  }

  #make(period: number, { from, id }: SynOrigin): Uint8Array {
    const bound = new Uint8Array(10);
    writeUint32(bound, 0, period);
    writeUint32(bound, 4, id);
    writeUint16(bound, 8, from.port);
    const mac = this.#mac.of(bound, from.hostname);
    return Buffer.concat([
      bound.subarray(0, MAC_AT),
      mac.subarray(0, MAC_SIZE),
    ]);
  }
}

/** Bytes that SHA-256 processes at a time. */
const SHA256_BLOCK_SIZE = 64;

/**
 * HMAC-SHA-256 (RFC 2104) of two hashes: `createHmac` takes several times as
 * long in Deno, and each SYN of a flood needs one.
 */
class Mac {
  readonly #inner: Uint8Array;
  readonly #outer: Uint8Array;

  /** @param key at most 64 bytes */
  constructor(key: Uint8Array) {
    const padded = new Uint8Array(SHA256_BLOCK_SIZE);
    padded.set(key);
    this.#inner = padded.map((byte) => byte ^ 0x36);
    this.#outer = padded.map((byte) => byte ^ 0x5c);
  }

  /** @returns 32 bytes, over `bytes` and then `text` in UTF-8 */
  of(bytes: Uint8Array, text: string): Uint8Array {
    const inner = createHash("sha256")
      .update(this.#inner).update(bytes).update(text).digest();
    return createHash("sha256").update(this.#outer).update(inner).digest();
  }
}
