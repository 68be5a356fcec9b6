import { statfsSync } from "node:fs";
import type { Kept } from "../../content.ts";
import { StorageFailure } from "../../content.ts";
import type { FileEntry } from "../../wire/entries.ts";
import { storageFailure } from "../../system_errors.ts";
import type { Directory, OpenFile } from "../directory/directory.ts";
import type { FileStatus } from "../file_status.ts";
import { unusable } from "./storage_failures.ts";

/** Bytes after which a file's data is synced while more arrives. */
const SYNC_EVERY = 1 << 25;

/** What a file is given besides its content. */
export type Attributes = Partial<Pick<FileEntry, "mode" | "mtime">>;

/** A file of a staging directory while it grows. */
export class GrowingFile {
  /** What an earlier attempt left of it. */
  readonly kept: Kept | undefined;
  /** Whether it is no more what it was before. */
  touched = false;
  #directory: Directory;
  #name: string;
  /** Where it will be, for people. */
  #path: string;
  #file: OpenFile;
  #open = true;
  #unsynced = 0;
  #syncing = false;

  /** Use {@linkcode GrowingFile.open}. */
  private constructor(
    directory: Directory,
    name: string,
    path: string,
    file: OpenFile,
  ) {
    this.#directory = directory;
    this.#name = name;
    this.#path = path;
    this.#file = file;
    const { size } = file.status();
    if (size > 0) {
      this.kept = {
        length: size,
        read: (into) => this.#file.read(into),
        resume: (length) => this.#resume(length),
      };
    }
  }

  /**
   * Makes the file, or opens what an earlier attempt left of it. Throws what the
   * system throws.
   *
   * @param path where it will be, for people
   * @param options.leftover whether an earlier attempt may have left it
   */
  static open(
    directory: Directory,
    name: string,
    path: string,
    { leftover }: { leftover: boolean },
  ): GrowingFile {
    let status = leftover ? directory.status(name) : undefined;
    if (status !== undefined && !(status.isFile && status.links === 1)) {
      directory.removeTree(name);
      status = undefined;
    }
    let file: OpenFile;
    if (status === undefined) {
      file = directory.createFile(name);
    } else {
      // One that was complete may have a mode that lets nobody write
      if (status.mode !== 0o600) directory.chmodAt(name, 0o600);
      file = directory.openFile(name, "both");
    }
    return new GrowingFile(directory, name, path, file);
  }

  get status(): FileStatus {
    return this.#file.status();
  }

  /** @throws {StorageFailure} `full` if there is no room for so many bytes more */
  checkRoom(bytes: number): void {
    const free = freeBytes(this.#directory.path);
    if (bytes <= free) return;
    throw new StorageFailure(
      "full",
      `Cannot write ${this.#path}: the disk is full, with room for ${free} of ${bytes} bytes; make room`,
    );
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.touched = true;
    try {
      await this.#file.write(bytes);
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
    this.#unsynced += bytes.length;
    if (this.#unsynced >= SYNC_EVERY && !this.#syncing) this.#syncAhead();
  }

  /**
   * Gives it its mode and time, and has the disk take it if that is wanted.
   *
   * @throws {StorageFailure} if that fails, or it is not what has its name
   */
  async complete(
    { mode, mtime }: Attributes,
    { durable }: { durable: boolean },
  ): Promise<void> {
    try {
      if (mode !== undefined) this.#file.chmod(mode);
      if (mtime !== undefined) this.#file.setTime(mtime);
      if (durable) await this.#file.sync();
      const there = this.#directory.status(this.#name);
      if (!this.#open || there?.inode !== this.status.inode) {
        throw unusable(this.#path, "what had arrived was removed meanwhile");
      }
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
  }

  close(): void {
    this.#open = false;
    this.#file.close();
  }

  async #resume(length: number): Promise<void> {
    this.touched = true;
    try {
      this.#file.truncate(length);
      await this.#file.seek(length);
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
  }

  /** Has the disk take what was written meanwhile, so that the end does not wait for all of it. */
  #syncAhead(): void {
    this.#unsynced = 0;
    this.#syncing = true;
    this.#file.syncData().catch(() => {
      // What is wrong shows in the next write or the last sync
    }).finally(() => this.#syncing = false);
  }
}

/** How much can be written in a directory; everything where the system does not say. */
function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}
