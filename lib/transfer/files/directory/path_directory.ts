import { lutimesSync } from "node:fs";
import { join } from "node:path";
import { millisecondsOf, type Timestamp } from "../../wire/timestamp.ts";
import { type FileStatus, statusOf } from "../file_status.ts";
import { SystemError } from "../system_error.ts";
import {
  type Access,
  type Directory,
  type DirectoryEntries,
  moveByLink,
  type OpenFile,
} from "./directory.ts";

/** How long to wait for a lock where it cannot be tried, in milliseconds. */
const LOCK_WAIT = 500;

/**
 * A directory by its path, where there is no FFI. What is opened is compared with
 * what was seen before, but a moment remains in between.
 */
export class PathDirectory implements Directory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    if (!Deno.statSync(path).isDirectory) throw new SystemError("ENOTDIR");
  }

  openDirectory(name: string): PathDirectory {
    const status = this.status(name);
    if (status === undefined) throw new SystemError("ENOENT");
    if (status.isSymlink) throw new SystemError("ELOOP");
    if (!status.isDirectory) throw new SystemError("ENOTDIR");
    return new PathDirectory(this.#at(name));
  }

  makeDirectory(name: string, mode: number): void {
    Deno.mkdirSync(this.#at(name), { mode });
  }

  status(name: string): FileStatus | undefined {
    try {
      return statusOf(Deno.lstatSync(this.#at(name)));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  ownStatus(): FileStatus {
    return statusOf(Deno.statSync(this.path));
  }

  entries(): DirectoryEntries {
    const names = Array.from(Deno.readDirSync(this.path), ({ name }) => name);
    return { names, others: [] };
  }

  createFile(name: string): OpenFile {
    const path = this.#at(name);
    const options = { read: true, write: true, createNew: true, mode: 0o600 };
    return new PathFile(path, Deno.openSync(path, options));
  }

  openFile(name: string, access: Access): OpenFile {
    const path = this.#at(name);
    const status = this.status(name);
    if (status === undefined) throw new SystemError("ENOENT");
    if (status.isSymlink) throw new SystemError("ELOOP");
    // Opening a named pipe could block for ever
    if (!status.isFile) throw new SystemError("EINVAL");
    const file = new PathFile(
      path,
      Deno.openSync(path, { read: true, write: access === "both" }),
    );
    const { device, inode } = file.status();
    if (device === status.device && inode === status.inode) return file;
    file.close();
    throw new SystemError("ELOOP");
  }

  symlink(target: string, name: string): void {
    Deno.symlinkSync(target, this.#at(name));
  }

  readLink(name: string): string | undefined {
    return Deno.readLinkSync(this.#at(name));
  }

  rename(
    name: string,
    to: Directory,
    toName: string,
    { replace }: { replace: boolean },
  ): void {
    if (!(to instanceof PathDirectory)) throw new SystemError("EXDEV");
    const [from, into] = [this.#at(name), to.#at(toName)];
    if (replace) return Deno.renameSync(from, into);
    moveByLink(this, name, to, toName, {
      link: () => Deno.linkSync(from, into),
    });
  }

  unlink(name: string): void {
    if (this.status(name)?.isDirectory) throw new SystemError("EISDIR");
    Deno.removeSync(this.#at(name));
  }

  removeDirectory(name: string): void {
    if (this.status(name)?.isDirectory === false) {
      throw new SystemError("ENOTDIR");
    }
    Deno.removeSync(this.#at(name));
  }

  chmod(mode: number): void {
    setMode(this.path, mode);
  }

  chmodAt(name: string, mode: number): void {
    if (this.status(name)?.isSymlink) throw new SystemError("ELOOP");
    setMode(this.#at(name), mode);
  }

  setTime(mtime: Timestamp): void {
    setTimeOf(this.path, mtime);
  }

  setTimeAt(name: string, mtime: Timestamp): void {
    setTimeOf(this.#at(name), mtime);
  }

  async sync(): Promise<void> {
    try {
      using directory = await Deno.open(this.path);
      await directory.sync();
    } catch {
      // The files themselves have been synced
    }
  }

  close(): void {}

  [Symbol.dispose](): void {}

  #at(name: string): string {
    if (name.includes("\0")) throw new SystemError("EINVAL");
    return join(this.path, name);
  }
}

export class PathFile implements OpenFile {
  #path: string;
  #file: Deno.FsFile;
  /** Settles when it has the lock that it waits for, before Deno 2.6. */
  #locked: Promise<boolean> | undefined;
  #closed = false;

  constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  status(): FileStatus {
    return statusOf(this.#file.statSync());
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#file.read(into);
  }

  readSync(into: Uint8Array): number | null {
    return this.#file.readSync(into);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#file.write(bytes.subarray(at));
    }
  }

  writeSync(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      at += this.#file.writeSync(bytes.subarray(at));
    }
  }

  async seek(position: number): Promise<void> {
    await this.#file.seek(position, Deno.SeekMode.Start);
  }

  length(): number {
    const length = this.#file.seekSync(0, Deno.SeekMode.End);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    return length;
  }

  truncate(length: number): void {
    this.#file.truncateSync(length);
  }

  chmod(mode: number): void {
    this.#checkPlace();
    setMode(this.#path, mode);
  }

  setTime(mtime: Timestamp): void {
    this.#checkPlace();
    setTimeOf(this.#path, mtime);
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  async lock(): Promise<boolean> {
    const { tryLock } = this.#file as {
      tryLock?: (alone: boolean) => Promise<boolean>;
    };
    try {
      if (tryLock !== undefined) return await tryLock.call(this.#file, true);
    } catch {
      return true; // The file system has no locks
    }
    // Before Deno 2.6 there is no tryLock
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLong = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), LOCK_WAIT);
    });
    // It cannot be given up: a second try goes on with the same wait
    this.#locked ??= this.#file.lock(true).then(() => true, () => true);
    return await Promise.race([this.#locked, tooLong])
      .finally(() => clearTimeout(timer));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Checks that the path still leads to what is open. */
  #checkPlace(): void {
    const open = this.status();
    const named = statusOf(Deno.lstatSync(this.#path));
    if (open.device !== named.device || open.inode !== named.inode) {
      throw new SystemError("ESTALE");
    }
  }
}

function setMode(path: string, mode: number): void {
  try {
    Deno.chmodSync(path, mode);
  } catch (error) {
    // Windows has no modes, and some versions of Deno throw
    if (Deno.build.os !== "windows") throw error;
  }
}

function setTimeOf(path: string, mtime: Timestamp): void {
  const milliseconds = millisecondsOf(mtime);
  // Before 1970 Deno takes whole seconds only
  const time = milliseconds < 0
    ? Math.floor(milliseconds / 1000) * 1000
    : milliseconds;
  lutimesSync(path, new Date(), new Date(time));
}
