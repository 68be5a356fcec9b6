import { isAttemptProof } from "../secure/attempt_key.ts";
import { makeCodeVerifier, matchesCode } from "../secure/code_verifier.ts";
import type { Security } from "../secure/security.ts";
import type { Owner } from "../transfer/files/staging.ts";
import type { Offer } from "../transfer/messages.ts";

/**
 * To whom an unfinished transfer of `offer` will belong: who has the attempt's
 * key, and who knows the code that let this sender in.
 *
 * @param binding of the channel in which the offer came
 */
export function ownerOf(
  { attempt }: Offer,
  binding: Uint8Array,
  security: Security,
): Owner {
  const isProved = attempt !== undefined &&
    isAttemptProof(attempt.key, binding, attempt.proof);
  const key = isProved ? attempt.key : undefined;
  if (security.mode !== "code") return { key };
  const { code } = security;
  return {
    key,
    code: {
      verifier: () => makeCodeVerifier(code),
      matches: (verifier) => matchesCode(verifier, code),
    },
  };
}

/** Whether what belongs to one of two senders at the same time belongs to the other, too. */
export function isSameOwner(one: Owner, other: Owner): boolean {
  // One receiver has one code
  if (one.code !== undefined && other.code !== undefined) return true;
  return one.key !== undefined && other.key !== undefined &&
    one.key.length === other.key.length &&
    one.key.every((byte, at) => byte === other.key![at]);
}
