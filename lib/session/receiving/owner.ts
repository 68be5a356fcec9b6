import { setTimeout } from "node:timers";
import { isAttemptProof } from "../../secure/attempt_key.ts";
import {
  makeCodeVerifier,
  matchesCode,
} from "../../secure/code/code_verifier.ts";
import type { Security } from "../../secure/security.ts";
import type { Owner } from "../../transfer/files/writing/staging.ts";
import type { Offer } from "../../transfer/wire/messages.ts";

/** Milliseconds after which what is kept of a code is made, while nobody waits for it. */
const IDLE = 100;

/** Finds to whom unfinished transfers belong, of all that come to one receiver. */
export class Owners {
  readonly #code: Owner["code"];

  constructor(security: Security) {
    if (security.mode === "code") this.#code = ownerByCode(security.code);
  }

  /**
   * To whom an unfinished transfer of `offer` will belong: who has the attempt's
   * key, and who knows the code that let this sender in.
   *
   * @param binding of the channel in which the offer came
   */
  of({ attempt }: Offer, binding: Uint8Array): Owner {
    const isProved = attempt !== undefined &&
      isAttemptProof(attempt.key, binding, attempt.proof);
    return { key: isProved ? attempt.key : undefined, code: this.#code };
  }
}

/** Its verifier is made once, as it takes a while, and before the first sender comes if there is time. */
function ownerByCode(code: string): NonNullable<Owner["code"]> {
  let made: string | undefined;
  const verifier = () => made ??= makeCodeVerifier(code);
  setTimeout(verifier, IDLE).unref();
  return { verifier, matches: (other) => matchesCode(other, code) };
}

/** Whether what belongs to one of two senders at the same time belongs to the other, too. */
export function isSameOwner(one: Owner, other: Owner): boolean {
  // One receiver has one code
  if (one.code !== undefined && other.code !== undefined) return true;
  return one.key !== undefined && other.key !== undefined &&
    one.key.length === other.key.length &&
    one.key.every((byte, at) => byte === other.key![at]);
}
