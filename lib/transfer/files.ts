import { fstatSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Failure } from "../base/failure.ts";
import { type Sink, type Source, StorageFailure } from "./content.ts";
import type { Offer } from "./messages.ts";
import { explain, storageFailure } from "./system_errors.ts";
import { MAX_NAME, offerableName, PART_SUFFIX } from "./untrusted.ts";

/** A source that reads a file. */
export class FileSource implements Source {
  readonly offer: Offer;
  #path: string;
  #file: Deno.FsFile;

  /** Use {@linkcode FileSource.open}. */
  constructor(path: string, file: Deno.FsFile, offer: Offer) {
    this.#path = path;
    this.#file = file;
    this.offer = offer;
  }

  /** @throws {Failure} `input` if there is no such file or it cannot be read */
  static async open(path: string): Promise<FileSource> {
    const cannot = (error: unknown) =>
      new Failure("input", `Cannot read ${path}: ${explain(error)}`);
    const info = await Deno.stat(path).catch((error) => {
      throw cannot(error);
    });
    if (info.isDirectory) {
      throw new Failure(
        "input",
        `Cannot send ${path}: it is a directory; send a stream of it, tar c ${path} | ferry send …`,
      );
    }
    const file = await Deno.open(path).catch((error) => {
      throw cannot(error);
    });
    return new FileSource(path, file, {
      name: offerableName(basename(path)),
      // What /proc shows is called empty and is not
      size: info.isFile && info.size > 0 ? info.size : undefined,
      mode: info.isFile && info.mode !== null ? info.mode & 0o777 : undefined,
      mtime: info.isFile ? info.mtime?.getTime() : undefined,
    });
  }

  async read(into: Uint8Array): Promise<number | null> {
    try {
      return await this.#file.read(into);
    } catch (error) {
      throw new Failure(
        "local",
        `Cannot read ${this.#path} to its end: ${explain(error)}`,
      );
    }
  }

  close(): void {
    this.#file.close();
  }
}

/** A source that reads standard input. */
export class StdinSource implements Source {
  readonly offer: Offer = {};

  async read(into: Uint8Array): Promise<number | null> {
    try {
      return await Deno.stdin.read(into);
    } catch (error) {
      throw new Failure(
        "input",
        `Cannot read standard input: ${explain(error)}`,
      );
    }
  }

  close(): void {}
}

/** A sink that writes to standard output. */
export class StdoutSink implements Sink {
  committed = false;

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        at += await Deno.stdout.write(bytes.subarray(at));
      }
    } catch (error) {
      throw storageFailure("standard output", error);
    }
  }

  commit(): Promise<void> {
    this.committed = true;
    return Promise.resolve();
  }

  discard(): void {}

  /** Whether standard output is the null device; that is also what a closed one looks like. */
  static goesNowhere(): boolean {
    try {
      const output = fstatSync(1);
      return output.isCharacterDevice() &&
        output.rdev === Deno.statSync("/dev/null").rdev;
    } catch {
      return false;
    }
  }
}

/**
 * A sink that writes a file under a temporary name beside its final one. The
 * temporary file is locked while it is written; one that is not locked was left
 * behind by a crash and is replaced.
 */
export class FileSink implements Sink {
  committed = false;
  #path: string;
  #part: string;
  #file: Deno.FsFile;
  #force: boolean;
  #attributes: Offer = {};
  #open = true;
  #unsynced = 0;
  #syncing = false;

  /** Use {@linkcode FileSink.create}. */
  constructor(path: string, part: string, file: Deno.FsFile, force: boolean) {
    this.#path = path;
    this.#part = part;
    this.#file = file;
    this.#force = force;
  }

  /**
   * @param options.force whether a file at `path` is replaced
   * @throws {StorageFailure} if something is at `path`, or no file can be made there
   */
  static async create(
    path: string,
    options: { force: boolean },
  ): Promise<FileSink> {
    checkTarget(path, options.force);
    const part = join(dirname(path), partName(basename(path)));
    const file = await openAlone(part, path);
    return new FileSink(path, part, file, options.force);
  }

  /** Has `commit` give the file the mode and the time of what is offered. */
  async adopt(offer: Offer): Promise<void> {
    this.#attributes = offer;
    if (offer.mode === undefined) return;
    try {
      // Nobody may read meanwhile who may not read in the end
      await Deno.chmod(this.#part, offer.mode | 0o600);
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
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
    try {
      if (mode !== undefined) await Deno.chmod(this.#part, mode);
      if (mtime !== undefined) {
        await this.#file.utime(new Date(), new Date(mtime));
      }
      await this.#file.sync();
      // Nothing else may run between these
      if (!this.#open || !isAt(this.#file, this.#part)) {
        throw unusable(this.#path, `${this.#part} was removed meanwhile`);
      }
      if (this.#force) Deno.renameSync(this.#part, this.#path);
      else moveWithoutReplacing(this.#part, this.#path);
      this.committed = true;
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
    this.#close();
    await syncDirectory(dirname(this.#path));
  }

  discard(): void {
    if (!this.#open) return;
    try {
      if (isAt(this.#file, this.#part)) Deno.removeSync(this.#part);
    } catch {
      // A later transfer of that name replaces it
    }
    this.#close();
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

/** Bytes after which a file's data is synced while more arrives. */
const SYNC_EVERY = 1 << 25;

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
    throw unusable(path, "it names a directory; use -d to save in one");
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

/** The temporary name for a file, shortened where it would be too long. */
function partName(name: string): string {
  const room = MAX_NAME - PART_SUFFIX.length;
  let start = name;
  while (new TextEncoder().encode(start).length > room) {
    start = [...start].slice(0, -1).join("");
  }
  return start + PART_SUFFIX;
}

/** Makes the file `part`, replacing one that was left behind, so that nobody else receives into it. */
async function openAlone(part: string, path: string): Promise<Deno.FsFile> {
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      const made = await make(part);
      const file = made ?? await openLeftover(part, path);
      if (file === undefined) continue;
      let kept = false;
      try {
        if (!await lock(file)) {
          throw new StorageFailure(
            "exists",
            `Cannot write ${path}: another transfer does so right now`,
          );
        }
        // Until it was locked, whoever had it may have moved or removed it
        const mine = isAt(file, part);
        kept = mine && made !== undefined;
        if (kept) return file;
        if (mine) Deno.removeSync(part);
      } finally {
        if (!kept) file.close();
      }
    }
  } catch (error) {
    throw storageFailure(path, error);
  }
  throw unusable(path, `${part} is in the way; remove it`);
}

/** Makes a new file; undefined if something is at `path`. */
async function make(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path, { write: true, createNew: true });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    throw error;
  }
}

/** Opens the file that is at `part`; undefined if it went away meanwhile. */
async function openLeftover(
  part: string,
  path: string,
): Promise<Deno.FsFile | undefined> {
  const info = lstat(part);
  if (info !== undefined && !info.isFile) {
    throw unusable(path, `${part} is in the way; remove it`);
  }
  try {
    return await Deno.open(part, { write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Locks `file` against other processes; false if one of them has it. */
async function lock(file: Deno.FsFile): Promise<boolean> {
  const { tryLock } = file as {
    tryLock?: (alone: boolean) => Promise<boolean>;
  };
  try {
    if (tryLock !== undefined) return await tryLock.call(file, true);
  } catch {
    return true; // A file system without locks
  }
  // Before Deno 2.6 a lock can only be waited for
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), 500);
  });
  const locked = file.lock(true).then(() => true, () => true);
  return await Promise.race([locked, tooLong])
    .finally(() => clearTimeout(timer));
}

/** Whether `path` itself, not what a link there points to, is the open `file`. */
function isAt(file: Deno.FsFile, path: string): boolean {
  const open = file.statSync();
  const named = lstat(path);
  return named !== undefined && named.isFile && named.ino === open.ino &&
    named.dev === open.dev;
}

/** Moves `from` to `to`, which must not exist, even if it comes into being this moment. */
function moveWithoutReplacing(from: string, to: string): void {
  try {
    Deno.linkSync(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw exists(to);
    // A file system without hard links: a moment remains between check and move
    if (lstat(to) !== undefined) throw exists(to);
    Deno.renameSync(from, to);
    return;
  }
  Deno.removeSync(from);
}

/** What is at `path` itself; undefined if nothing is. */
function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw storageFailure(path, error);
  }
}

/** Makes a new name last, where the system lets a directory be synced. */
async function syncDirectory(path: string): Promise<void> {
  try {
    using directory = await Deno.open(path);
    await directory.sync();
  } catch {
    // The file itself is safe
  }
}

function exists(path: string): StorageFailure {
  return new StorageFailure(
    "exists",
    `Cannot write ${path}: it exists already; use --force to replace it, or -o for another name`,
  );
}

function unusable(path: string, why: string): StorageFailure {
  return new StorageFailure("unusable", `Cannot write ${path}: ${why}`);
}
