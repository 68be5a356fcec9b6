import {
  decodeSegment,
  encodeHeader,
  Flag,
  PathKind,
  Segment,
} from "../../lib/protocol/wire/segment.ts";
import {
  PREFIX_SIZE,
  writeChecksum,
} from "../../lib/protocol/wire/datagram_prefix.ts";

/** A segment as a test writes it. What is left out is as in a segment that says nothing. */
export interface Draft {
  flags?: number;
  id?: number;
  packetNumber?: number;
  floor?: number;
  seq?: number;
  payload?: Uint8Array;
  ack?: number;
  window?: number;
  /** Milliseconds. */
  ackDelay?: number;
  /** SACK blocks, newest first, right edges exclusive. */
  blocks?: readonly (readonly [start: number, end: number])[];
  maxDatagramSize?: number;
  initialWindow?: number;
  socketMemory?: number;
  cookie?: Uint8Array;
  pathKind?: number;
  pathHigh?: number;
  pathLow?: number;
  /** Bytes of padding, where there can be any: with SYN and PATH. */
  padding?: number;
}

const EMPTY = new Uint8Array(0);

/** The segment that `draft` describes, to be encoded. */
export function segmentOf(draft: Draft): Segment {
  const segment = new Segment();
  segment.flags = draft.flags ?? 0;
  segment.id = draft.id ?? 0;
  segment.packetNumber = draft.packetNumber ?? 0;
  segment.floor = draft.floor ?? 0;
  segment.seq = draft.seq ?? 0;
  segment.payloadLength = draft.payload?.length ?? 0;
  segment.ack = draft.ack ?? 0;
  segment.window = draft.window ?? 0;
  segment.ackDelay = draft.ackDelay ?? 0;
  for (const [start, end] of draft.blocks ?? []) {
    segment.blockStarts[segment.blockCount] = start;
    segment.blockEnds[segment.blockCount++] = end;
  }
  segment.maxDatagramSize = draft.maxDatagramSize ?? 1472;
  segment.initialWindow = draft.initialWindow ?? 2 ** 18;
  segment.socketMemory = draft.socketMemory ?? 2 ** 17;
  segment.cookie = draft.cookie ?? EMPTY;
  segment.pathKind = draft.pathKind ?? 0;
  segment.pathHigh = draft.pathHigh ?? 0;
  segment.pathLow = draft.pathLow ?? 0;
  return segment;
}

/** An answer to a SYN that asks for it with this cookie. */
export function cookieRequest(cookie: Uint8Array): Draft {
  return { flags: Flag.PATH, pathKind: PathKind.COOKIE, cookie };
}

/** The datagram that `draft` describes, with its checksum. */
export function datagramOf(draft: Draft): Uint8Array<ArrayBuffer> {
  const { payload = EMPTY, padding = 0 } = draft;
  const into = new Uint8Array(4_096 + payload.length + padding);
  const header = encodeHeader(segmentOf(draft), into);
  into.set(payload, header);
  const datagram = into.slice(0, header + payload.length + padding);
  mend(datagram);
  return datagram;
}

/** What `datagram` says, in full. It must be well formed. */
export function draftOf(datagram: Uint8Array): Required<Draft> {
  const segment = new Segment();
  const malformation = decodeSegment(datagram, segment);
  if (malformation !== undefined) throw new Error(malformation);
  const { payloadOffset, payloadLength } = segment;
  const end = payloadOffset + payloadLength;
  const acks = segment.has(Flag.ACK);
  const opens = segment.has(Flag.SYN);
  return {
    flags: segment.flags,
    id: segment.id,
    packetNumber: segment.packetNumber,
    floor: segment.floor,
    seq: segment.seq,
    payload: datagram.slice(payloadOffset, end),
    ack: acks ? segment.ack : 0,
    window: acks ? segment.window : 0,
    ackDelay: acks ? segment.ackDelay : 0,
    blocks: blocksOf(segment),
    maxDatagramSize: opens ? segment.maxDatagramSize : 0,
    initialWindow: opens ? segment.initialWindow : 0,
    socketMemory: opens ? segment.socketMemory : 0,
    cookie: segment.cookie.slice(),
    pathKind: segment.has(Flag.PATH) ? segment.pathKind : 0,
    pathHigh: segment.validatesPath ? segment.pathHigh : 0,
    pathLow: segment.validatesPath ? segment.pathLow : 0,
    padding: datagram.length - end,
  };
}

/** The SACK blocks of `segment`, newest first. */
export function blocksOf(segment: Segment): [start: number, end: number][] {
  return Array.from(
    { length: segment.blockCount },
    (_, i) => [segment.blockStarts[i]!, segment.blockEnds[i]!],
  );
}

/** The names of the flags that are set, such as `SYN ACK`. */
export function flagNames(flags: number): string {
  return Object.entries(Flag)
    .filter(([, flag]) => (flags & flag) !== 0)
    .sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b))
    .map(([name]) => name)
    .join(" ");
}

const ORDER = ["SYN", "FIN", "RST", "PATH", "ACK", "PSH", "BLOCKED", "FLOOR"];

/** Makes the length and the checksum of a datagram right again, whatever was done to it. */
export function mend(datagram: Uint8Array): void {
  if (datagram.length >= PREFIX_SIZE) writeChecksum(datagram, datagram.length);
}
