import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import { utf8 } from "../../base/utf8.ts";

/** Bytes of a SHA-256 digest, and of the secrets derived with it. */
export const HASH_SIZE = 32;
/** Stands for a secret that is absent (RFC 8446, section 7.1). */
export const NO_SECRET = new Uint8Array(HASH_SIZE);

/** HKDF-Extract with SHA-256 (RFC 5869, section 2.2). */
export function hkdfExtract(salt: Uint8Array, ikm: Uint8Array): Uint8Array {
  return copyOf(createHmac("sha256", salt).update(ikm).digest());
}

/**
 * HKDF-Expand with SHA-256 (RFC 5869, section 2.3).
 *
 * @param length bytes, at most 255 times {@linkcode HASH_SIZE}
 */
export function hkdfExpand(
  prk: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  const okm = new Uint8Array(length);
  let block = new Uint8Array(0);
  for (let at = 0, count = 1; at < length; at += HASH_SIZE, count++) {
    block = copyOf(
      createHmac("sha256", prk)
        .update(block).update(info).update(Uint8Array.of(count)).digest(),
    );
    okm.set(block.subarray(0, length - at), at);
  }
  return okm;
}

/** HKDF-Expand-Label (RFC 8446, section 7.1), with its prefix. */
export function hkdfExpandLabel(
  secret: Uint8Array,
  label: string,
  length: number,
  context: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const name = utf8(`tls13 ${label}`);
  const info = concat(
    Uint8Array.of(length >>> 8, length, name.length),
    name,
    Uint8Array.of(context.length),
    context,
  );
  return hkdfExpand(secret, info, length);
}

/** Derive-Secret (RFC 8446, section 7.1), given the Transcript-Hash of the messages. */
export function deriveSecret(
  secret: Uint8Array,
  label: string,
  transcriptHash: Uint8Array,
): Uint8Array {
  return hkdfExpandLabel(secret, label, HASH_SIZE, transcriptHash);
}

/** Transcript-Hash: the SHA-256 of messages one after another (RFC 8446, section 4.4.1). */
export function transcriptHash(...messages: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const message of messages) hash.update(message);
  return copyOf(hash.digest());
}

/**
 * The Handshake Secret (RFC 8446, section 7.1).
 *
 * @param psk a pre-shared secret; {@linkcode NO_SECRET} if there is none
 * @param ecdhe the shared secret of the key shares
 */
export function handshakeSecret(
  psk: Uint8Array,
  ecdhe: Uint8Array,
): Uint8Array {
  return hkdfExtract(derived(hkdfExtract(NO_SECRET, psk)), ecdhe);
}

/** The Master Secret (RFC 8446, section 7.1). */
export function masterSecret(handshake: Uint8Array): Uint8Array {
  return hkdfExtract(derived(handshake), NO_SECRET);
}

function derived(secret: Uint8Array): Uint8Array {
  return deriveSecret(secret, "derived", transcriptHash());
}

/**
 * The verify_data of a Finished message (RFC 8446, section 4.4.4).
 *
 * @param trafficSecret the handshake traffic secret of the sending side
 */
export function verifyData(
  trafficSecret: Uint8Array,
  transcript: Uint8Array,
): Uint8Array {
  const key = hkdfExpandLabel(trafficSecret, "finished", HASH_SIZE);
  return copyOf(createHmac("sha256", key).update(transcript).digest());
}

/** A key and an initialization vector for AES-256-GCM (RFC 8446, section 7.3). */
export function trafficKeys(
  trafficSecret: Uint8Array,
): { key: Uint8Array<ArrayBuffer>; iv: Uint8Array<ArrayBuffer> } {
  return {
    key: hkdfExpandLabel(trafficSecret, "key", 32),
    iv: hkdfExpandLabel(trafficSecret, "iv", 12),
  };
}

/** The next traffic secret of a direction (RFC 8446, section 7.2). */
export function nextTrafficSecret(trafficSecret: Uint8Array): Uint8Array {
  return hkdfExpandLabel(trafficSecret, "traffic upd", HASH_SIZE);
}

export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return copyOf(Buffer.concat(parts));
}

/** A copy in memory of its own: a Buffer may share a pool. */
function copyOf(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}
