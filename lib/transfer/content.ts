import { Failure, type FailureReason } from "../base/failure.ts";
import type { DirectoryEntry, FileEntry, LinkEntry } from "./wire/entries.ts";
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
  /** Lets go of it; a read that is under way may throw. */
  close(): void;
}

/** Where one stream or one file that is sent comes from. */
export interface Source extends Content {
  /** What is known of it. */
  readonly offer: Offer;
}

/** Where a tree that is sent comes from. */
export interface TreeSource {
  /** What is known of it. */
  readonly offer: Offer;
  /** Walks it from its beginning; names ascend within each directory. */
  walk(): Iterable<Step>;
  /**
   * Counts what it would send, for a person who is asked whether to take it.
   *
   * @param options.limit how long that may take, in milliseconds
   * @default {5000}
   */
  measure(options?: { signal?: AbortSignal; limit?: number }): Promise<Measure>;
  close(): void;
}

/** How large a tree is, as far as it was looked at. */
export interface Measure {
  readonly files: number;
  /** Of all files. */
  readonly bytes: number;
  /** Files, directories and links. */
  readonly entries: number;
  /** Whether there is more, which was not counted in time. */
  readonly more: boolean;
}

/** A step on the way through a tree. `path` is for people. */
export type Step =
  | { readonly does: "enter"; readonly entry: DirectoryEntry }
  | { readonly does: "leave" }
  | { readonly does: "link"; readonly entry: LinkEntry }
  | {
    readonly does: "file";
    readonly entry: FileEntry;
    readonly path: string;
    readonly file: TreeFile;
  }
  | ({ readonly does: "omit" } & Omission);

/** Something of a tree that is not sent. */
export interface Omission {
  readonly path: string;
  readonly why: string;
  /** Whether it should have been sent, and so the transfer is not complete. */
  readonly missing: boolean;
}

/** A file of a tree that can be read. Its methods throw whatever the system throws. */
export interface TreeFile {
  /** Reads a small file at once. @returns how many bytes there were, at most as many as `into` has */
  readAll(into: Uint8Array): number;
  open(): Promise<Content>;
  /** What a person is told of what it threw. */
  explain(error: unknown): string;
}

/** Where one stream or one file that is received goes. */
export interface Sink {
  /** Whether it is whole and under its final name, which nothing undoes any more. */
  readonly committed: boolean;
  /** What an earlier attempt left, if it left something. */
  readonly kept?: Kept;
  /** Once it was discarded: where a person finds what was kept. */
  readonly remains?: string;
  /** @throws {StorageFailure} `full` if there is no room for so many bytes more, as far as that is known */
  checkRoom?(bytes: number): void;
  /**
   * Writes all of `bytes`, which stay as they are until the promise settles.
   *
   * @throws {StorageFailure} if it cannot be written
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes what was written last, under its final name.
   *
   * @throws {StorageFailure} if that cannot be done
   */
  commit(options?: CommitOptions): Promise<void>;
  /**
   * What was committed so that it is remembered need not be any more.
   *
   * @param heard whether the sender knows that all is stored; else it stays
   * remembered, for when the sender comes again
   */
  release?(heard: boolean): void;
  /**
   * Lets go of it; does nothing once it is committed.
   *
   * @param keep whether what was written stays for a later attempt, where that
   * can be; else nothing is left behind
   */
  discard(keep?: boolean): void;
}

/** How something is made final. */
export interface CommitOptions {
  /**
   * Whether it is remembered until {@linkcode Sink.release} that this transfer
   * has made it, should the sender not hear so.
   * @default {false}
   */
  readonly remembers?: boolean;
}

/** What an earlier attempt left of a file. */
export interface Kept {
  /** In bytes, at least 1. */
  readonly length: number;
  /** Reads it from its beginning to its end, as {@linkcode Content} is read. */
  read(into: Uint8Array): Promise<number | null>;
  /**
   * Keeps the first `length` bytes and no more; what is written follows them.
   * To be called before anything is written.
   *
   * @throws {StorageFailure} if that cannot be done
   */
  resume(length: number): Promise<void>;
}

/** Where a tree goes. All throw {@linkcode StorageFailure} for what cannot be stored. */
export interface TreeSink {
  readonly committed: boolean;
  /** Whether an earlier attempt left something. */
  readonly resuming: boolean;
  readonly remains?: string;
  /** What follows is in this directory, which is made unless it is there. */
  enter(entry: DirectoryEntry): void;
  /** The directory is complete. */
  leave(): void;
  link(entry: LinkEntry): void;
  /** Stores a small file whose content is known to be right. */
  put(entry: FileEntry, bytes: Uint8Array): void;
  /** Leaves a file as it is, which the sender found to be what it sends. */
  keep(entry: FileEntry): void;
  /** Opens a sink for a file that is not small. */
  open(entry: FileEntry): Promise<Sink>;
  /** What is there of entries that are listed ahead of their turn. */
  inventory(): Inventory;
  commit(options?: CommitOptions): Promise<void>;
  /**
   * What was committed so that it is remembered need not be any more.
   *
   * @param heard whether the sender knows that all is stored; else it stays
   * remembered, for when the sender comes again
   */
  release?(heard: boolean): void;
  discard(keep?: boolean): void;
}

/** Looks at what is there of a tree, in the order of the walk, and changes nothing. */
export interface Inventory {
  enter(name: string): void;
  leave(): void;
  /** What is there of a file: all of it, as it seems, or a part. */
  look(entry: FileEntry): Found | undefined;
}

/** What is there of a file of a tree. */
export interface Found {
  /** Whether it has its final name, and the size and time that are wanted. */
  readonly whole: boolean;
  /** In bytes. */
  readonly length: number;
  open(): Promise<Content>;
}

/** Opens a sink for what is offered: a tree's, if it is a tree. */
export type OpenSink = (offer: Offer) => Promise<Sink | TreeSink>;

/** What happens in the course of a transfer that a person may want to know. */
export type TransferEvent =
  /** This file's turn has come. */
  | { readonly type: "entry"; readonly path: string }
  /** So many bytes of it need not be sent: they are at the receiver. */
  | { readonly type: "kept"; readonly bytes: number; readonly path?: string }
  /** What is at the receiver is something else, and all of it is sent. */
  | { readonly type: "restarted"; readonly path?: string }
  | ({ readonly type: "omitted" } & Omission)
  /** The sender left out so many entries. */
  | { readonly type: "incomplete"; readonly omitted: number };

/**
 * What stands in the way of storing something: a file or a directory has the name
 * already, the disk is full or read-only, it is not permitted, the output was
 * closed by whoever read it, it takes no tree, another transfer writes it right
 * now, or another cause.
 */
export type StorageProblem =
  | "exists"
  | "directory"
  | "full"
  | "readonly"
  | "denied"
  | "closed"
  | "tree"
  | "taken"
  | "unusable";

/** Something cannot be stored here. */
export class StorageFailure extends Failure {
  readonly problem: StorageProblem;

  constructor(
    problem: StorageProblem,
    message: string,
    reason: FailureReason = "local",
  ) {
    super(reason, message);
    this.problem = problem;
  }
}

/** Content is moved in blocks of this many bytes: large for a disk, short to hash. */
export const BLOCK_SIZE = 1 << 18;
/** The largest file that is read and stored in one go, in bytes. */
export const SMALL = 1 << 16;
