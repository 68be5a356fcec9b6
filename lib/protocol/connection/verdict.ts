import type { Unacceptable } from "../receiving/receive_buffer.ts";
import type { Malformation } from "../wire/segment.ts";

/** Why a datagram was dropped. */
export type DropReason =
  | Malformation
  | Unacceptable
  // It belongs to no connection
  | "reset of no connection"
  | "no such connection"
  | "busy"
  | "asked for a cookie"
  | "too many cookies asked for"
  | "too many handshakes"
  // Its connection does not take it
  | "closed"
  | "from another address"
  | "not an answer to the SYN"
  | "early reset"
  | "late cookie"
  | "too many cookies"
  | "acknowledges what was never sent"
  | "acknowledges a skipped packet number";

/**
 * What became of a datagram. A duplicate is well formed and brings nothing new. A
 * violation ends the connection: the peer acknowledges what it cannot have
 * received (RFC 9000, section 21.4).
 */
export type Verdict =
  | { readonly kind: "accepted" | "duplicate" }
  | { readonly kind: "dropped" | "violation"; readonly reason: DropReason };

export const ACCEPTED: Verdict = { kind: "accepted" };
export const DUPLICATE: Verdict = { kind: "duplicate" };

export function dropped(reason: DropReason): Verdict {
  return { kind: "dropped", reason };
}
