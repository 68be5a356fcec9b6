import type { CpaceInputs } from "./code/cpace.ts";

/** How a side wants to talk; both have to want the same. */
export type Security =
  | { readonly mode: "plain" }
  | { readonly mode: "encrypted" }
  | {
    readonly mode: "code";
    /** As `normalCode` gives it. */
    readonly code: string;
  };

/** The channel identifier of CPace: who says what first. */
const ROLES = new TextEncoder().encode("ferry send, ferry receive");

/** What both sides put into CPace. */
export function cpaceInputs(code: string): CpaceInputs {
  const prs = new TextEncoder().encode(code);
  return { prs, ci: ROLES, sid: new Uint8Array(0) };
}
