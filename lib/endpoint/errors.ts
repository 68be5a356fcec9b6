import { Failure } from "../base/failure.ts";
import type { CloseReason } from "../protocol/connection/lifecycle.ts";

/** What the words for an ending draw on. */
export interface EndingDetails {
  /** The peer's address, as people write it. */
  readonly peer: string;
  /** Milliseconds of silence that end a connection. */
  readonly timeout: number;
  /** Why datagrams could not be sent lately, if so. */
  readonly sendError: string | undefined;
}

/** The words for a connection that did not end in order. */
export function failureOfEnding(
  reason: Exclude<CloseReason, "done">,
  { peer, timeout, sendError }: EndingDetails,
): Failure {
  const seconds = `${Math.round(timeout / 100) / 10} s`;
  const because = sendError === undefined ? "" : ` (${sendError})`;
  switch (reason) {
    case "no answer":
      return new Failure(
        "no-answer",
        `No answer from ${peer} within ${seconds}${because}: is ferry receive running there, and does a firewall let UDP through?`,
      );
    case "silence":
      return new Failure(
        "silence",
        `Nothing heard from ${peer} for ${seconds}${because}: it was killed, or the network is gone`,
      );
    case "stopped":
      return new Failure("interrupted", "The transfer was stopped");
    case "busy":
      return new Failure(
        "busy",
        `The receiver at ${peer} is busy with another transfer: try again when it is done`,
      );
    case "aborted":
      return new Failure(
        "peer-stopped",
        `The transfer was stopped at the other side (${peer})`,
      );
    case "unknown":
      return new Failure(
        "reset",
        `The other side (${peer}) does not know this transfer: ferry was restarted there, or gave up`,
      );
    case "protocol":
      return new Failure(
        "protocol",
        `The other side (${peer}) broke off for a breach of the protocol: run the same ferry on both sides`,
      );
    case "breach":
      return new Failure(
        "protocol",
        `The other side (${peer}) acknowledged what it cannot have received: the connection was broken off`,
      );
    case "displaced":
      return new Failure(
        "busy",
        `${peer} lost its place to others who wanted to be let in`,
      );
    case "version":
      return new Failure(
        "protocol",
        `The other side (${peer}) speaks another version of the protocol: run the same ferry on both sides`,
      );
  }
}
