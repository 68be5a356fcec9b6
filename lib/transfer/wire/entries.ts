import { createHash } from "node:crypto";
import { Fields, FieldWriter, malformed, Tag } from "./fields.ts";
import { FrameType } from "./frame.ts";
import type { Timestamp } from "./timestamp.ts";
import {
  checkedMode,
  checkedName,
  checkedSize,
  checkedTarget,
  checkedTime,
} from "./name_validation.ts";

const Kind = { FILE: 1, DIRECTORY: 2, LINK: 3 } as const;

/** What every entry of a tree has. */
export interface Named {
  /** One path component. */
  readonly name: string;
  /** When it was last changed. */
  readonly mtime: Timestamp;
}

/** A file of a tree; its content follows. */
export interface FileEntry extends Named {
  readonly kind: "file";
  /** In bytes. */
  readonly size: number;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
}

/** A directory of a tree; what is in it follows, until it is left. */
export interface DirectoryEntry extends Named {
  readonly kind: "directory";
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
}

/** A symbolic link of a tree. */
export interface LinkEntry extends Named {
  readonly kind: "link";
  readonly target: string;
}

/** What a tree is made of. */
export type Entry = FileEntry | DirectoryEntry | LinkEntry;

/** The body of an ENTRY frame. */
export function encodeEntry(entry: Entry): Uint8Array {
  const fields = new FieldWriter();
  const named = (kind: number) =>
    fields.uint8(Tag.KIND, kind).text(Tag.NAME, entry.name)
      .time(entry.mtime);
  switch (entry.kind) {
    case "file":
      named(Kind.FILE).int64(Tag.MODE, entry.mode).int64(Tag.SIZE, entry.size);
      break;
    case "directory":
      named(Kind.DIRECTORY).int64(Tag.MODE, entry.mode);
      break;
    case "link":
      named(Kind.LINK).text(Tag.TARGET, entry.target);
  }
  return fields.finish();
}

/**
 * The entry in the body of an ENTRY frame, safe to act upon.
 *
 * @throws {Failure} `protocol` for anything that breaks the rules
 */
export function decodeEntry(body: Uint8Array): Entry {
  const fields = new Fields(body);
  const bytes = fields.bytes(Tag.NAME);
  if (bytes === undefined) throw malformed("an entry has no name");
  const name = checkedName(bytes);
  const mtime = checkedTime(fields.int64(Tag.MTIME), fields.int64(Tag.NANOS));
  const mode = checkedMode(fields.int64(Tag.MODE));
  const size = checkedSize(fields.int64(Tag.SIZE));
  const target = fields.bytes(Tag.TARGET);
  const kind = fields.uint8(Tag.KIND);
  if (mtime !== undefined) {
    if (kind === Kind.FILE && size !== undefined && mode !== undefined) {
      return { kind: "file", name, mtime, mode, size };
    } else if (kind === Kind.DIRECTORY && mode !== undefined) {
      return { kind: "directory", name, mtime, mode };
    } else if (kind === Kind.LINK && target !== undefined) {
      return { kind: "link", name, mtime, target: checkedTarget(target) };
    }
  }
  throw malformed("an entry is of a kind not known here, or lacks something");
}

const BUFFER_SIZE = 1 << 14;
/** Bytes of a SHA-256. */
export const SUM_SIZE = 32;
const NO_SUM = new Uint8Array(SUM_SIZE);

/**
 * The digest of a tree as it was sent: the SHA-256 of its packs' digests, and of
 * what is not in packs: its ENTRY and LEAVE frames in order, each as its type, the
 * length of its body in two bytes and the body, with a file's followed by the
 * SHA-256 of its content, or by zeros where it was left out.
 */
export class TreeDigest {
  #hash = createHash("sha256");
  // Hashing few bytes at a time costs more than copying them
  #buffer = new Uint8Array(BUFFER_SIZE);
  #length = 0;

  /** @param body as in the ENTRY frame */
  entry(body: Uint8Array): void {
    this.#add(Uint8Array.of(FrameType.ENTRY, body.length >>> 8, body.length));
    this.#add(body);
  }

  leave(): void {
    this.#add(Uint8Array.of(FrameType.LEAVE, 0, 0));
  }

  /** @param sum the SHA-256 of a pack, or of the last file's content, if it was sent */
  content(sum: Uint8Array = NO_SUM): void {
    this.#add(sum);
  }

  /** 64 hexadecimal digits; nothing can be added any more. */
  finish(): string {
    this.#flush();
    return this.#hash.digest("hex");
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length > BUFFER_SIZE - this.#length) this.#flush();
    if (bytes.length > BUFFER_SIZE) {
      this.#hash.update(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #flush(): void {
    this.#hash.update(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }
}
