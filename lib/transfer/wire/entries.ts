import { Fields, FieldWriter, Tag } from "./fields.ts";
import { malformed } from "./malformed.ts";
import { decodeName, decodeTarget } from "./names.ts";
import {
  MAX_TIME,
  NANOS_PER_MILLI,
  type Timestamp,
  timestampOf,
} from "./timestamp.ts";

const ENTRY_KINDS = { file: 1, directory: 2, link: 3 } as const;

/** A file; its content follows. A tree's has size, mode and time. */
export interface FileEntry {
  /** The kind of entry. */
  readonly kind: "file";
  /** One path component; empty for a stream. */
  readonly name: string;
  /** In bytes; undefined where it is not known before the content ends. */
  readonly size: number | undefined;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number | undefined;
  /** When it was last changed. */
  readonly mtime: Timestamp | undefined;
}

/** A directory of a tree; the entries in it follow, until LEAVE. */
export interface DirectoryEntry {
  /** The kind of entry. */
  readonly kind: "directory";
  /** One path component. */
  readonly name: string;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  /** When it was last changed. */
  readonly mtime: Timestamp;
}

/** A symbolic link of a tree. */
export interface LinkEntry {
  /** The kind of entry. */
  readonly kind: "link";
  /** One path component. */
  readonly name: string;
  /** What it points to. */
  readonly target: string;
  /** When it was last changed. */
  readonly mtime: Timestamp;
}

/** One of the things a transfer consists of. */
export type Entry = FileEntry | DirectoryEntry | LinkEntry;

/** Encodes the body of an ENTRY frame. */
export function encodeEntry(entry: Entry): Uint8Array {
  const fields = new FieldWriter().uint8(Tag.KIND, ENTRY_KINDS[entry.kind]);
  if (entry.name !== "") fields.text(Tag.NAME, entry.name);
  fields.time(entry.mtime);
  if (entry.kind === "link") fields.text(Tag.TARGET, entry.target);
  else fields.int64(Tag.MODE, entry.mode);
  if (entry.kind === "file") fields.int64(Tag.SIZE, entry.size);
  return fields.finish();
}

/**
 * Decodes the body of an ENTRY frame.
 *
 * @throws {Failure} `malformed` or `name-refused`
 */
export function decodeEntry(body: Uint8Array): Entry {
  const fields = new Fields(body);
  const bytes = fields.bytes(Tag.NAME);
  const name = bytes === undefined ? "" : decodeName(bytes);
  const mtime = timeIn(fields);
  const mode = modeIn(fields);
  const kind = fields.uint8(Tag.KIND);
  if (kind === ENTRY_KINDS.file) {
    return { kind: "file", name, mtime, mode, size: sizeIn(fields, Tag.SIZE) };
  }
  if (name !== "" && mtime !== undefined) {
    const target = fields.bytes(Tag.TARGET);
    if (kind === ENTRY_KINDS.directory && mode !== undefined) {
      return { kind: "directory", name, mtime, mode };
    } else if (kind === ENTRY_KINDS.link && target !== undefined) {
      return { kind: "link", name, mtime, target: decodeTarget(target) };
    }
  }
  throw malformed("an entry is of an unknown kind, or lacks a field");
}

/** @throws {Failure} `malformed` for a negative number */
export function sizeIn(fields: Fields, tag: number): number | undefined {
  const size = fields.int64(tag);
  if (size !== undefined && size < 0) throw malformed("a size is negative");
  return size;
}

/** Permission bits alone: nothing that arrives becomes set-user-id, set-group-id or sticky. */
export function modeIn(fields: Fields): number | undefined {
  const mode = fields.int64(Tag.MODE);
  return mode === undefined ? undefined : mode & 0o777;
}

/** @throws {Failure} `malformed` for a time out of range */
export function timeIn(fields: Fields): Timestamp | undefined {
  const milliseconds = fields.int64(Tag.MTIME);
  const nanos = fields.int64(Tag.NANOS) ?? 0;
  if (nanos < 0 || nanos >= NANOS_PER_MILLI) {
    throw malformed("NANOS is out of range");
  }
  if (milliseconds === undefined) return undefined;
  const time = timestampOf(milliseconds, nanos);
  if (time > MAX_TIME || time < -MAX_TIME) {
    throw malformed("a time is out of range");
  }
  return time;
}
