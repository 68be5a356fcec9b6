import { statfsSync } from "node:fs";
import { Failure } from "../../../base/failure.ts";
import type { FileSink } from "../../sink.ts";
import type { FileEntry } from "../../wire/entries.ts";
import {
  type Directory,
  type OpenFile,
  removeTree,
} from "../directory/directory.ts";
import { writeFailure } from "../failures.ts";
import { codeOf } from "../system_error.ts";
import { partName } from "./part_names.ts";

/** Bytes after which a file's data is synced while more arrives. */
const SYNC_INTERVAL = 1 << 25;
/** Permission bits of a file whose sender gives none. */
const DEFAULT_MODE = 0o666;

/** How a {@linkcode StagedFile} is made. */
export interface StagedFileOptions {
  /** Where it will be, for people. */
  readonly path: string;
  /** Permission bits that the umask leaves. */
  readonly allowed: number;
  /** Whether it is synced before it is complete. */
  readonly durable: boolean;
  /** Whether an earlier attempt left an unfinished file. */
  readonly unfinished: boolean;
  /** Whether an earlier attempt left a complete one, which this one replaces. */
  readonly replaces: boolean;
}

/** A file of a staging directory while it is written. It has a name of its own until it is complete. */
export class StagedFile implements FileSink {
  readonly kept: number;
  #directory: Directory;
  #entry: FileEntry;
  #options: StagedFileOptions;
  #file: OpenFile;
  #position = 0;
  /** Whether it is not what an earlier attempt left any more. */
  #touched = false;
  #open = true;
  #unsynced = 0;
  #syncing = false;

  /**
   * Makes the file, or opens what an earlier attempt left of it. Throws what the
   * system throws, or `disk-full` where it is known that there is no room.
   */
  constructor(
    directory: Directory,
    entry: FileEntry,
    options: StagedFileOptions,
  ) {
    this.#directory = directory;
    this.#entry = entry;
    this.#options = options;
    this.#file = openPart(directory, this.#part, options.unfinished);
    this.kept = this.#file.status().size;
    const needed = (entry.size ?? 0) - this.kept;
    const free = freeBytes(directory.path);
    if (needed <= free) return;
    this.discard();
    throw new Failure({ code: "disk-full", path: options.path, free, needed });
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#touched = true;
    try {
      await this.#file.write(bytes);
    } catch (error) {
      throw writeFailure(this.#options.path, error);
    }
    this.#position += bytes.length;
    this.#unsynced += bytes.length;
    if (this.#unsynced >= SYNC_INTERVAL && !this.#syncing) this.#syncAhead();
  }

  async resume(length: number): Promise<void> {
    this.#touched = true;
    try {
      this.#file.truncate(length);
      await this.#file.seek(length);
    } catch (error) {
      throw writeFailure(this.#options.path, error);
    }
    this.#position = length;
  }

  async commit(): Promise<void> {
    const { name, mode = DEFAULT_MODE, mtime } = this.#entry;
    const { path, allowed, durable, replaces } = this.#options;
    const directory = this.#directory;
    try {
      const file = this.#file;
      if (this.#position < this.kept) file.truncate(this.#position);
      file.chmod(mode & allowed);
      if (mtime !== undefined) file.setTime(mtime);
      if (durable) await file.sync();
      const there = directory.status(this.#part);
      if (!this.#open || there?.inode !== file.status().inode) {
        throw new Failure({ code: "partial-removed", path });
      }
      if (replaces) removeTree(directory, name);
      directory.rename(this.#part, directory, name, { replace: false });
    } catch (error) {
      throw codeOf(error) === "EEXIST"
        ? new Failure({ code: "names-collide", path })
        : writeFailure(path, error);
    }
    this.#close();
  }

  discard(keep = false): void {
    if (!this.#open) return;
    try {
      const stays = (keep || !this.#touched) && this.#file.status().size > 0;
      if (!stays) this.#directory.unlink(this.#part);
    } catch {
      // The next attempt finds it, or it goes with the staging directory
    }
    this.#close();
  }

  get #part(): string {
    return partName(this.#entry.name);
  }

  #close(): void {
    this.#open = false;
    this.#file.close();
  }

  /** Syncs while more arrives, so that the end does not wait for all of it. */
  #syncAhead(): void {
    this.#unsynced = 0;
    this.#syncing = true;
    this.#file.sync().catch(() => {
      // What is wrong shows in the next write or the last sync
    }).finally(() => this.#syncing = false);
  }
}

/** Opens the unfinished file, or makes one. */
function openPart(
  directory: Directory,
  part: string,
  unfinished: boolean,
): OpenFile {
  let status = unfinished ? directory.status(part) : undefined;
  if (status !== undefined && !(status.isFile && status.links === 1)) {
    removeTree(directory, part);
    status = undefined;
  }
  if (status === undefined) return directory.createFile(part);
  // One that was complete may have a mode that lets nobody write
  if (status.mode !== 0o600) directory.chmodAt(part, 0o600);
  return directory.openFile(part, "both");
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
