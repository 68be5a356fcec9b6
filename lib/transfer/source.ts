import type { Hash } from "node:crypto";
import {
  type OmissionReason,
  type SystemProblem,
  systemProblem,
} from "../base/failure.ts";
import type { DirectoryEntry, FileEntry, LinkEntry } from "./wire/entries.ts";
import { BLOCK_SIZE } from "./wire/frame.ts";
import type { Offer } from "./wire/messages.ts";

/** Something that is read from its beginning to its end. */
export interface Content {
  /**
   * Reads the next bytes into `into`.
   *
   * @returns how many bytes were read, at least 1; `null` at the end
   * @throws {Failure} if it cannot be read
   */
  read(into: Uint8Array): Promise<number | null>;
  /** Has the next `read` begin at this byte; absent where that cannot be done. */
  seek?(position: number): Promise<void>;
  /** Closes it; a read under way may throw. */
  close(): void;
}

/** Reads on to `length` and hashes what comes. @returns false if the content ends before */
export async function hashUpTo(
  length: number,
  content: Content,
  from: number,
  hash: Hash,
): Promise<boolean> {
  const block = new Uint8Array(Math.min(BLOCK_SIZE, length - from));
  for (let at = from; at < length;) {
    const part = block.subarray(0, length - at);
    const count = await content.read(part);
    if (count === null) return false;
    hash.update(part.subarray(0, count));
    at += count;
  }
  return true;
}

/** Where what is sent comes from: entries in the order of the wire. */
export interface Source {
  /** What is known of it. */
  readonly offer: Offer;
  /** Whether content can be read again from its beginning. */
  readonly rereadable: boolean;
  /**
   * How many entries were left out as unwanted, each with all that is in it.
   * @default {0}
   */
  readonly excluded?: number;
  /** Its entries from the first one; names ascend within each directory. */
  entries(): Iterable<Step>;
  /**
   * Counts what would be sent, for a person who decides on the offer.
   *
   * @param options.limit how long that may take, in milliseconds
   * @default {5000}
   */
  measure(options?: { signal?: AbortSignal; limit?: number }): Promise<Measure>;
  /** Closes all that is open. */
  close(): void;
}

/** How large a source is, as far as it was looked at. */
export interface Measure {
  /** Files. */
  readonly files: number;
  /** Of all files. */
  readonly bytes: number;
  /** Files, directories and links. */
  readonly entries: number;
  /** Whether there is more, which was not counted in time. */
  readonly more: boolean;
}

/** One step through a source. */
export type Step =
  /** The entries that follow are in this directory, until `leave`. */
  | { readonly type: "enter"; readonly entry: DirectoryEntry }
  | { readonly type: "leave" }
  | { readonly type: "link"; readonly entry: LinkEntry }
  | FileStep
  | ({ readonly type: "omit" } & Omission);

/** A file and its content. */
export interface FileStep {
  /** The kind of step. */
  readonly type: "file";
  /** The file. */
  readonly entry: FileEntry;
  /** Where it is on this machine, for people. */
  readonly path: string;
  /** Its content. */
  readonly file: SourceFile;
}

/** An entry that is not sent. */
export interface Omission {
  /** Where it is on this machine, for people. */
  readonly path: string;
  /** Why. */
  readonly reason: OmissionReason;
}

/** A file that can be read. Its methods throw what the system throws. */
export interface SourceFile {
  /** Reads a small file of a tree synchronously. @returns how many bytes there were, at most as many as `into` has */
  readAll(into: Uint8Array): number;
  /** Opens it for reading. */
  open(): Promise<Content>;
}

/** A file that cannot be sent, where it is not the system that says so. */
export class Unsendable extends Error {
  readonly reason: Exclude<OmissionReason, SystemProblem>;

  constructor(reason: Exclude<OmissionReason, SystemProblem>) {
    super(reason);
    this.reason = reason;
  }
}

/** Why an entry is not sent, of what was thrown when it was looked at. */
export function omissionReason(error: unknown): OmissionReason {
  return error instanceof Unsendable ? error.reason : systemProblem(error);
}

/** A source of one file, or of a stream. */
export class SingleSource implements Source {
  readonly offer: Offer;
  readonly rereadable: boolean;
  #content: Content;
  #entry: FileEntry;
  #path: string;

  /**
   * @param options.resumable whether the receiver's part of it may be left out
   * @param options.path where it is on this machine, for people
   */
  constructor(
    content: Content,
    entry: Partial<Omit<FileEntry, "kind">>,
    { resumable, path = "" }: { resumable: boolean; path?: string },
  ) {
    const { name = "", size, mode, mtime } = entry;
    const [kind, names] = name === ""
      ? ["stream" as const, []]
      : ["file" as const, [name]];
    this.offer = { kind, names, count: 1, size, mode, mtime, resumable };
    this.rereadable = content.seek !== undefined;
    this.#content = content;
    this.#entry = { kind: "file", name, size, mode, mtime };
    this.#path = path;
  }

  entries(): Iterable<Step> {
    const content = this.#content;
    const { seek } = content;
    const read = content.read.bind(content);
    // It is closed with the source
    const shared = { read, close: () => {} };
    const file: SourceFile = {
      readAll: () => 0,
      open: () =>
        Promise.resolve(
          seek === undefined ? shared : { ...shared, seek: seek.bind(content) },
        ),
    };
    return [{ type: "file", entry: this.#entry, path: this.#path, file }];
  }

  measure(): Promise<Measure> {
    const { size } = this.#entry;
    const more = size === undefined;
    return Promise.resolve({ files: 1, bytes: size ?? 0, entries: 1, more });
  }

  close(): void {
    this.#content.close();
  }
}
