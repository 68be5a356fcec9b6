import { Failure } from "../base/failure.ts";
import { Fields, FieldWriter, malformed, Tag } from "./fields.ts";
import { frame, FrameType } from "./frame.ts";
import {
  checkedMode,
  checkedName,
  checkedSize,
  checkedTime,
  cleanText,
} from "./untrusted.ts";

/** The version of the conversation that is spoken here. */
export const VERSION = 1;

const Kind = { STREAM: 0, FILE: 1 } as const;

/** What a sender offers: a file, or a stream of which nothing may be known. */
export interface Offer {
  /** One path component. */
  readonly name?: string;
  /** In bytes. */
  readonly size?: number;
  /** Permission bits, 0 to 0o777. */
  readonly mode?: number;
  /** When it was last changed, in milliseconds since 1970. */
  readonly mtime?: number;
}

/** What both sides compare in the end. */
export interface Digest {
  /** How many bytes the content has. */
  readonly bytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
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
} as const;

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
};

/** The OFFER frame. */
export function encodeOffer(offer: Offer): Uint8Array {
  const fields = new FieldWriter(VERSION);
  fields.uint8(Tag.KIND, offer.name === undefined ? Kind.STREAM : Kind.FILE);
  if (offer.name !== undefined) fields.text(Tag.NAME, offer.name);
  if (offer.size !== undefined) fields.int64(Tag.SIZE, offer.size);
  if (offer.mode !== undefined) fields.int64(Tag.MODE, offer.mode);
  if (offer.mtime !== undefined) fields.int64(Tag.MTIME, offer.mtime);
  return frame(FrameType.OFFER, fields.finish());
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
  if (kind !== Kind.STREAM && kind !== Kind.FILE) {
    throw malformed(`what is offered is of kind ${kind}, not known here`);
  }
  const name = fields.bytes(Tag.NAME);
  if (kind === Kind.FILE && name === undefined) {
    throw malformed("a file is offered without a name");
  }
  return {
    name: name === undefined ? undefined : checkedName(name),
    size: checkedSize(fields.int64(Tag.SIZE)),
    mode: checkedMode(fields.int64(Tag.MODE)),
    mtime: checkedTime(fields.int64(Tag.MTIME)),
  };
}

/** The ACCEPT frame. */
export function encodeAccept(): Uint8Array {
  return frame(FrameType.ACCEPT, new Uint8Array(0));
}

/** Checks the body of an ACCEPT frame, whose fields are all for later. */
export function decodeAccept(body: Uint8Array): void {
  new Fields(body);
}

/** An END or a DONE frame. */
export function encodeDigest(type: number, digest: Digest): Uint8Array {
  const fields = new FieldWriter()
    .int64(Tag.BYTES, digest.bytes)
    .bytes(Tag.SHA256, Uint8Array.fromHex(digest.sha256));
  return frame(type, fields.finish());
}

/**
 * The digest in the body of an END or a DONE frame.
 *
 * @throws {Failure} `protocol` for anything that breaks the rules
 */
export function decodeDigest(body: Uint8Array): Digest {
  const fields = new Fields(body);
  const bytes = checkedSize(fields.int64(Tag.BYTES));
  const sha256 = fields.bytes(Tag.SHA256);
  if (bytes === undefined || sha256?.length !== 32) {
    throw malformed("the end has no size or no digest");
  }
  return { bytes, sha256: sha256.toHex() };
}

/** A REFUSE, FAILED or ABORT frame, with the words that belong to `reason`. */
export function encodeComplaint(type: number, reason: number): Uint8Array {
  const fields = new FieldWriter()
    .uint8(Tag.REASON, reason)
    .text(Tag.MESSAGE, WORDS[reason]);
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

/** The peer speaks another version of the conversation. */
export class VersionFailure extends Failure {
  constructor(version: number) {
    super(
      "protocol",
      `The other side speaks version ${version} of the transfer, and this is version ${VERSION}: install the same ferry on both`,
    );
  }
}
