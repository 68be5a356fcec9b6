import type { Mapping } from "./mapper.ts";

/** Why no gateway has mapped the port. */
export interface Unmapped {
  /** There is none, it does not answer, it does not want to, or it stopped. */
  readonly why: "no-gateway" | "silent" | "refused" | "expired";
  /** The gateway's address on this side, if there is one. */
  readonly gateway?: string | undefined;
  /** The result code of its refusal (RFC 6887, section 7.4; RFC 6886, section 3.5). */
  readonly result?: number | undefined;
}

/** What a gateway has mapped. */
export interface Mapped extends Mapping {
  /** The gateway's address on this side. */
  readonly gateway: string;
}
