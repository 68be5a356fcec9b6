import { Flag, PathKind, Reset, type Segment } from "../wire/segment.ts";
import type { DropReason, Verdict } from "./verdict.ts";

/** What happened to a datagram: one line of `--trace`. */
export interface TraceEvent {
  /** It was sent, received, received and dropped, or sent before and declared lost. */
  readonly what: "SEND" | "RECV" | "DROP" | "LOST";
  /** Milliseconds on the endpoint's clock. */
  readonly time: number;
  /** Its packet number. */
  readonly packet: number;
  /** The sequence number of its first byte; 0 of one that is lost. */
  readonly seq: number;
  /** The next sequence number expected, 0 without the flag ACK. */
  readonly ack: number;
  /** The connection id, 8 hexadecimal digits. */
  readonly connection: string;
  /** FIN 1, SYN 2, ACK 4, RST 8, and the flags that are ferry's own. */
  readonly flags: number;
  /** What it says of the path, with the flag PATH. */
  readonly path: "CHALLENGE" | "RESPONSE" | "PROBE" | "COOKIE" | undefined;
  /** Payload bytes. */
  readonly length: number;
  /** Bytes of the datagram. */
  readonly size: number;
  /** Bytes that may be sent from `ack` on; undefined without the flag ACK. */
  readonly window: number | undefined;
  /** Packet numbers that it acknowledges, newest first: pairs with exclusive right edges. */
  readonly sackBlocks: readonly (readonly [number, number])[];
  /** Why the connection is over, with the flag RST: `done` for one that ended in order. */
  readonly reset: string | undefined;
  /** Whether it carries bytes which an earlier datagram carried. */
  readonly duplicate: boolean;
  /** Why it was dropped. */
  readonly reason?: DropReason;
}

/** The event of a datagram that was sent. */
export function traceSent(
  time: number,
  segment: Segment,
  datagram: Uint8Array,
  duplicate: boolean,
): TraceEvent {
  return { what: "SEND", time, ...fieldsOf(segment, datagram), duplicate };
}

/** The event of a datagram that arrived. */
export function traceReceived(
  time: number,
  segment: Segment,
  datagram: Uint8Array,
  verdict: Verdict,
): TraceEvent {
  const fields = fieldsOf(segment, datagram);
  if ("reason" in verdict) {
    const { reason } = verdict;
    return { what: "DROP", time, ...fields, duplicate: false, reason };
  }
  const duplicate = verdict.kind === "duplicate";
  return { what: "RECV", time, ...fields, duplicate };
}

/** The event of a packet of `segment`'s connection that is declared lost. */
export function traceLost(
  time: number,
  { id }: Pick<Segment, "id">,
  packet: number,
  size: number,
): TraceEvent {
  return {
    what: "LOST",
    time,
    packet,
    seq: 0,
    ack: 0,
    connection: hexOf(id),
    flags: 0,
    path: undefined,
    length: 0,
    size,
    window: undefined,
    sackBlocks: [],
    reset: undefined,
    duplicate: false,
  };
}

function fieldsOf(segment: Segment, datagram: Uint8Array) {
  const { seq, ack, id, flags, payloadLength } = segment;
  const { blockStarts, blockEnds, blockCount, payloadOffset } = segment;
  const acks = segment.has(Flag.ACK);
  const resets = segment.has(Flag.RST) && payloadLength > 0;
  return {
    packet: segment.packetNumber,
    seq,
    ack: acks ? ack : 0,
    connection: hexOf(id),
    flags,
    path: segment.has(Flag.PATH)
      ? nameOf(PathKind, segment.pathKind)
      : undefined,
    length: payloadLength,
    size: datagram.length,
    window: acks ? segment.window : undefined,
    sackBlocks: Array.from(
      { length: acks ? blockCount : 0 },
      (_, at) => [blockStarts[at]!, blockEnds[at]!] as const,
    ),
    reset: resets ? resetName(datagram[payloadOffset]!) : undefined,
  };
}

/** The name of `value` in a table of the wire format. */
function nameOf<Name extends string>(
  table: Readonly<Record<Name, number>>,
  value: number,
): Name | undefined {
  return (Object.keys(table) as Name[]).find((name) => table[name] === value);
}

function resetName(code: number): string {
  return nameOf(Reset, code)?.toLowerCase() ?? String(code);
}

function hexOf(id: number): string {
  return id.toString(16).padStart(8, "0");
}
