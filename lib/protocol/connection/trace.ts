import { Flag, type Segment } from "../wire/segment.ts";
import type { DropReason, Verdict } from "./verdict.ts";

/** What happened to a datagram: one line of `--trace`. */
export interface TraceEvent {
  /** It was sent, received, or received and dropped. */
  readonly what: "SEND" | "RECV" | "DROP";
  /** Milliseconds on the endpoint's clock. */
  readonly time: number;
  /** The sequence number of its first byte. */
  readonly seq: number;
  /** The next sequence number expected, 0 without the flag ACK. */
  readonly ack: number;
  /** The connection id, 16 hexadecimal digits. */
  readonly connection: string;
  /** FIN 1, SYN 2, ACK 4, RST 8, and the flags that are ferry's own. */
  readonly flags: number;
  /** Payload bytes. */
  readonly length: number;
  /** Whether it carries bytes which an earlier datagram carried. */
  readonly duplicate: boolean;
  /** Why it was dropped. */
  readonly reason?: DropReason;
}

/** The event of a datagram that was sent. */
export function traceSent(
  time: number,
  segment: Segment,
  duplicate: boolean,
): TraceEvent {
  return { what: "SEND", time, ...fieldsOf(segment), duplicate };
}

/** The event of a datagram that arrived. */
export function traceReceived(
  time: number,
  segment: Segment,
  verdict: Verdict,
): TraceEvent {
  const fields = fieldsOf(segment);
  if ("reason" in verdict) {
    const { reason } = verdict;
    return { what: "DROP", time, ...fields, duplicate: false, reason };
  }
  const duplicate = verdict.kind === "duplicate";
  return { what: "RECV", time, ...fields, duplicate };
}

function fieldsOf(segment: Segment) {
  const { seq, ack, idHigh, idLow, flags, payloadLength } = segment;
  return {
    seq,
    ack: segment.has(Flag.ACK) ? ack : 0,
    connection: hexOf(idHigh) + hexOf(idLow),
    flags,
    length: payloadLength,
  };
}

function hexOf(half: number): string {
  return half.toString(16).padStart(8, "0");
}
