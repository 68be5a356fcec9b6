import type { Timestamp } from "../../wire/timestamp.ts";
import { DescriptorDirectory } from "./descriptor_directory.ts";
import type { FileStatus } from "../file_status.ts";
import { PathDirectory } from "./path_directory.ts";

/** What an open file is used for. */
export type Access = "read" | "write" | "both";

/**
 * An open directory. A name is one component of a path, and no link is followed
 * under it, so that whoever moves things about meanwhile cannot lead out of it.
 * With the C library, where FFI is allowed, all of it stays with the directory
 * that was opened; without, with its path, and a moment remains between a check
 * and its use. Methods throw what the system throws, an error with a `code`, as
 * of {@linkcode SystemError}.
 */
export interface Directory {
  /** Where it was when it was opened, for people. */
  readonly path: string;
  /** Opens a directory in it; throws ENOTDIR or ELOOP for what is none. */
  openDirectory(name: string): Directory;
  /** Makes a directory in it, with this mode less the umask. */
  makeDirectory(name: string, mode: number): void;
  /** What has this name; undefined if nothing has. */
  status(name: string): FileStatus | undefined;
  /** What it is itself. */
  ownStatus(): FileStatus;
  /** The names in it, in no order. */
  entries(): DirectoryEntries;
  /** Makes a file, to write and to read, which nobody else may read; throws EEXIST if something has the name. */
  createFile(name: string): OpenFile;
  /** Opens a file; a named pipe does not block. Whether it is a regular file, its status tells. */
  openFile(name: string, access: Access): OpenFile;
  /** Opens a file below it for reading, by a path of names; no link in it is followed. */
  openBeneath(path: string): OpenFile;
  /** Makes a symbolic link. */
  symlink(target: string, name: string): void;
  /** What a link leads to; undefined if that is not UTF-8. */
  readLink(name: string): string | undefined;
  /**
   * Moves what has this name to another one, there or here.
   *
   * @param options.replace whether what has that name is replaced; else EEXIST is thrown
   */
  rename(
    name: string,
    to: Directory,
    toName: string,
    options: { replace: boolean },
  ): void;
  /** Removes what is no directory. */
  unlink(name: string): void;
  /** Removes an empty directory. */
  removeDirectory(name: string): void;
  /** Removes what has this name, and all that is in it; nothing if nothing has. */
  removeTree(name: string): void;
  /** Sets its own permission bits. */
  chmod(mode: number): void;
  /** Sets the permission bits of what is in it, where nobody else can put a link. */
  chmodAt(name: string, mode: number): void;
  /** Sets when it was changed last. */
  setTime(mtime: Timestamp): void;
  /** Sets when what is in it was changed last; of a link, the link itself. */
  setTimeAt(name: string, mtime: Timestamp): void;
  /** Has the disk take the names in it, as far as the system can do that. */
  sync(): Promise<void>;
  close(): void;
}

/** The names in a directory. */
export interface DirectoryEntries {
  /** Those that are UTF-8. */
  readonly names: string[];
  /** All others, as they may be shown. */
  readonly others: string[];
}

/** An open file. Methods throw what the system throws, as of {@linkcode SystemError}. */
export interface OpenFile {
  status(): FileStatus;
  /** @returns how many bytes were read, at least 1; `null` at the end */
  read(into: Uint8Array): Promise<number | null>;
  /** The same at once. */
  readSync(into: Uint8Array): number | null;
  /** Writes all of it. */
  write(bytes: Uint8Array): Promise<void>;
  /** The same at once. */
  writeSync(bytes: Uint8Array): void;
  /** Has the next read or write begin at this byte. */
  seek(position: number): Promise<void>;
  truncate(length: number): void;
  chmod(mode: number): void;
  setTime(mtime: Timestamp): void;
  /** Has the disk take it. */
  sync(): Promise<void>;
  /** Has the disk take its content. */
  syncData(): Promise<void>;
  /** Locks it against every other opening of it; false if one has it locked. */
  lock(): Promise<boolean>;
  /** Lets go of it, at the latest when what is under way has ended. */
  close(): void;
}

/** Opens a directory by a path, in which links are followed. */
export function openDirectory(path: string): Directory {
  return DescriptorDirectory.isPossible
    ? DescriptorDirectory.open(path)
    : new PathDirectory(path);
}
