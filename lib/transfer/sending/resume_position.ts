import type { Hash } from "node:crypto";
import { Failure } from "../../base/failure.ts";
import { type Content, hashUpTo } from "../source.ts";

/** How far the content of a file was sent, or need not be. */
export interface Position {
  readonly offset: number;
  /** Of everything before `offset`. */
  readonly hash: Hash;
}

/** What the receiver has of a file. */
export interface Prefix {
  /** In bytes. */
  readonly length: number;
  /** The SHA-256 of these bytes. */
  readonly sha256: Uint8Array;
}

/**
 * Finds where to go on with a file of which the receiver has something: behind
 * that if the file begins with it, else where it is.
 *
 * @param content positioned at `from`
 * @param size of the file, where it is known
 * @returns the new position, and whether it is behind what the receiver has; `content` is positioned there
 * @throws {Failure} `partial-differs` if what was read cannot be read again; what `content` throws
 */
export async function positionAfter(
  prefix: Prefix,
  content: Content,
  from: Position,
  size = Infinity,
): Promise<{ at: Position; agreed: boolean }> {
  if (prefix.length < from.offset || prefix.length > size) {
    return { at: from, agreed: false };
  }
  const hash = from.hash.copy();
  const matches = await hashUpTo(prefix.length, content, from.offset, hash) &&
    hash.copy().digest().equals(prefix.sha256);
  if (matches) return { at: { offset: prefix.length, hash }, agreed: true };
  if (content.seek === undefined) {
    throw new Failure({ code: "partial-differs" });
  }
  await content.seek(from.offset);
  return { at: from, agreed: false };
}
