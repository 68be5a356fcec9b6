import { basename } from "node:path";
import { Unsendable } from "../../source.ts";
import type { FileStatus } from "../file_status.ts";
import { codeOf, SystemError } from "../system_error.ts";
import type { Directory, DirectoryEntries, OpenFile } from "./directory.ts";
import { openDirectory } from "./open_directory.ts";
import { PathDirectory } from "./path_directory.ts";

/** Directories of a walk that may be open at once: a tree may be deeper than a process may have files open. */
const MAX_OPEN_DIRECTORIES = 32;

/** Identifies a file or directory that was seen, and has to be the same when it is opened. */
type Identity = Pick<FileStatus, "device" | "inode" | "isFile">;

/** The directories of a walk that are open. */
export class OpenDirectories {
  #open = new Set<WalkedDirectory>();
  #closed = false;

  /** Adds one that was opened; closes the one that was opened first, if there are too many. */
  add(directory: WalkedDirectory): void {
    // A file may be opened while all is being closed
    if (this.#closed) throw new SystemError("EBADF");
    if (this.#open.size >= MAX_OPEN_DIRECTORIES) {
      const [first] = this.#open;
      first?.close();
    }
    this.#open.add(directory);
  }

  /** Removes one that was closed. */
  delete(directory: WalkedDirectory): void {
    this.#open.delete(directory);
  }

  /** Closes all, for good. */
  close(): void {
    this.#closed = true;
    for (const directory of this.#open) directory.close();
  }
}

/**
 * A directory of a tree that is sent. What is in it is looked at and opened
 * relative to its descriptor, and no link that has replaced something is followed
 * (rsync: CVE-2024-12747). It is closed when the walk has left it, or too many
 * are open, and opened again when needed: it and all above it have to be the same
 * as when the walk saw them. Methods throw what the system throws.
 */
export class WalkedDirectory {
  readonly path: string;
  #open: OpenDirectories;
  #parent: WalkedDirectory | undefined;
  #seen: Identity | undefined;
  #directory: Directory | undefined;

  /**
   * @param path without `parent` as a person has named it: links on the way there
   * are followed
   * @param seen what is there; by default what is there when it is first used
   */
  constructor(
    open: OpenDirectories,
    path: string,
    seen?: Identity,
    parent?: WalkedDirectory,
  ) {
    this.#open = open;
    this.path = path;
    this.#seen = seen;
    this.#parent = parent;
  }

  /** A directory in it. It is opened when it is used. */
  enter(name: string, seen: Identity): WalkedDirectory {
    return new WalkedDirectory(this.#open, this.pathOf(name), seen, this);
  }

  pathOf(name: string): string {
    return this.path.endsWith("/")
      ? `${this.path}${name}`
      : `${this.path}/${name}`;
  }

  entries(): DirectoryEntries {
    const entries = this.#opened().entries();
    this.#check();
    return entries;
  }

  /** The status of what has this name; a link is not followed. */
  look(name: string): FileStatus {
    const status = this.#opened().status(name);
    if (status === undefined) throw new SystemError("ENOENT");
    return status;
  }

  /** The target of a link in it; undefined if that is not UTF-8. */
  target(name: string): string | undefined {
    return this.#opened().readLink(name);
  }

  /** Opens a regular file in it. */
  openFile(name: string, seen: Identity): OpenFile {
    const directory = this.#opened();
    const file = unlessReplaced(() => directory.openFile(name, "read"));
    try {
      const status = file.status();
      if (!status.isFile || !isSame(status, seen)) throw replaced();
      this.#check();
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** The walk goes back to the directory above. */
  leave(): void {
    const parent = this.#parent;
    if (
      parent !== undefined && parent.#directory === undefined &&
      this.#directory !== undefined
    ) {
      try {
        // From here it is one step; from where the tree begins it may be many
        parent.#adopt(this.#directory.openDirectory(".."));
      } catch {
        // It was moved, or may not be entered, which shows when it is used
      }
    }
    this.close();
  }

  close(): void {
    this.#directory?.close();
    this.#directory = undefined;
    this.#open.delete(this);
  }

  #opened(): Directory {
    return this.#directory ??
      this.#adopt(
        unlessReplaced(() =>
          this.#parent === undefined
            ? openDirectory(this.path)
            : this.#parent.#opened().openDirectory(basename(this.path))
        ),
      );
  }

  #adopt(directory: Directory): Directory {
    try {
      const status = directory.ownStatus();
      this.#seen ??= status;
      if (!isSame(status, this.#seen)) throw replaced();
      this.#open.add(this);
    } catch (error) {
      directory.close();
      throw error;
    }
    return this.#directory = directory;
  }

  /**
   * Without descriptors, what was just opened was found by a path: all directories
   * above have to be the same. It is not noticed if they were put back in time.
   */
  #check(): void {
    const directory = this.#opened();
    if (!(directory instanceof PathDirectory)) return;
    if (this.#parent !== undefined) this.#parent.#check();
    const status = directory.ownStatus();
    if (this.#seen && !isSame(status, this.#seen)) throw replaced();
  }
}

/** Whether both are the same; Windows gives no inode of an open file. */
function isSame(one: Identity, other: Identity): boolean {
  if (one.inode === 0 || other.inode === 0) {
    return one.isFile === other.isFile;
  }
  return one.device === other.device &&
    (one.inode === other.inode || BigInt(one.inode) === BigInt(other.inode));
}

/** Errors of opening a link, or something of another kind, in place of what was there. */
const REPLACED_ERRORS = ["ELOOP", "ENOTDIR", "ENXIO", "EINVAL"];

function unlessReplaced<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw REPLACED_ERRORS.includes(codeOf(error)) ? replaced() : error;
  }
}

function replaced(): Error {
  return new Unsendable("replaced");
}
