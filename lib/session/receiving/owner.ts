import { clearTimeout, setTimeout } from "node:timers";
import { isAttemptProof } from "../../secure/attempt_key.ts";
import {
  makeCodeVerifier,
  matchesCode,
} from "../../secure/code/code_verifier.ts";
import type { Security } from "../../secure/security.ts";
import type { Owner } from "../../transfer/files/writing/target.ts";
import type { Offer } from "../../transfer/wire/messages.ts";

/** Milliseconds after which the verifier of a code is computed, before a sender needs it. */
const VERIFIER_DELAY = 100;

/** Finds the owners of unfinished transfers of one receiver. */
export class Owners implements Disposable {
  readonly #code: Owner["code"];
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(security: Security) {
    if (security.mode !== "code") return;
    const code = ownerByCode(security.code);
    this.#code = code;
    // Before the first sender comes, if there is time; it keeps no process alive
    this.#timer = setTimeout(code.verifier, VERIFIER_DELAY);
    this.#timer.unref();
  }

  /** Computes nothing ahead any more. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  /**
   * The owner of an unfinished transfer of `offer`: the sender that has the
   * attempt's key, or any that knows the code.
   *
   * @param binding of the channel in which the offer came
   */
  of({ attempt }: Offer, binding: Uint8Array): Owner {
    const isProved = attempt !== undefined &&
      isAttemptProof(attempt.key, binding, attempt.proof);
    return {
      ...isProved && { key: attempt.key },
      ...this.#code && { code: this.#code },
    };
  }
}

/** Computes the verifier once, as it takes a while. */
function ownerByCode(code: string): NonNullable<Owner["code"]> {
  let made: string | undefined;
  const verifier = () => made ??= makeCodeVerifier(code);
  return { verifier, matches: (other) => matchesCode(other, code) };
}

/** Whether the owners of two transfers of one receiver are the same. */
export function isSameOwner(one: Owner, other: Owner): boolean {
  // All transfers of a receiver have the same code
  if (one.code !== undefined && other.code !== undefined) return true;
  return one.key !== undefined && other.key !== undefined &&
    one.key.length === other.key.length &&
    one.key.every((byte, at) => byte === other.key![at]);
}
