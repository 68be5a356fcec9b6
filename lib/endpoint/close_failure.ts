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

/** The failure of a connection that was not closed in order. */
export function failureOfClose(
  reason: Exclude<CloseReason, "done">,
  { peer, timeout, sendError }: CloseDetails,
): Failure {
  const seconds = Math.round(timeout / 100) / 10;
  switch (reason) {
    case "no answer":
      return new Failure({ code: "no-answer", peer, seconds, sendError });
    case "silence":
      return new Failure({ code: "peer-silent", peer, seconds, sendError });
    case "stopped":
      return new Failure({ code: "interrupted" });
    case "busy":
    case "displaced":
      return new Failure({ code: reason, peer });
    case "aborted":
      return new Failure({ code: "peer-stopped", peer });
    case "unknown":
      return new Failure({ code: "unknown-connection", peer });
    case "protocol":
      return new Failure({ code: "peer-protocol-error", peer });
    case "breach":
      return new Failure({ code: "invalid-ack", peer });
    case "version":
      return new Failure({ code: "version-mismatch", layer: "protocol", peer });
  }
}
