import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { uint32At, writeUint32 } from "../../base/integers.ts";

/** Milliseconds for which a cookie is good, at least; at most twice as long. */
const LIFETIME = 15_000;
const MAC_SIZE = 16;

/** Where the parts of a cookie are. */
const SLOT_AT = 0;
const MAC_AT = 4;

/** Bytes of a cookie. */
export const COOKIE_SIZE = MAC_AT + MAC_SIZE;

/** Where a datagram comes from or goes to. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/**
 * Cookies that let a host keep nothing of a SYN until its sender has shown
 * that it gets what is sent to its address (RFC 4987, section 3.6, as RFC 9000,
 * section 8.1.2 does it): a time, and a keyed hash over it,
 * the address and the connection id.
 */
export class CookieJar {
  readonly #mac: Mac;

  /** @param key 32 unpredictable bytes */
  constructor(key: Uint8Array) {
    this.#mac = new Mac(key);
  }

  /** A cookie for a SYN with this id from this address. */
  issue(
    now: number,
    address: Address,
    idHigh: number,
    idLow: number,
  ): Uint8Array {
    return this.#make(Math.floor(now / LIFETIME), address, idHigh, idLow);
  }

  /** Whether `cookie` was issued for this and is fresh. */
  accepts(
    now: number,
    address: Address,
    idHigh: number,
    idLow: number,
    cookie: Uint8Array,
  ): boolean {
    if (cookie.length !== COOKIE_SIZE) return false;
    const slot = uint32At(cookie, SLOT_AT);
    const age = Math.floor(now / LIFETIME) - slot;
    if (age < 0 || age > 1) return false;
    return timingSafeEqual(this.#make(slot, address, idHigh, idLow), cookie);
  }

  #make(
    slot: number,
    address: Address,
    idHigh: number,
    idLow: number,
  ): Uint8Array {
    const bound = new Uint8Array(14);
    writeUint32(bound, SLOT_AT, slot);
    writeUint32(bound, 4, idHigh);
    writeUint32(bound, 8, idLow);
    bound[12] = address.port >>> 8;
    bound[13] = address.port;
    const mac = this.#mac.of(bound, address.hostname);
    return Buffer.concat([
      bound.subarray(0, MAC_AT),
      mac.subarray(0, MAC_SIZE),
    ]);
  }
}

/** Bytes that SHA-256 takes in at a time. */
const BLOCK_SIZE = 64;

/**
 * HMAC-SHA-256 as RFC 2104 defines it, of two hashes: `createHmac` takes several
 * times as long in Deno, and there is one for each SYN of a flood.
 */
class Mac {
  readonly #inner: Uint8Array;
  readonly #outer: Uint8Array;

  /** @param key at most 64 bytes */
  constructor(key: Uint8Array) {
    const padded = new Uint8Array(BLOCK_SIZE);
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
