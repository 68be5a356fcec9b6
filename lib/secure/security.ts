import type { CpaceInputs } from "./code/cpace.ts";
import { utf8 } from "../base/utf8.ts";

/** The mode of a side, with its code; both sides need the same. */
export type Security =
  | { readonly mode: "plain" }
  | { readonly mode: "encrypted" }
  | {
    readonly mode: "code";
    /** In its normal form, see `normalCode`. */
    readonly code: string;
  };

/** The channel identifier of CPace: the order of the roles. */
const ROLES = utf8("ferry send, ferry receive");

export function cpaceInputs(code: string): CpaceInputs {
  const prs = utf8(code);
  return { prs, ci: ROLES, sid: new Uint8Array(0) };
}
