import { Failure } from "../../base/failure.ts";
import { Fields, FieldWriter, malformed, Tag } from "./fields.ts";
import { frame, FrameType } from "./frame.ts";
import type { Timestamp } from "./timestamp.ts";
import {
  checkedMode,
  checkedName,
  checkedSize,
  checkedTime,
  cleanText,
  NameOrder,
} from "./name_validation.ts";

/** The version of the conversation that is spoken here. */
export const VERSION = 1;

const Kind = { STREAM: 0, FILE: 1, TREE: 2 } as const;

/**
 * What a sender offers: a tree of files and directories, a file, or a stream of
 * which nothing may be known.
 */
export interface Offer {
  /** A tree has entries of its own, and neither mode nor time. */
  readonly tree?: TreeOffer;
  /** One path component: of a file, or the first one of a tree. */
  readonly name?: string;
  /** In bytes; of all files of a tree, where they were counted. */
  readonly size?: number;
  /** Permission bits, 0 to 0o777. */
  readonly mode?: number;
  /** When it was last changed. */
  readonly mtime?: Timestamp;
  /** Whether the sender can leave out what the receiver has already. */
  readonly resumable?: boolean;
  /** Who goes on with this, should it break. */
  readonly attempt?: Attempt;
}

/**
 * A key that the sender keeps, so that it is known again, and the proof that it
 * has it; what they have to be is for the caller to say.
 */
export interface Attempt {
  /** {@linkcode ATTEMPT_KEY_SIZE} bytes. */
  readonly key: Uint8Array;
  /** {@linkcode ATTEMPT_PROOF_SIZE} bytes. */
  readonly proof: Uint8Array;
}

export const ATTEMPT_KEY_SIZE = 32;
export const ATTEMPT_PROOF_SIZE = 64;

/** What is known of a tree from the start. */
export interface TreeOffer {
  /** How many entries there are outside of all directories, at least 1. */
  readonly count: number;
  /** Their names in order, as many of them as an offer has room for. */
  readonly names: readonly string[];
  /** How many files there are in all, where they were counted. */
  readonly files?: number;
}

/** What is offered, in words; undefined for a stream. */
export function titleOf({ name, tree }: Offer): string | undefined {
  const more = (tree?.count ?? 1) - 1;
  return more > 0 ? `${name} and ${more} more` : name;
}

/** Bytes of names in an offer, at most. */
const MAX_NAMES = 1 << 13;

/** What both sides compare in the end. */
export interface Digest {
  /** How many bytes the content has. */
  readonly bytes: number;
  /** 64 hexadecimal digits: of the content, or of a tree as {@linkcode TreeDigest} has it. */
  readonly sha256: string;
  /** How many files a tree has. */
  readonly files?: number;
}

/** What a sender says in the end. */
export interface Ending extends Digest {
  /** How many entries of a tree the sender left out. */
  readonly omitted: number;
}

/** Why a side does not go on, as it is said to the other. */
export const Reason = {
  OTHER: 0,
  VERSION: 1,
  MALFORMED: 2,
  EXISTS: 3,
  UNUSABLE: 4,
  FULL: 5,
  CLOSED: 6,
  CORRUPT: 7,
  SOURCE: 8,
  NAME: 9,
  TREE: 10,
  DIRECTORY: 11,
  READONLY: 12,
  DENIED: 13,
  TAKEN: 14,
  DECLINED: 15,
  STRANGER: 16,
  HIDDEN: 17,
  BUSY: 18,
} as const;

/** How much of a path is said to a peer, in characters. */
const MAX_ABOUT = 100;

/** Words for a peer, which must not learn more of this machine than it needs: no paths. */
const WORDS: Record<number, string> = {
  [Reason.OTHER]: "no reason was given",
  [Reason.VERSION]: `version ${VERSION} of the transfer is spoken here`,
  [Reason.MALFORMED]: "it was sent a message that breaks the rules",
  [Reason.EXISTS]: "a file of that name is there already",
  [Reason.UNUSABLE]: "the file cannot be written there",
  [Reason.FULL]: "its disk is full",
  [Reason.CLOSED]: "its output was closed",
  [Reason.CORRUPT]: "what arrived is not what was sent",
  [Reason.SOURCE]: "what was being sent could not be read to its end",
  [Reason.DIRECTORY]: "a directory of that name is there already",
  [Reason.READONLY]: "its file system is read-only",
  [Reason.DENIED]: "it is not permitted to write there",
  [Reason.TAKEN]: "another sender sends the same right now",
  [Reason.NAME]: "a name is not allowed there",
  [Reason.DECLINED]: "the person there declined",
  [Reason.STRANGER]:
    "nobody there can be asked, and without a code it takes no names from others; start it with --code, -o FILE or --yes",
  [Reason.HIDDEN]:
    "without a code it takes no name that begins with a dot; start it with --code or -o FILE",
  [Reason.BUSY]: "it serves somebody else",
  [Reason.TREE]:
    "it takes one stream or one file; for more, run ferry receive -d DIR there",
};

/** The OFFER frame. */
export function encodeOffer(offer: Offer): Uint8Array {
  const { tree, name } = offer;
  const fields = new FieldWriter(VERSION);
  fields.uint8(
    Tag.KIND,
    tree ? Kind.TREE : name === undefined ? Kind.STREAM : Kind.FILE,
  );
  if (name !== undefined) fields.text(Tag.NAME, name);
  if (offer.size !== undefined) fields.int64(Tag.SIZE, offer.size);
  if (offer.mode !== undefined) fields.int64(Tag.MODE, offer.mode);
  if (offer.mtime !== undefined) fields.time(offer.mtime);
  if (tree !== undefined) {
    fields.int64(Tag.COUNT, tree.count).bytes(Tag.NAMES, joined(tree.names));
    if (tree.files !== undefined) fields.int64(Tag.FILES, tree.files);
  }
  if (offer.attempt !== undefined) {
    const { key, proof } = offer.attempt;
    fields.bytes(Tag.ATTEMPT, Uint8Array.of(...key, ...proof));
  }
  if (offer.resumable) fields.uint8(Tag.RESUMABLE, 1);
  return frame(FrameType.OFFER, fields.finish());
}

/** As many names as there is room for, with a slash between them. */
function joined(names: readonly string[]): Uint8Array {
  const encoder = new TextEncoder();
  let length = 0;
  const fits = (name: string) =>
    (length += encoder.encode(name).length + 1) <= MAX_NAMES;
  const end = names.findIndex((name) => !fits(name));
  return encoder.encode(names.slice(0, end < 0 ? undefined : end).join("/"));
}

/**
 * The offer in the body of an OFFER frame, safe to act upon.
 *
 * @throws {Failure} `protocol` for anything that breaks the rules
 */
export function decodeOffer(body: Uint8Array): Offer {
  if (body.length === 0) throw malformed("an offer is empty");
  if (body[0] !== VERSION) throw new VersionFailure(body[0]);
  const fields = new Fields(body.subarray(1));
  const kind = fields.uint8(Tag.KIND) ?? Kind.STREAM;
  if (kind > Kind.TREE) {
    throw malformed(`what is offered is of kind ${kind}, not known here`);
  }
  const bytes = fields.bytes(Tag.NAME);
  const name = bytes && checkedName(bytes);
  if (kind !== Kind.STREAM && name === undefined) {
    throw malformed("a file is offered without a name");
  }
  const resumable = fields.uint8(Tag.RESUMABLE) === 1;
  const attempt = attemptOf(fields);
  const size = checkedSize(fields.int64(Tag.SIZE));
  if (kind === Kind.TREE) {
    return { tree: treeOf(fields), name, size, resumable, attempt };
  }
  return {
    name,
    size,
    mode: checkedMode(fields.int64(Tag.MODE)),
    mtime: checkedTime(fields.int64(Tag.MTIME), fields.int64(Tag.NANOS)),
    resumable,
    attempt,
  };
}

function attemptOf(fields: Fields): Attempt | undefined {
  const bytes = fields.bytes(Tag.ATTEMPT);
  if (bytes === undefined) return undefined;
  if (bytes.length !== ATTEMPT_KEY_SIZE + ATTEMPT_PROOF_SIZE) {
    throw malformed("an attempt has a key or a proof of another length");
  }
  // The frame's memory is used again
  const copy = bytes.slice();
  return {
    key: copy.subarray(0, ATTEMPT_KEY_SIZE),
    proof: copy.subarray(ATTEMPT_KEY_SIZE),
  };
}

function treeOf(fields: Fields): TreeOffer {
  const count = checkedSize(fields.int64(Tag.COUNT));
  const bytes = fields.bytes(Tag.NAMES) ?? new Uint8Array(0);
  if (!count) throw malformed("a tree is offered without a count");
  const order = new NameOrder();
  const names = bytes.length === 0 ? [] : split(bytes).map(checkedName);
  for (const name of names) order.next(name);
  return { count, names, files: checkedSize(fields.int64(Tag.FILES)) };
}

function split(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start <= bytes.length;) {
    const slash = bytes.indexOf(SLASH, start);
    const end = slash < 0 ? bytes.length : slash;
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return parts;
}

const SLASH = 0x2f;

/** What a receiver says when it takes an offer. */
export interface Acceptance {
  /** Whether it has something of it from an earlier attempt. */
  readonly resume: boolean;
}

/** The ACCEPT frame. */
export function encodeAccept({ resume }: Acceptance): Uint8Array {
  const fields = new FieldWriter();
  if (resume) fields.uint8(Tag.RESUME, 1);
  return frame(FrameType.ACCEPT, fields.finish());
}

/** What is in the body of an ACCEPT frame. */
export function decodeAccept(body: Uint8Array): Acceptance {
  return { resume: new Fields(body).uint8(Tag.RESUME) === 1 };
}

/** An END or a DONE frame. */
export function encodeDigest(
  type: number,
  digest: Digest & Partial<Ending>,
): Uint8Array {
  const fields = new FieldWriter()
    .int64(Tag.BYTES, digest.bytes)
    .bytes(Tag.SHA256, Uint8Array.fromHex(digest.sha256));
  if (digest.files !== undefined) fields.int64(Tag.FILES, digest.files);
  if (digest.omitted) fields.int64(Tag.OMITTED, digest.omitted);
  return frame(type, fields.finish());
}

/**
 * The digest in the body of an END or a DONE frame.
 *
 * @throws {Failure} `protocol` for anything that breaks the rules
 */
export function decodeDigest(body: Uint8Array): Ending {
  const fields = new Fields(body);
  const bytes = checkedSize(fields.int64(Tag.BYTES));
  const sha256 = fields.bytes(Tag.SHA256);
  if (bytes === undefined || sha256?.length !== 32) {
    throw malformed("the end has no size or no digest");
  }
  return {
    bytes,
    sha256: sha256.toHex(),
    files: checkedSize(fields.int64(Tag.FILES)),
    omitted: checkedSize(fields.int64(Tag.OMITTED)) ?? 0,
  };
}

/**
 * A REFUSE, FAILED or ABORT frame, with the words that belong to `reason`.
 *
 * @param entry what it is about: a path as the sender gave it
 */
export function encodeComplaint(
  type: number,
  reason: number,
  entry?: string,
): Uint8Array {
  const about = entry === undefined ? "" : ` (${entry.slice(0, MAX_ABOUT)})`;
  const fields = new FieldWriter()
    .uint8(Tag.REASON, reason)
    .text(Tag.MESSAGE, WORDS[reason] + about);
  return frame(type, fields.finish());
}

/** What the peer says in the body of a REFUSE, FAILED or ABORT frame, safe to show. */
export function decodeComplaint(body: Uint8Array): string {
  const fields = new Fields(body);
  const message = fields.bytes(Tag.MESSAGE);
  const text = message === undefined ? "" : cleanText(message);
  if (text !== "") return text;
  return WORDS[fields.uint8(Tag.REASON) ?? Reason.OTHER] ?? WORDS[Reason.OTHER];
}

/** Why, for programs: one of {@linkcode Reason}, or a number that is not known here. */
export function reasonIn(body: Uint8Array): number {
  return new Fields(body).uint8(Tag.REASON) ?? Reason.OTHER;
}

/** The peer speaks another version of the conversation. */
export class VersionFailure extends Failure {
  constructor(version: number) {
    super(
      "protocol",
      `The other side speaks version ${version} of the transfer, and this is version ${VERSION}: install the same ferry on both`,
    );
  }
}
