import { Failure } from "../base/failure.ts";
import type { CloseReason } from "../protocol/connection/lifecycle.ts";

/** What is known of a connection that was closed. */
export interface CloseDetails {
  /** The peer's address, as in `192.0.2.1:5000`. */
  readonly peer: string;
  /** Milliseconds of silence that end a connection. */
  readonly timeout: number;
  /** Why datagrams could not be sent lately, if so. */
  readonly sendError: string | undefined;
}

/** Codes of failures that have nothing but the peer with them. */
const CODES = {
  busy: "busy",
  displaced: "displaced",
  aborted: "peer-stopped",
  unknown: "unknown-connection",
  protocol: "peer-protocol-error",
  breach: "invalid-ack",
} as const;

/** The failure of a connection that was not closed in order. */
export function failureOfClose(
  reason: Exclude<CloseReason, "done">,
  { peer, timeout, sendError }: CloseDetails,
): Failure {
  switch (reason) {
    case "no answer":
    case "silence": {
      const code = reason === "silence" ? "peer-silent" : "no-answer";
      const seconds = Math.round(timeout / 100) / 10;
      return new Failure({ code, peer, seconds, sendError });
    }
    case "stopped":
      return new Failure({ code: "interrupted" });
    case "version":
      return new Failure({ code: "version-mismatch", layer: "protocol", peer });
    default:
      return new Failure({ code: CODES[reason], peer });
  }
}
