import { Buffer } from "node:buffer";
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";

// scrypt (RFC 7914): 4 MB of memory, and some 15 ms for a guess.
const SCRYPT_COST = { N: 2 ** 12, r: 8, p: 1 };
const SCRYPT_SALT_SIZE = 16;
const SCRYPT_HASH_SIZE = 32;
/** What a verifier begins with. */
const VERIFIER_METHOD =
  `scrypt-${SCRYPT_COST.N}-${SCRYPT_COST.r}-${SCRYPT_COST.p}`;
const VERIFIER_FORM = new RegExp(
  `^${VERIFIER_METHOD}:([0-9a-f]{${2 * SCRYPT_SALT_SIZE}}):([0-9a-f]{${
    2 * SCRYPT_HASH_SIZE
  }})$`,
);

/**
 * What is kept of a code, to know it again when a transfer is gone on with:
 * `scrypt-4096-8-1:SALT:HASH`, in hexadecimal.
 *
 * **It is no more than a delay.** A code that was made up has 25 bits, so who
 * can read a verifier tries all codes in some days on one core, and in much less
 * on many. It belongs into files that only their owner can read, who could as
 * well read the transfer itself; and a code is for one transfer.
 *
 * @param code as `normalCode` gives it
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
 * Whether a verifier was made of this code; `false` for whatever is no verifier.
 * Takes as long as making one, and as long for any code.
 *
 * @param code as `normalCode` gives it
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
