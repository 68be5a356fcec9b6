import type { Timestamp } from "../../wire/timestamp.ts";
import type { FileStatus } from "../file_status.ts";
import { codeOf, SystemError } from "../system_error.ts";

/** How a file is opened. */
export type Access = "read" | "both";

/**
 * An open directory. A name is one component of a path, and no link under it is
 * followed, so that nobody who renames things meanwhile can redirect what is done
 * in it. With FFI everything is relative to the directory's descriptor; without,
 * to its path, and a moment remains between a check and its use. Methods throw
 * what the system throws: an error with a `code`, as {@linkcode SystemError}.
 */
export interface Directory extends Disposable {
  /** Where it was when it was opened, for people. */
  readonly path: string;
  /** Opens a directory in it; throws ENOTDIR or ELOOP for anything else. */
  openDirectory(name: string): Directory;
  /** Makes a directory in it, with this mode less the umask. */
  makeDirectory(name: string, mode: number): void;
  /** The status of what has this name; undefined if nothing has. */
  status(name: string): FileStatus | undefined;
  /** Its own status. */
  ownStatus(): FileStatus;
  /** The names in it, in no order. */
  entries(): DirectoryEntries;
  /** Makes a file of mode 0600, open to write and read; throws EEXIST if something has the name. */
  createFile(name: string): OpenFile;
  /** Opens a file; a named pipe does not block. Its status tells whether it is a regular file. */
  openFile(name: string, access: Access): OpenFile;
  /** Makes a symbolic link. */
  symlink(target: string, name: string): void;
  /** The target of a link; undefined if that is not UTF-8. */
  readLink(name: string): string | undefined;
  /**
   * Moves what has this name to another name, here or in another directory.
   *
   * @param options.replace whether what has that name is replaced; else EEXIST is thrown
   */
  rename(
    name: string,
    to: Directory,
    toName: string,
    options: { replace: boolean },
  ): void;
  /** Removes anything but a directory. */
  unlink(name: string): void;
  removeDirectory(name: string): void;
  /** Sets its own permission bits. */
  chmod(mode: number): void;
  /** Sets the permission bits of what has this name; no other user may be able to put a link there. */
  chmodAt(name: string, mode: number): void;
  /** Sets its own time of the last change. */
  setTime(mtime: Timestamp): void;
  /** Sets the time of the last change of what has this name; of a link itself. */
  setTimeAt(name: string, mtime: Timestamp): void;
  /** Makes the names in it durable, as far as the system can. */
  sync(): Promise<void>;
  close(): void;
}

export interface DirectoryEntries {
  /** Those that are UTF-8. */
  readonly names: string[];
  /** All others, with replacement characters. */
  readonly others: string[];
}

/** An open file. Methods throw what the system throws, as of {@linkcode SystemError}. */
export interface OpenFile extends Disposable {
  status(): FileStatus;
  /** @returns how many bytes were read, at least 1; `null` at the end */
  read(into: Uint8Array): Promise<number | null>;
  /** As `read`. */
  readSync(into: Uint8Array): number | null;
  /** Writes all of it. */
  write(bytes: Uint8Array): Promise<void>;
  /** As `write`. */
  writeSync(bytes: Uint8Array): void;
  /** Has the next read or write begin at this byte. */
  seek(position: number): Promise<void>;
  /** How many bytes can be read, of a block device, too; has the next read begin at the first. */
  length(): number;
  truncate(length: number): void;
  chmod(mode: number): void;
  setTime(mtime: Timestamp): void;
  /** Makes it durable. */
  sync(): Promise<void>;
  /** Locks it; false if it is locked by another process, or through another descriptor. */
  lock(): Promise<boolean>;
  /** Closes it, once what is under way has ended. */
  close(): void;
}

/**
 * Moves without replacing, where the system has no call for that: by a hard link.
 * For a directory, and where there are no hard links, a moment remains between
 * check and move.
 */
export function moveByLink(
  from: Directory,
  name: string,
  to: Directory,
  toName: string,
  { link }: { link: () => void },
): void {
  if (from.status(name)?.isDirectory === false) {
    try {
      link();
      return from.unlink(name);
    } catch (error) {
      if (codeOf(error) === "EEXIST") throw error;
    }
  }
  if (to.status(toName) !== undefined) throw new SystemError("EEXIST");
  from.rename(name, to, toName, { replace: true });
}

/** Removes what has this name in a directory, and all that is in it, making directories readable first. */
export function removeTree(directory: Directory, name: string): void {
  const status = directory.status(name);
  if (status === undefined) return;
  if (!status.isDirectory) return directory.unlink(name);
  makeWritable(directory, name, status);
  {
    using inside = directory.openDirectory(name);
    for (const entry of inside.entries().names) removeTree(inside, entry);
  }
  directory.removeDirectory(name);
}

/** Permission bits that the owner of a directory needs to fill or move it. */
export const OWNER_ALL = 0o700;

/** Lets the owner of a directory fill or move it. */
export function makeWritable(
  directory: Directory,
  name: string,
  { mode = 0 }: Partial<FileStatus> = {},
): void {
  if ((mode & OWNER_ALL) !== OWNER_ALL) {
    directory.chmodAt(name, mode | OWNER_ALL);
  }
}

/** Opens a file below a directory for reading; no link in the path is followed. */
export function openBeneath(from: Directory, path: string): OpenFile {
  const names = path.split("/");
  if (names.includes("..")) throw new SystemError("EXDEV");
  const name = names.pop() ?? "";
  if (names.length === 0) return from.openFile(name, "read");
  using directory = descend(from, names);
  return directory.openFile(name, "read");
}

/** Opens a directory below another one; at most two of those in between are open at once. */
export function descend(
  from: Directory,
  [first = "", ...names]: readonly string[],
): Directory {
  let directory = from.openDirectory(first);
  for (const name of names) {
    using above = directory;
    directory = above.openDirectory(name);
  }
  return directory;
}

/** Reads until `into` is full, or the file ends. @returns how many bytes were read */
export function readAll(file: OpenFile, into: Uint8Array): number {
  let at = 0;
  while (at < into.length) {
    const count = file.readSync(into.subarray(at));
    if (count === null) break;
    at += count;
  }
  return at;
}
