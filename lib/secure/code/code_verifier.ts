import { Buffer } from "node:buffer";
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";

// scrypt (RFC 7914): 4 MB of memory and about 15 ms for a guess.
const SCRYPT_COST = { N: 2 ** 12, r: 8, p: 1 };
const SCRYPT_SALT_SIZE = 16;
const SCRYPT_HASH_SIZE = 32;
const VERIFIER_METHOD =
  `scrypt-${SCRYPT_COST.N}-${SCRYPT_COST.r}-${SCRYPT_COST.p}`;
const VERIFIER_FORM = new RegExp(
  `^${VERIFIER_METHOD}:([0-9a-f]{${2 * SCRYPT_SALT_SIZE}}):([0-9a-f]{${
    2 * SCRYPT_HASH_SIZE
  }})$`,
);

/**
 * A verifier of a code, to recognize the code when a transfer is resumed:
 * `scrypt-4096-8-1:SALT:HASH`, in hexadecimal.
 *
 * **It only slows guessing down.** The words of a code that was made up have 27
 * bits, so a reader of the verifier can try all of them in about three weeks on
 * one core. Verifiers belong into files that only their owner can read, like the
 * partial transfer itself; and a code serves one transfer.
 *
 * @param code in its normal form, see `normalCode`
 */
export function makeCodeVerifier(code: string): string {
  const salt = randomBytes(SCRYPT_SALT_SIZE);
  return [
    VERIFIER_METHOD,
    salt.toString("hex"),
    hash(code, salt).toString("hex"),
  ]
    .join(":");
}

/**
 * Whether `verifier` was made of `code`; `false` if it is malformed. Takes the
 * same time for every code.
 *
 * @param code in its normal form, see `normalCode`
 */
export function matchesCode(verifier: string, code: string): boolean {
  const [, salt, expected] = VERIFIER_FORM.exec(verifier) ?? [];
  if (salt === undefined || expected === undefined) return false;
  const actual = hash(code, Buffer.from(salt, "hex"));
  return timingSafeEqual(actual, Buffer.from(expected, "hex"));
}

function hash(code: string, salt: Uint8Array): Buffer {
  return scryptSync(code, salt, SCRYPT_HASH_SIZE, SCRYPT_COST);
}
