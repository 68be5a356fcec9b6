import { Reset } from "../wire/segment.ts";

/** The states of RFC 9293, section 3.3.2. LISTEN is the host's. */
export type State =
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "ESTABLISHED"
  | "FIN-WAIT-1"
  | "FIN-WAIT-2"
  | "CLOSE-WAIT"
  | "CLOSING"
  | "LAST-ACK"
  | "TIME-WAIT"
  | "CLOSED";

/**
 * How a connection ended: `done` in order; `no answer` to the SYN; `silence`
 * after it; `stopped` by this side; and by the peer's RST `busy`, `aborted`,
 * `unknown` (it has no such connection), `protocol` or `version`; `breach` of the
 * rules by the peer; `displaced` by others who want to be let in.
 */
export type CloseReason =
  | "done"
  | "no answer"
  | "silence"
  | "stopped"
  | "busy"
  | "aborted"
  | "unknown"
  | "protocol"
  | "version"
  | "breach"
  | "displaced";

/** Who a connection is and how it begins. */
export interface ConnectionOptions {
  /** The connection id. */
  readonly idHigh: number;
  readonly idLow: number;
  /** An unpredictable packet number below 2^32: that the peer acknowledges it proves its address. */
  readonly firstPacket: number;
  /** Whether this side sends the SYN. */
  readonly active: boolean;
  /** Whether the peer's address has been proved already, by a cookie. */
  readonly validated: boolean;
  /**
   * Bytes that the peer may send before it is admitted, `undefined` if it is
   * already.
   */
  readonly strangerWindow?: number;
  /** Whole numbers in [0, 2^32), unpredictable. */
  readonly random: () => number;
}

const ENDINGS: Readonly<Record<number, CloseReason>> = {
  [Reset.BUSY]: "busy",
  [Reset.ABORTED]: "aborted",
  [Reset.UNKNOWN]: "unknown",
  [Reset.DONE]: "unknown",
  [Reset.VERSION]: "version",
  [Reset.TIMEOUT]: "silence",
};

/** What a RST with this code means for the connection that gets it. */
export function closeReasonOfReset(code: number): CloseReason {
  return ENDINGS[code] ?? "protocol";
}
