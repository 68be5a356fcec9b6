import { Failure } from "../base/failure.ts";
import type { Content } from "./source.ts";
import type { DirectoryEntry, FileEntry, LinkEntry } from "./wire/entries.ts";
import type { Offer } from "./wire/messages.ts";

/**
 * Where what is received goes: takes entries in order. All methods throw a
 * {@linkcode Failure} for what cannot be stored.
 */
export interface Sink {
  /** Whether all of it is complete and under its final names, which nothing undoes any more. */
  readonly committed: boolean;
  /** Whether there may be something of it, which need not be sent. */
  readonly resuming: boolean;
  /**
   * Files that were there before, and stay as they are.
   * @default {0}
   */
  readonly existing?: number;
  /** Once it is committed: the name that a top-level entry has, if that may be another one. */
  finalName?(name: string): string;
  /** Once it was discarded: where what was kept is. */
  readonly remains?: string | undefined;
  /** Makes a directory, unless it is there, for the entries that follow. */
  enter(entry: DirectoryEntry): void;
  /** Completes the directory. */
  leave(): void;
  /** Makes a symbolic link. */
  link(entry: LinkEntry): void;
  /** Stores a small file of a tree, whose digest was checked or will be at the end. */
  put(entry: FileEntry, bytes: Uint8Array): void;
  /**
   * Leaves a file as it is, which is what the sender sends.
   *
   * @param found what was found of it
   */
  keep(entry: FileEntry, found?: Found): void;
  /** Opens a file to be written; throws `disk-full` where it is known that there is no room for it. */
  open(entry: FileEntry): Promise<FileSink>;
  /** What is there of entries, ahead of their turn. */
  inventory(): Inventory;
  /** Makes everything durable, under its final names; until `release` it is remembered that this transfer has made it. */
  commit(): Promise<void>;
  /**
   * Ends it once it is committed.
   *
   * @param heard whether the sender knows that all is stored; else it stays
   * remembered, for when the sender comes again
   */
  release(heard: boolean): void;
  /**
   * Closes all; does nothing once it is committed.
   *
   * @param keep whether what was written stays for a later attempt, where that
   * can be; else nothing incomplete is left behind
   */
  discard(keep?: boolean): void;
}

/** Where the content of one file goes. */
export interface FileSink {
  /** Bytes that an earlier attempt left; 0 if nothing. */
  readonly kept: number;
  /**
   * Writes all of `bytes`, which stay as they are until the promise settles: from
   * the beginning, over what an earlier attempt left.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Keeps the first `length` bytes and no more; what is written follows them. */
  resume(length: number): Promise<void>;
  /** Completes the file with what was written last. */
  commit(): Promise<void>;
  /** Closes it; does nothing once it is committed. */
  discard(keep?: boolean): void;
}

/** Finds what is there already, in the order of the entries; changes nothing. */
export interface Inventory {
  /** Goes into a directory. */
  enter(name: string): void;
  /** Goes back to the directory before. */
  leave(): void;
  /**
   * What there is of a file.
   *
   * @throws {Failure} if something else is there, and is not replaced
   */
  look(entry: FileEntry): Found | undefined;
}

/** What is there of a file: what an earlier attempt left, or a file that was there before. */
export interface Found {
  /** Whether it seems to be all: it has its final name, and the size and time of the entry. */
  readonly whole: boolean;
  /** In bytes, at least 1 unless it is whole. */
  readonly length: number;
  /** Opens it for reading. */
  open(): Promise<Content>;
  /** Of a file that was there before: of it the sender learns only whether it is the same. */
  readonly existing?: {
    /** What a sender fails with that sends something else; undefined if that replaces it. */
    readonly conflict: Failure | undefined;
  };
}

/** Opens a sink for what is offered. */
export type OpenSink = (offer: Offer) => Promise<Sink>;

/** Where {@linkcode OutputSink} writes. */
export interface Output {
  /** @throws {Failure} if it cannot be written */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends it, once all was verified. */
  close(): Promise<void>;
  /** Ends it as broken off. */
  abort(): void;
}

/** A sink for one file or stream, which forgets its name: standard output, for instance. */
export class OutputSink implements Sink {
  readonly resuming = false;
  committed = false;
  #output: Output;
  #open = true;

  constructor(output: Output) {
    this.#output = output;
  }

  open(): Promise<FileSink> {
    const { write } = this.#output;
    return Promise.resolve({
      kept: 0,
      write: write.bind(this.#output),
      resume: () => Promise.resolve(),
      commit: () => Promise.resolve(),
      discard: () => {},
    });
  }

  enter = noTree;
  leave = noTree;
  link = noTree;
  put = noTree;
  keep = noTree;

  inventory(): Inventory {
    throw new Error("What was written cannot be read");
  }

  async commit(): Promise<void> {
    await this.#output.close();
    this.committed = true;
  }

  release(): void {}

  discard(): void {
    if (this.committed || !this.#open) return;
    this.#open = false;
    this.#output.abort();
  }
}

function noTree(): never {
  throw new Failure({ code: "needs-directory" });
}
