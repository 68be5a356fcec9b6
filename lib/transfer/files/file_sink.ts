import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { type Kept, type Sink, StorageFailure } from "../content.ts";
import type { Offer } from "../messages.ts";
import { storageFailure } from "../system_errors.ts";
import {
  exists,
  isAt,
  lstat,
  moveWithoutReplacing,
  openPart,
  type PartFile,
  partPath,
  syncDirectory,
  unusable,
} from "./part_file.ts";
import { setTime } from "./file_times.ts";

/** Bytes after which a file's data is synced while more arrives. */
const SYNC_EVERY = 1 << 25;

/** How a file is made. */
export interface FileSinkOptions {
  /** Whether a file that is there is replaced. */
  readonly force: boolean;
  /**
   * Whether the disk is made to have it before it has its name.
   * @default {true}
   */
  readonly durable?: boolean;
}

/** What a file is given besides its content. */
export type Attributes = Pick<Offer, "mode" | "mtime">;

/**
 * A sink that writes a file under a temporary name beside its final one. The
 * temporary file is locked while it is written; one that is not locked was left
 * by an earlier attempt, and can be gone on with.
 */
export class FileSink implements Sink {
  committed = false;
  readonly kept: Kept | undefined;
  remains: string | undefined;
  #path: string;
  #part: string;
  #file: Deno.FsFile;
  #options: FileSinkOptions;
  #attributes: Attributes = {};
  #open = true;
  /** Whether what was there before is so no more. */
  #touched = false;
  #unsynced = 0;
  #syncing = false;

  /** Use {@linkcode FileSink.create}. */
  constructor(
    path: string,
    part: string,
    { file, leftover }: PartFile,
    options: FileSinkOptions,
  ) {
    this.#path = path;
    this.#part = part;
    this.#file = file;
    this.#options = options;
    const length = leftover ? file.statSync().size : 0;
    if (length > 0) {
      this.kept = {
        length,
        read: (into) => this.#file.read(into),
        resume: (length) => this.#resume(length),
      };
    }
  }

  /** @throws {StorageFailure} if something is at `path`, or no file can be made there */
  static async create(
    path: string,
    options: FileSinkOptions,
  ): Promise<FileSink> {
    checkTarget(path, options.force);
    const part = partPath(path);
    return new FileSink(path, part, await openPart(part, path), options);
  }

  /** Has `commit` give the file this mode and this time. */
  async adopt(attributes: Attributes): Promise<void> {
    this.#attributes = attributes;
    const { mode } = attributes;
    if (mode === undefined) return;
    try {
      // Nobody may read meanwhile who may not read in the end
      await Deno.chmod(this.#part, mode | 0o600);
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
  }

  checkRoom(bytes: number): void {
    const free = freeBytes(dirname(this.#part));
    if (bytes <= free) return;
    throw new StorageFailure(
      "full",
      `Cannot write ${this.#path}: the disk is full, with room for ${free} of ${bytes} bytes; make room`,
    );
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#touched = true;
    try {
      for (let at = 0; at < bytes.length;) {
        at += await this.#file.write(bytes.subarray(at));
      }
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
    this.#unsynced += bytes.length;
    if (this.#unsynced >= SYNC_EVERY && !this.#syncing) this.#syncAhead();
  }

  async commit(): Promise<void> {
    const { mode, mtime } = this.#attributes;
    const { durable = true, force } = this.#options;
    try {
      if (mode !== undefined) await Deno.chmod(this.#part, mode);
      if (mtime !== undefined) {
        setTime(this.#part, mtime);
      }
      if (durable) await this.#file.sync();
      // Nothing else may run between these
      if (!this.#open || !isAt(this.#file, this.#part)) {
        throw unusable(this.#path, `${this.#part} was removed meanwhile`);
      }
      if (force) Deno.renameSync(this.#part, this.#path);
      else moveWithoutReplacing(this.#part, this.#path);
      this.committed = true;
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
    this.#close();
    if (durable) await syncDirectory(dirname(this.#path));
  }

  discard(keep = false): void {
    if (!this.#open) return;
    try {
      const stays = keep || !this.#touched;
      if (stays && this.#file.statSync().size > 0) {
        this.remains = this.#part;
      } else if (isAt(this.#file, this.#part)) {
        Deno.removeSync(this.#part);
      }
    } catch {
      // A later transfer of that name replaces it
    }
    this.#close();
  }

  async #resume(length: number): Promise<void> {
    this.#touched = true;
    try {
      await this.#file.truncate(length);
      await this.#file.seek(length, Deno.SeekMode.Start);
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

  #close(): void {
    this.#open = false;
    this.#file.close();
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

/** @throws {StorageFailure} if a file cannot or must not be put at `path` */
function checkTarget(path: string, force: boolean): void {
  const directory = dirname(path);
  try {
    if (!Deno.statSync(directory).isDirectory) {
      throw unusable(path, `${directory} is not a directory`);
    }
  } catch (error) {
    throw storageFailure(path, error);
  }
  const info = lstat(path);
  if (path.endsWith("/") || info?.isDirectory) {
    throw new StorageFailure(
      "directory",
      `Cannot write ${path}: it names a directory; use -d to save in one`,
    );
  }
  if (info === undefined) return;
  if (!info.isFile && !leadsToFile(path)) {
    throw unusable(path, "it is not a regular file; use a redirection");
  }
  if (!force) throw exists(path);
}

/** Whether `path` is a link, to a regular file or to nothing. */
function leadsToFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
