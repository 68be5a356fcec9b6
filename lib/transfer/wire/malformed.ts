import { Failure } from "../../base/failure.ts";

/**
 * The failure of a peer that breaks the rules of the transfer.
 *
 * @param what the rule that was broken, in a few words for debugging
 */
export function malformed(what: string): Failure {
  return new Failure({ code: "malformed", layer: "transfer", what });
}
