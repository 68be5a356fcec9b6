import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { concat } from "./handshake/key_schedule.ts";

/** Bytes of a private and of a public key. */
export const CURVE_KEY_SIZE = 32;

/** Last byte of the object identifiers (RFC 8410, section 3). */
const CURVES = { X25519: 110, Ed25519: 112 } as const;

/** A curve of RFC 7748. */
export type Curve = keyof typeof CURVES;

/** DER before the 32 bytes of a public key (RFC 8410, section 4). */
function spki(curve: Curve): Uint8Array {
  return Uint8Array.of(48, 42, 48, 5, 6, 3, 43, 101, CURVES[curve], 3, 33, 0);
}

/** DER before the 32 bytes of a private key (RFC 8410, section 7). */
function pkcs8(curve: Curve): Uint8Array {
  const oid = [48, 5, 6, 3, 43, 101, CURVES[curve]];
  return Uint8Array.of(48, 46, 2, 1, 0, ...oid, 4, 34, 4, 32);
}

/** The key of 32 bytes. */
export function privateKeyOf(curve: Curve, bytes: Uint8Array): KeyObject {
  const key = Buffer.from(concat(pkcs8(curve), bytes));
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

/**
 * The public key of 32 bytes.
 *
 * @throws if it has another length
 */
export function publicKeyOf(curve: Curve, bytes: Uint8Array): KeyObject {
  const key = Buffer.from(concat(spki(curve), bytes));
  return createPublicKey({ key, format: "der", type: "spki" });
}

/** The 32 bytes of a private key's public key. */
export function publicBytesOf(privateKey: KeyObject): Uint8Array {
  const der = createPublicKey(privateKey)
    .export({ type: "spki", format: "der" });
  return new Uint8Array(der.subarray(-CURVE_KEY_SIZE));
}
