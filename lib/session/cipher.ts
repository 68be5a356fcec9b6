import { type AeadImplementation, WEB_CRYPTO } from "../secure/record/aead.ts";
import { openLibcrypto } from "../system/libcrypto.ts";

/**
 * Loads what seals and opens records: the system's OpenSSL, which is several
 * times as fast, or WebCrypto where there is none. Takes a few milliseconds.
 */
export function chooseAead(): AeadImplementation {
  const create = openLibcrypto();
  if (create === undefined) return WEB_CRYPTO;
  return { name: "OpenSSL", concurrency: 1, create };
}
