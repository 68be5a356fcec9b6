import { frame } from "../../base/frame.ts";
import { Failure } from "../../base/failure.ts";
import { modeIn, sizeIn, timeIn } from "./entries.ts";
import { Fields, FieldWriter, readInt64, Tag, writeInt64 } from "./fields.ts";
import { FrameType, SHA256_SIZE } from "./frame.ts";
import { malformed } from "./malformed.ts";
import { decodeName, NameOrder } from "./names.ts";
import type { Timestamp } from "./timestamp.ts";
import { utf8 } from "../../base/utf8.ts";

/** The version of the transfer that is spoken here. */
export const TRANSFER_VERSION = 3;

/** In the order of their numbers. */
const OFFER_KINDS: readonly OfferKind[] = ["stream", "file", "tree"];

/**
 * What is offered: a stream, which has no name; a file; or a tree, which is files
 * and directories that have names of their own.
 */
export type OfferKind = "stream" | "file" | "tree";

/** What a sender offers. */
export interface Offer {
  /** What it is. */
  readonly kind: OfferKind;
  /**
   * Names outside of all directories, in order, as many as an offer has room for;
   * a stream has none.
   */
  readonly names: readonly string[];
  /** How many entries there are outside of all directories, at least 1. */
  readonly count: number;
  /** In bytes; of all files of a tree, where they were counted. */
  readonly size?: number | undefined;
  /** How many files a tree has, where they were counted. */
  readonly files?: number | undefined;
  /** Permission bits of a file, 0 to 0o777, for who decides on the offer. */
  readonly mode?: number | undefined;
  /** When a file was last changed, for who decides on the offer. */
  readonly mtime?: Timestamp | undefined;
  /** Whether the sender can leave out what the receiver has already. */
  readonly resumable?: boolean | undefined;
  /** The key by which the sender is known when it comes again. */
  readonly attempt?: Attempt | undefined;
}

/**
 * A key that the sender keeps, and the proof that it has it. What is signed is
 * for the caller to say.
 */
export interface Attempt {
  /** {@linkcode ATTEMPT_KEY_SIZE} bytes. */
  readonly key: Uint8Array;
  /** {@linkcode ATTEMPT_PROOF_SIZE} bytes. */
  readonly proof: Uint8Array;
}

export const ATTEMPT_KEY_SIZE = 32;
export const ATTEMPT_PROOF_SIZE = 64;

/** What an offer is called where there is room for one name; undefined for a stream. */
export function titleOf({ names, count }: Offer): string | undefined {
  return count > 1 ? `${names[0]} and ${count - 1} more` : names[0];
}

/** Bytes of names in an offer, at most. */
const MAX_NAMES_SIZE = 1 << 13;

/** What both sides compare at the end. */
export interface Digest {
  /** Bytes of all content. */
  readonly bytes: number;
  /** 64 hexadecimal digits, as of `TransferDigest`. */
  readonly sha256: string;
  /** How many files were stored. */
  readonly files: number;
  /** At the end of a receiver: how many of these were there before, and stay as they are. */
  readonly existing?: number | undefined;
}

/** What a sender says at the end. */
export interface SentDigest extends Digest {
  /** How many entries of a tree the sender could not send. */
  readonly omitted: number;
}

export function encodeOffer(offer: Offer): Uint8Array {
  const fields = new FieldWriter(TRANSFER_VERSION)
    .uint8(Tag.KIND, OFFER_KINDS.indexOf(offer.kind))
    .int64(Tag.COUNT, offer.count)
    .int64(Tag.SIZE, offer.size)
    .int64(Tag.FILES, offer.files)
    .int64(Tag.MODE, offer.mode)
    .time(offer.mtime);
  if (offer.names.length > 0) fields.bytes(Tag.NAMES, joined(offer.names));
  if (offer.attempt !== undefined) {
    const { key, proof } = offer.attempt;
    fields.bytes(Tag.ATTEMPT, Uint8Array.of(...key, ...proof));
  }
  if (offer.resumable) fields.uint8(Tag.RESUMABLE, 1);
  return frame(FrameType.OFFER, fields.finish());
}

/** As many names as there is room for, with a slash between them. */
function joined(names: readonly string[]): Uint8Array {
  let length = 0;
  const fits = (name: string) =>
    (length += utf8(name).length + 1) <= MAX_NAMES_SIZE;
  const end = names.findIndex((name) => !fits(name));
  return utf8(names.slice(0, end < 0 ? undefined : end).join("/"));
}

/**
 * Decodes the body of an OFFER frame.
 *
 * @throws {Failure} `version-mismatch`, `malformed` or `name-refused`
 */
export function decodeOffer(body: Uint8Array): Offer {
  const [theirs] = body;
  if (theirs === undefined) throw malformed("an offer is empty");
  if (theirs !== TRANSFER_VERSION) throw versionMismatch(theirs);
  const fields = new Fields(body.subarray(1));
  const kind = OFFER_KINDS[fields.uint8(Tag.KIND) ?? -1];
  if (kind === undefined) throw malformed("an offer is of an unknown kind");
  const names = namesIn(fields);
  const count = sizeIn(fields, Tag.COUNT) ?? 0;
  const most = kind === "tree" ? Infinity : 1;
  if (count < Math.max(1, names.length) || count > most) {
    throw malformed("an offer has a count that cannot be");
  }
  if ((kind === "stream") !== (names.length === 0)) {
    throw malformed("a stream has a name, or something else has none");
  }
  return {
    kind,
    names,
    count,
    size: sizeIn(fields, Tag.SIZE),
    files: sizeIn(fields, Tag.FILES),
    mode: modeIn(fields),
    mtime: timeIn(fields),
    resumable: fields.uint8(Tag.RESUMABLE) === 1,
    attempt: attemptIn(fields),
  };
}

const SLASH = 0x2f;

function namesIn(fields: Fields): string[] {
  const bytes = fields.bytes(Tag.NAMES);
  if (bytes === undefined) return [];
  const names: string[] = [];
  const order = new NameOrder();
  for (let start = 0; start <= bytes.length;) {
    const slash = bytes.indexOf(SLASH, start);
    const end = slash < 0 ? bytes.length : slash;
    const name = decodeName(bytes.subarray(start, end));
    order.next(name);
    names.push(name);
    start = end + 1;
  }
  return names;
}

function attemptIn(fields: Fields): Attempt | undefined {
  const bytes = fields.bytes(Tag.ATTEMPT);
  if (bytes === undefined) return undefined;
  if (bytes.length !== ATTEMPT_KEY_SIZE + ATTEMPT_PROOF_SIZE) {
    throw malformed("ATTEMPT has another length");
  }
  // The frame's memory is used again
  const copy = bytes.slice();
  return {
    key: copy.subarray(0, ATTEMPT_KEY_SIZE),
    proof: copy.subarray(ATTEMPT_KEY_SIZE),
  };
}

/** What a receiver says when it accepts an offer. */
export interface Acceptance {
  /** Whether it has something of it already. */
  readonly resume: boolean;
  /** How fast it wants to be sent to at most, in bytes per second. */
  readonly maxRate?: number | undefined;
}

export function encodeAccept({ resume, maxRate }: Acceptance): Uint8Array {
  const fields = new FieldWriter().int64(Tag.RATE, maxRate);
  if (resume) fields.uint8(Tag.RESUME, 1);
  return frame(FrameType.ACCEPT, fields.finish());
}

/**
 * Decodes the body of an ACCEPT frame.
 *
 * @throws {Failure} `malformed`
 */
export function decodeAccept(body: Uint8Array): Acceptance {
  const fields = new Fields(body);
  const resume = fields.uint8(Tag.RESUME) === 1;
  const maxRate = fields.int64(Tag.RATE);
  if (maxRate === undefined) return { resume };
  if (maxRate <= 0) throw malformed("a rate is not positive");
  return { resume, maxRate };
}

/** Encodes an END or DONE frame. */
export function encodeDigest(
  type: number,
  { bytes, sha256, files, existing, omitted }: Digest & Partial<SentDigest>,
): Uint8Array {
  const fields = new FieldWriter().int64(Tag.BYTES, bytes)
    .bytes(Tag.SHA256, Uint8Array.fromHex(sha256)).int64(Tag.FILES, files)
    .int64(Tag.OMITTED, omitted).int64(Tag.EXISTING, existing);
  return frame(type, fields.finish());
}

/**
 * Decodes the body of an END or DONE frame.
 *
 * @throws {Failure} `malformed`
 */
export function decodeDigest(body: Uint8Array): SentDigest {
  const fields = new Fields(body);
  const bytes = sizeIn(fields, Tag.BYTES);
  const sha256 = fields.bytes(Tag.SHA256);
  const files = sizeIn(fields, Tag.FILES);
  if (
    bytes === undefined || files === undefined ||
    sha256?.length !== SHA256_SIZE
  ) throw malformed("END or DONE lacks a field");
  const omitted = sizeIn(fields, Tag.OMITTED) ?? 0;
  const existing = sizeIn(fields, Tag.EXISTING);
  return {
    bytes,
    sha256: sha256.toHex(),
    files,
    omitted,
    ...existing !== undefined && { existing },
  };
}

/** How much a tree has, as its sender has counted while it sends. */
export interface Total {
  readonly files: number;
  /** Of all files. */
  readonly bytes: number;
}

export function encodeTotal({ files, bytes }: Total): Uint8Array {
  return new FieldWriter().int64(Tag.BYTES, bytes).int64(Tag.FILES, files)
    .finish();
}

/**
 * Decodes the body of TOTAL.
 *
 * @throws {Failure} `malformed`
 */
export function decodeTotal(body: Uint8Array): Total {
  const fields = new Fields(body);
  const bytes = sizeIn(fields, Tag.BYTES);
  const files = sizeIn(fields, Tag.FILES);
  if (bytes === undefined || files === undefined) {
    throw malformed("TOTAL lacks a field");
  }
  return { files, bytes };
}

/** In an OFFSETS frame: the receiver seems to have the whole file. */
export const WHOLE = -1;
/** In an OFFSETS frame: a file of that name and size was there before, and is to be compared. */
export const EXISTING = -2;

/** Encodes the body of OFFSETS or RESUME_AT. */
export function encodeOffsets(...offsets: number[]): Uint8Array {
  const body = new Uint8Array(8 * offsets.length);
  for (const [at, offset] of offsets.entries()) {
    writeInt64(body, 8 * at, offset);
  }
  return body;
}

/**
 * Decodes the body of RESUME_AT.
 *
 * @returns {@linkcode WHOLE} where nothing of the file is sent
 * @throws {Failure} `malformed`
 */
export function decodeResumeAt(body: Uint8Array): number {
  const offset = readInt64(body);
  if (body.length !== 8 || offset < WHOLE) {
    throw malformed("RESUME_AT has no such offset");
  }
  return offset;
}

/** The failure to understand a peer that speaks another version. */
export function versionMismatch(theirs: number | undefined): Failure {
  const layer = "transfer";
  const ours = TRANSFER_VERSION;
  const versions = theirs === undefined ? { ours } : { ours, theirs };
  return new Failure({ code: "version-mismatch", layer, ...versions });
}
