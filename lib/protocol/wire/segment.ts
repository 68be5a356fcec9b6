import {
  uint16At,
  uint32At,
  varintAt,
  varintLength,
  varintLengthAt,
  writeUint16,
  writeUint32,
  writeVarint,
} from "../../base/integers.ts";
import {
  hasRightCrc,
  MARK_AT,
  PREFIX_SIZE,
  statedLength,
} from "./datagram_prefix.ts";

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
  /** The floor is present. */
  FLOOR: 64,
  /** About the path: one of {@linkcode PathKind}. */
  PATH: 128,
} as const;

export const PathKind = {
  /** RFC 9000, section 19.17 */
  CHALLENGE: 0,
  /** RFC 9000, section 19.18 */
  RESPONSE: 1,
  /** A probe packet of path MTU discovery (RFC 8899, section 4.1). */
  PROBE: 2,
  /** Answers a SYN, which is to be repeated with this cookie (Retry of RFC 9000, section 17.2.5). */
  COOKIE: 3,
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

/** The version, which a SYN states. */
export const WIRE_VERSION = 1;
/** Bytes of a segment's header without optional parts, at least. */
export const MIN_HEADER_SIZE = 13;
/** Bytes of a segment's header without optional parts, at most. */
export const MAX_HEADER_SIZE = 35;
/** SACK blocks in one segment, at most. */
export const MAX_SACK_BLOCKS = 256;
/** A SYN is padded to this many bytes, so that the answer is never larger (RFC 9000, section 14.1). */
export const SYN_SIZE = 1200;

/** Bytes of the part that a SYN adds, without a cookie. */
export const SYN_PART_SIZE = 14;

const ID_AT = PREFIX_SIZE;
// Where the packet number begins, which the sequence number follows.
const NUMBERS_AT = ID_AT + 4;

/**
 * The header of a segment. One object is reused for all datagrams.
 * `lib/protocol/README.md` has the layout.
 */
export class Segment {
  flags = 0;
  /** Names the connection: 32 bits. */
  id = 0;
  /** Never used twice in one direction of a connection. */
  packetNumber = 0;
  /** With FLOOR: packet numbers below this need no acknowledgement. 0 without it. */
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
  /** With SYN or PATH: the cookie, empty if none. */
  cookie: Uint8Array = EMPTY;

  /** With PATH: one of {@linkcode PathKind}. */
  pathKind: number = PathKind.CHALLENGE;
  /** With a path challenge or its response: the 64 bits of the challenge. */
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

  /** Whether it is a challenge or the response to one. */
  get validatesPath(): boolean {
    return this.has(Flag.PATH) && this.pathKind <= PathKind.RESPONSE;
  }

  /** Whether it asks for a SYN with its cookie. */
  get asksForCookie(): boolean {
    return this.has(Flag.PATH) && this.pathKind === PathKind.COOKIE;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
}

const EMPTY = new Uint8Array(0);
// No segment has both: datagrams of the other protocols on a socket do.
const NO_SEGMENT = Flag.SYN | Flag.RST;

/** Why a datagram is not a segment. */
export type Malformation =
  | "too short"
  | "not ferry"
  | "other version"
  | "damaged"
  | "malformed";

/** Bytes of the header of `segment` without optional parts. */
export function headerSize(segment: Segment): number {
  return NUMBERS_AT + numberLength(segment.packetNumber) +
    numberLength(segment.seq);
}

/** Bytes that the floor of `segment` takes. */
export function floorSize({ packetNumber, floor }: Segment): number {
  return varintLength(packetNumber - floor);
}

/** @param cookie bytes of the cookie, where there is one */
export function pathPartSize(kind: number, cookie = 0): number {
  switch (kind) {
    case PathKind.PROBE:
      return 1;
    case PathKind.COOKIE:
      return 2 + cookie;
    default:
      return 9;
  }
}

/**
 * Drops the oldest SACK blocks until the acknowledgement takes no more than
 * `room` bytes.
 *
 * @returns how many bytes it takes
 */
export function fitAck(segment: Segment, room: number): number {
  const { blockStarts, blockEnds, blockCount } = segment;
  const edge = blockCount > 0 ? blockEnds[0]! : 0;
  let size = numberLength(segment.ack) + 4 +
    varintLength(microseconds(segment.ackDelay)) + numberLength(edge) +
    varintLength(blockCount);
  for (let i = 0; i < blockCount; i++) {
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
 * goes there, then `writeChecksum` completes the datagram.
 *
 * @returns the header's length in bytes
 */
export function encodeHeader(segment: Segment, into: Uint8Array): number {
  const { flags, packetNumber } = segment;
  into[MARK_AT] = flags;
  writeUint32(into, ID_AT, segment.id);
  let at = writeNumber(into, NUMBERS_AT, packetNumber);
  at = writeNumber(into, at, segment.seq);
  if (flags & Flag.SYN) at = encodeSyn(segment, into, at);
  if (flags & Flag.FLOOR) {
    at = writeVarint(into, at, packetNumber - segment.floor);
  }
  if (flags & Flag.ACK) at = encodeAck(segment, into, at);
  if (flags & Flag.PATH) at = encodePath(segment, into, at);
  segment.payloadOffset = at;
  return at;
}

// Packet and sequence numbers have 4 bytes, or 8: were they the shortest that
// they could be, what was sent might not fit into the datagram that repeats it.
function numberLength(value: number): number {
  return value < 2 ** 30 ? 4 : 8;
}

function writeNumber(into: Uint8Array, at: number, value: number): number {
  return writeVarint(into, at, value, numberLength(value));
}

function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}

function encodeSyn(segment: Segment, into: Uint8Array, at: number): number {
  into[at] = WIRE_VERSION;
  writeUint16(into, at + 1, segment.payloadLength);
  writeUint16(into, at + 3, segment.maxDatagramSize);
  writeUint32(into, at + 5, segment.initialWindow);
  writeUint32(into, at + 9, segment.socketMemory);
  return encodeCookie(segment, into, at + 13);
}

function encodePath(segment: Segment, into: Uint8Array, at: number): number {
  into[at] = segment.pathKind;
  if (segment.asksForCookie) return encodeCookie(segment, into, at + 1);
  if (segment.validatesPath) {
    writeUint32(into, at + 1, segment.pathHigh);
    writeUint32(into, at + 5, segment.pathLow);
  }
  return at + pathPartSize(segment.pathKind);
}

function encodeCookie(
  { cookie }: Segment,
  into: Uint8Array,
  at: number,
): number {
  into[at] = cookie.length;
  into.set(cookie, at + 1);
  return at + 1 + cookie.length;
}

function encodeAck(segment: Segment, into: Uint8Array, start: number): number {
  const { blockCount, blockStarts, blockEnds } = segment;
  let at = writeNumber(into, start, segment.ack);
  writeUint32(into, at, segment.window);
  at = writeVarint(into, at + 4, microseconds(segment.ackDelay));
  at = writeNumber(into, at, blockCount > 0 ? blockEnds[0]! : 0);
  at = writeVarint(into, at, blockCount);
  for (let i = 0; i < blockCount; i++) {
    if (i > 0) at = writeVarint(into, at, blockStarts[i - 1]! - blockEnds[i]!);
    at = writeVarint(into, at, blockEnds[i]! - blockStarts[i]!);
  }
  return at;
}

/** Whether the mark of a datagram is that of a segment: not of another protocol. */
export function mayBeSegment(datagram: Uint8Array): boolean {
  return datagram.length >= MIN_HEADER_SIZE &&
    (datagram[MARK_AT]! & NO_SEGMENT) !== NO_SEGMENT;
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
  if (datagram.length < MIN_HEADER_SIZE) return "too short";
  if (!mayBeSegment(datagram)) return "not ferry";
  if (!hasRightCrc(datagram)) return "damaged";
  const flags = datagram[MARK_AT]!;
  segment.flags = flags;
  segment.id = uint32At(datagram, ID_AT);
  let at = decodeNumbers(datagram, segment);
  segment.blockCount = 0;
  segment.cookie = EMPTY;
  if (flags & Flag.SYN) {
    const version = at < datagram.length ? datagram[at] : WIRE_VERSION;
    if (version !== WIRE_VERSION) return "other version";
    at = decodeSyn(datagram, segment, at);
  }
  at = decodeFloor(datagram, segment, at);
  if (flags & Flag.ACK) at = decodeAck(datagram, segment, at);
  if (flags & Flag.PATH) at = decodePath(datagram, segment, at);
  segment.payloadOffset = at;
  if (!segment.has(Flag.SYN | Flag.PATH)) {
    segment.payloadLength = datagram.length - at;
  }
  const wellFormed = statedLength(datagram) === datagram.length &&
    at <= datagram.length && at + segment.payloadLength <= datagram.length;
  return wellFormed ? undefined : "malformed";
}

function decodeNumbers(datagram: Uint8Array, segment: Segment): number {
  const packetNumber = varintAt(datagram, NUMBERS_AT);
  const at = NUMBERS_AT + varintLengthAt(datagram, NUMBERS_AT);
  segment.packetNumber = packetNumber;
  segment.seq = varintAt(datagram, at);
  const wellFormed = packetNumber < Number.MAX_SAFE_INTEGER &&
    segment.seq <= MAX_SEQ;
  return wellFormed ? at + varintLengthAt(datagram, at) : MALFORMED;
}

// Leaves room for a payload, a SYN and a FIN below 2^53.
const MAX_SEQ = 2 ** 53 - 2 ** 17;
// Beyond the end of any datagram, so that the one check at the end fails.
const MALFORMED = 2 ** 20;

function decodeFloor(
  datagram: Uint8Array,
  segment: Segment,
  at: number,
): number {
  segment.floor = 0;
  if (!segment.has(Flag.FLOOR)) return at;
  segment.floor = segment.packetNumber - varintAt(datagram, at);
  return segment.floor < 0 ? MALFORMED : at + varintLengthAt(datagram, at);
}

function decodeSyn(datagram: Uint8Array, segment: Segment, at: number): number {
  if (at + SYN_PART_SIZE > datagram.length) return MALFORMED;
  segment.payloadLength = uint16At(datagram, at + 1);
  segment.maxDatagramSize = uint16At(datagram, at + 3);
  segment.initialWindow = uint32At(datagram, at + 5);
  segment.socketMemory = uint32At(datagram, at + 9);
  // A stream begins at 0; and a datagram smaller than a SYN might not hold a header.
  if (segment.seq > 0 || segment.maxDatagramSize < SYN_SIZE) return MALFORMED;
  return decodeCookie(datagram, segment, at + 13);
}

function decodeCookie(
  datagram: Uint8Array,
  segment: Segment,
  at: number,
): number {
  const end = at + 1 + datagram[at]!;
  if (!(end <= datagram.length)) return MALFORMED;
  segment.cookie = datagram.subarray(at + 1, end);
  return end;
}

function decodePath(
  datagram: Uint8Array,
  segment: Segment,
  at: number,
): number {
  const kind = datagram[at]!;
  if (
    !(kind <= PathKind.COOKIE) || segment.has(Flag.SYN | Flag.FIN | Flag.RST)
  ) {
    return MALFORMED;
  }
  segment.pathKind = kind;
  segment.payloadLength = 0;
  if (kind === PathKind.COOKIE) return decodeCookie(datagram, segment, at + 1);
  const end = at + pathPartSize(kind);
  if (end > datagram.length) return MALFORMED;
  if (segment.validatesPath) {
    segment.pathHigh = uint32At(datagram, at + 1);
    segment.pathLow = uint32At(datagram, at + 5);
  }
  return end;
}

function decodeAck(
  datagram: Uint8Array,
  segment: Segment,
  start: number,
): number {
  let at = start;
  const varint = () => {
    const value = varintAt(datagram, at);
    at += varintLengthAt(datagram, at);
    return value;
  };
  segment.ack = varint();
  segment.window = uint32At(datagram, at);
  at += 4;
  segment.ackDelay = varint() / 1000;
  let edge = varint();
  const count = varint();
  if (
    count > MAX_SACK_BLOCKS || segment.ack > MAX_SEQ ||
    edge > Number.MAX_SAFE_INTEGER
  ) return MALFORMED;
  for (let i = 0; i < count; i++) {
    const gap = i > 0 ? varint() : 0;
    const length = varint();
    segment.blockEnds[i] = edge - gap;
    edge -= gap + length;
    // An empty gap would join two blocks, and an empty block is none.
    if (edge < 0 || length === 0 || (i > 0 && gap === 0)) return MALFORMED;
    segment.blockStarts[i] = edge;
  }
  segment.blockCount = count;
  return at;
}
