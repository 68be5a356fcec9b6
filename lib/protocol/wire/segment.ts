import {
  readVarint,
  uint32At,
  uint53At,
  varintLength,
} from "../../base/integers.ts";
import { writeUint32, writeUint53, writeVarint } from "../../base/integers.ts";
import { hasRightCrc, writeCrc } from "./checksum.ts";
import { sideLength } from "./side_datagram.ts";

/** The flags of a segment. */
export const Flag = {
  /** The sender's direction ends after this segment's payload. */
  FIN: 1,
  /** Opens a connection. */
  SYN: 2,
  /** Acknowledgement fields are present. */
  ACK: 4,
  /** The connection is over; the payload's first byte is a {@linkcode Reset} code. */
  RST: 8,
  /** Acknowledge at once, and deliver to the application what has arrived (RFC 9293, section 3.9.1.2). */
  PSH: 16,
  /** The receive window will hold the sender up, or does (DATA_BLOCKED of RFC 9000, section 19.12). */
  BLOCKED: 32,
  /** Answers a SYN, which is to be repeated with this cookie (Retry of RFC 9000, section 17.2.5). */
  COOKIE: 64,
  /** Validates a path, or responds to that. */
  PATH: 128,
} as const;

/** The kinds of segments with PATH (RFC 9000, sections 19.17 and 19.18). */
export const PathKind = {
  CHALLENGE: 0,
  RESPONSE: 1,
} as const;

/** Why a connection was reset: the first byte of a RST's payload. */
export const Reset = {
  /** It ended in order: TIME-WAIT is over. */
  DONE: 0,
  /** The receiver has no place for another connection. */
  BUSY: 1,
  /** The application aborted. */
  ABORTED: 2,
  /** There is no such connection. */
  UNKNOWN: 3,
  /** The peer violated the protocol. */
  PROTOCOL: 4,
  /** The receiver does not speak this version. */
  VERSION: 5,
  /** The peer was silent for too long. */
  TIMEOUT: 6,
} as const;

/** The mark of a ferry datagram, with the version in its low half. */
export const WIRE_VERSION = 0xf1;
/** Bytes of a segment's header without optional parts. */
export const SEGMENT_HEADER_SIZE = 38;
/** SACK blocks in one segment, at most. */
export const MAX_SACK_BLOCKS = 256;
/** A SYN is padded to this many bytes, so that the answer is never larger (RFC 9000, section 14.1). */
export const SYN_SIZE = 1200;

const LENGTH_AT = 36;
const ACK_SIZE = 26;
/** Bytes of the part that a SYN adds, without a cookie. */
export const SYN_PART_SIZE = 11;
/** Bytes of the part that PATH adds. */
export const PATH_PART_SIZE = 9;

/**
 * The header of a segment. One object is reused for all datagrams.
 * `lib/protocol/README.md` has the layout.
 */
export class Segment {
  flags = 0;
  idHigh = 0;
  idLow = 0;
  /** Never used twice in one direction of a connection. */
  packetNumber = 0;
  /** Packet numbers below this need no acknowledgement. */
  floor = 0;
  /** Sequence number of the SYN, of the first payload byte, or of the FIN. */
  seq = 0;
  payloadLength = 0;
  /** Offset of the payload in the datagram. */
  payloadOffset = 0;

  /** With ACK: the next sequence number expected. */
  ack = 0;
  /** With ACK: bytes that may be sent from `ack` on. */
  window = 0;
  /** With ACK: milliseconds by which the acknowledgement of the largest packet number was delayed. */
  ackDelay = 0;
  /** With ACK: how many SACK blocks of packet numbers there are, newest first. */
  blockCount = 0;
  readonly blockStarts: Float64Array;
  /** Exclusive right edges. */
  readonly blockEnds: Float64Array;

  /** With SYN: the largest datagram that its sender accepts, in bytes. */
  maxDatagramSize = 0;
  /** With SYN: bytes that may be sent before any acknowledgement. */
  initialWindow = 0;
  /** With SYN: memory of its sender's socket for datagrams that wait to be read, in bytes. */
  socketMemory = 0;
  /** With SYN or COOKIE: the cookie, empty if none. */
  cookie: Uint8Array = EMPTY;

  /** With PATH: one of {@linkcode PathKind}. */
  pathKind: number = PathKind.CHALLENGE;
  /** With PATH: the 64 bits of the challenge. */
  pathHigh = 0;
  pathLow = 0;

  /** @param blocks shares its memory for SACK blocks: the two are never in use at the same time */
  constructor(blocks?: Segment) {
    this.blockStarts = blocks?.blockStarts ?? new Float64Array(MAX_SACK_BLOCKS);
    this.blockEnds = blocks?.blockEnds ?? new Float64Array(MAX_SACK_BLOCKS);
  }

  /** Sequence numbers that it takes: one for each byte of payload, for SYN and for FIN. */
  get sequenceLength(): number {
    return this.payloadLength + ((this.flags & Flag.SYN) !== 0 ? 1 : 0) +
      (this.flags & Flag.FIN);
  }

  /** Whether the peer acknowledges it: it has data, SYN, FIN or PSH. */
  get ackEliciting(): boolean {
    return this.payloadLength > 0 ||
      (this.flags & (Flag.SYN | Flag.FIN | Flag.PSH)) !== 0;
  }

  /** Whether it is to be acknowledged and delivered at once. */
  get pushed(): boolean {
    return (this.flags & (Flag.PSH | Flag.SYN | Flag.FIN)) !== 0;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
}

const EMPTY = new Uint8Array(0);

/** Why a datagram is not a segment. */
export type Malformation =
  | "too short"
  | "not ferry"
  | "other version"
  | "damaged"
  | "malformed";

/**
 * Drops the oldest SACK blocks until the acknowledgement takes no more than
 * `room` bytes.
 *
 * @returns how many bytes it takes
 */
export function fitAck(segment: Segment, room: number): number {
  const { blockStarts, blockEnds } = segment;
  let size = ACK_SIZE;
  for (let i = 0; i < segment.blockCount; i++) {
    if (i > 0) size += varintLength(blockStarts[i - 1]! - blockEnds[i]!);
    size += varintLength(blockEnds[i]! - blockStarts[i]!);
    if (size > room) {
      segment.blockCount = i;
      return fitAck(segment, room);
    }
  }
  return size;
}

/**
 * Writes the header into `into`, setting `segment.payloadOffset`. The payload
 * goes there, then {@linkcode writeChecksum} completes the datagram.
 *
 * @returns the header's length in bytes
 */
export function encodeHeader(segment: Segment, into: Uint8Array): number {
  into[4] = WIRE_VERSION;
  into[5] = segment.flags;
  into[6] = segment.payloadLength >>> 8;
  into[7] = segment.payloadLength;
  writeUint32(into, 8, segment.idHigh);
  writeUint32(into, 12, segment.idLow);
  writeUint53(into, 16, segment.packetNumber);
  writeUint53(into, 24, segment.seq);
  writeUint32(into, 32, segment.packetNumber - segment.floor);
  let at = SEGMENT_HEADER_SIZE;
  if (segment.flags & (Flag.SYN | Flag.COOKIE)) {
    at = encodeSyn(segment, into, at);
  }
  if (segment.flags & Flag.ACK) at = encodeAck(segment, into, at);
  if (segment.flags & Flag.PATH) at = encodePath(segment, into, at);
  segment.payloadOffset = at;
  return at;
}

function encodeSyn(segment: Segment, into: Uint8Array, at: number): number {
  into[at] = segment.maxDatagramSize >>> 8;
  into[at + 1] = segment.maxDatagramSize;
  writeUint32(into, at + 2, segment.initialWindow);
  writeUint32(into, at + 6, segment.socketMemory);
  into[at + 10] = segment.cookie.length;
  into.set(segment.cookie, at + SYN_PART_SIZE);
  return at + SYN_PART_SIZE + segment.cookie.length;
}

function encodePath(segment: Segment, into: Uint8Array, at: number): number {
  into[at] = segment.pathKind;
  writeUint32(into, at + 1, segment.pathHigh);
  writeUint32(into, at + 5, segment.pathLow);
  return at + PATH_PART_SIZE;
}

function encodeAck(segment: Segment, into: Uint8Array, start: number): number {
  const { blockCount, blockStarts, blockEnds } = segment;
  writeUint53(into, start, segment.ack);
  writeUint32(into, start + 8, segment.window);
  writeUint32(into, start + 12, Math.round(segment.ackDelay * 1000));
  writeUint53(into, start + 16, blockCount > 0 ? blockEnds[0]! : 0);
  into[start + 24] = blockCount >>> 8;
  into[start + 25] = blockCount;
  let at = start + ACK_SIZE;
  for (let i = 0; i < blockCount; i++) {
    if (i > 0) at = writeVarint(into, at, blockStarts[i - 1]! - blockEnds[i]!);
    at = writeVarint(into, at, blockEnds[i]! - blockStarts[i]!);
  }
  return at;
}

/** Writes the datagram's length, in bytes, and the checksum over all of it. */
export function writeChecksum(into: Uint8Array, length: number): void {
  into[LENGTH_AT] = length >>> 8;
  into[LENGTH_AT + 1] = length;
  writeCrc(into.subarray(0, length));
}

/**
 * Where the first datagram in `bytes` ends: a kernel may join several of one
 * size (UDP_GRO of Linux).
 */
export function firstDatagram(bytes: Uint8Array): number {
  const side = sideLength(bytes);
  if (side > 0) return Math.min(side, bytes.length);
  const length = statedLength(bytes);
  return length < SEGMENT_HEADER_SIZE
    ? bytes.length
    : Math.min(length, bytes.length);
}

function statedLength(datagram: Uint8Array): number {
  return datagram[LENGTH_AT]! << 8 | datagram[LENGTH_AT + 1]!;
}

/**
 * Decodes a datagram into `segment`, which is valid only if it returns
 * `undefined`. What follows the payload is padding.
 *
 * @returns why the datagram is not a segment, `undefined` if it is one
 */
export function decodeSegment(
  datagram: Uint8Array,
  segment: Segment,
): Malformation | undefined {
  if (datagram.length < SEGMENT_HEADER_SIZE) return "too short";
  if ((datagram[4]! & 0xf0) !== (WIRE_VERSION & 0xf0)) return "not ferry";
  if (!hasRightCrc(datagram)) return "damaged";
  segment.idHigh = uint32At(datagram, 8);
  segment.idLow = uint32At(datagram, 12);
  if (datagram[4] !== WIRE_VERSION) return "other version";
  segment.flags = datagram[5]!;
  segment.payloadLength = datagram[6]! << 8 | datagram[7]!;
  segment.packetNumber = uint53At(datagram, 16);
  segment.seq = uint53At(datagram, 24);
  segment.floor = segment.packetNumber - uint32At(datagram, 32);
  segment.blockCount = 0;
  segment.cookie = EMPTY;
  let at = SEGMENT_HEADER_SIZE;
  if (segment.flags & (Flag.SYN | Flag.COOKIE)) {
    at = decodeSyn(datagram, segment, at);
  }
  if (segment.flags & Flag.ACK) at = decodeAck(datagram, segment, at);
  if (segment.flags & Flag.PATH) at = decodePath(datagram, segment, at);
  segment.payloadOffset = at;
  const wellFormed = statedLength(datagram) === datagram.length &&
    segment.packetNumber < Number.MAX_SAFE_INTEGER &&
    segment.seq <= MAX_SEQ && segment.floor >= 0 &&
    at + segment.payloadLength <= datagram.length;
  return wellFormed ? undefined : "malformed";
}

// Leaves room for a payload, a SYN and a FIN below 2^53.
const MAX_SEQ = 2 ** 53 - 2 ** 17;
// Beyond the end of any datagram, so that the one check at the end fails.
const MALFORMED = 2 ** 20;

function decodeSyn(datagram: Uint8Array, segment: Segment, at: number): number {
  if (at + SYN_PART_SIZE > datagram.length) return MALFORMED;
  segment.maxDatagramSize = datagram[at]! << 8 | datagram[at + 1]!;
  segment.initialWindow = uint32At(datagram, at + 2);
  segment.socketMemory = uint32At(datagram, at + 6);
  const end = at + SYN_PART_SIZE + datagram[at + 10]!;
  if (end > datagram.length) return MALFORMED;
  // A stream begins at 0; and a datagram smaller than a SYN might not hold a header.
  const opens = segment.has(Flag.SYN);
  if (opens && (segment.seq > 0 || segment.maxDatagramSize < SYN_SIZE)) {
    return MALFORMED;
  }
  segment.cookie = datagram.subarray(at + SYN_PART_SIZE, end);
  return end;
}

function decodePath(
  datagram: Uint8Array,
  segment: Segment,
  at: number,
): number {
  if (at + PATH_PART_SIZE > datagram.length) return MALFORMED;
  const kind = datagram[at]!;
  const carriesMore = segment.payloadLength > 0 ||
    segment.has(Flag.SYN | Flag.FIN | Flag.RST | Flag.COOKIE);
  if (kind > PathKind.RESPONSE || carriesMore) return MALFORMED;
  segment.pathKind = kind;
  segment.pathHigh = uint32At(datagram, at + 1);
  segment.pathLow = uint32At(datagram, at + 5);
  return at + PATH_PART_SIZE;
}

function decodeAck(
  datagram: Uint8Array,
  segment: Segment,
  start: number,
): number {
  if (start + ACK_SIZE > datagram.length) return MALFORMED;
  segment.ack = uint53At(datagram, start);
  segment.window = uint32At(datagram, start + 8);
  segment.ackDelay = uint32At(datagram, start + 12) / 1000;
  let edge = uint53At(datagram, start + 16);
  const count = datagram[start + 24]! << 8 | datagram[start + 25]!;
  if (
    count > MAX_SACK_BLOCKS || segment.ack > MAX_SEQ ||
    edge > Number.MAX_SAFE_INTEGER
  ) return MALFORMED;
  const cursor = { at: start + ACK_SIZE };
  for (let i = 0; i < count; i++) {
    const gap = i > 0 ? readVarint(datagram, cursor) : 0;
    const length = readVarint(datagram, cursor);
    segment.blockEnds[i] = edge - gap;
    edge -= gap + length;
    // An empty gap would join two blocks, and an empty block is none.
    if (edge < 0 || length === 0 || (i > 0 && gap === 0)) return MALFORMED;
    segment.blockStarts[i] = edge;
  }
  segment.blockCount = count;
  return cursor.at;
}
