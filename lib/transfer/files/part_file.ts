import { StorageFailure } from "../content.ts";
import { storageFailure } from "../system_errors.ts";
import { MAX_NAME, PART_SUFFIX } from "../untrusted.ts";
import { type FileStatus, statusAt } from "./file_status.ts";

/** Where what is to be called `path` is while it arrives: beside it, with a name shortened where it would be too long. */
export function partPath(path: string): string {
  const room = MAX_NAME - PART_SUFFIX.length;
  const at = path.lastIndexOf("/") + 1;
  // What is surely short enough, as most are, costs little
  if (3 * (path.length - at) <= room) return path + PART_SUFFIX;
  const encoder = new TextEncoder();
  let start = path.slice(at);
  while (encoder.encode(start).length > room) {
    start = [...start].slice(0, -1).join("");
  }
  return path.slice(0, at) + start + PART_SUFFIX;
}

/** A part file that nobody else writes. */
export interface PartFile {
  readonly file: Deno.FsFile;
  /** Whether it was there before. */
  readonly leftover: boolean;
}

/**
 * Makes the file `part`, or opens the one that an earlier attempt left, and
 * locks it, so that nobody else receives into it.
 *
 * @param path what it is for
 * @throws {StorageFailure} if it cannot be had
 */
export async function openPart(part: string, path: string): Promise<PartFile> {
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      const made = await make(part);
      const file = made ?? await openLeftover(part, path);
      if (file === undefined) continue;
      let mine = false;
      try {
        if (!await lock(file)) {
          throw new StorageFailure(
            "taken",
            `Cannot write ${path}: another transfer does so right now`,
          );
        }
        // Until it was locked, whoever had it may have moved or removed it
        mine = isAt(file, part);
        if (mine) return { file, leftover: made === undefined };
      } finally {
        if (!mine) file.close();
      }
    }
  } catch (error) {
    throw storageFailure(path, error);
  }
  throw inTheWay(part, path);
}

/** Makes a new file; undefined if something is at `path`. */
async function make(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path, { read: true, write: true, createNew: true });
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
  // Another name of it could be that of a file which is none of this
  if (info !== undefined && (!info.isFile || info.links > 1)) {
    throw inTheWay(part, path);
  }
  try {
    return await Deno.open(part, { read: true, write: true });
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
export function isAt(file: Deno.FsFile, path: string): boolean {
  const open = file.statSync();
  try {
    const named = Deno.lstatSync(path);
    return named.isFile && named.ino === open.ino && named.dev === open.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Moves `from` to `to`, which must not exist, even if it comes into being this
 * moment.
 *
 * @throws {StorageFailure} `exists`, or what the system throws
 */
export function moveWithoutReplacing(from: string, to: string): void {
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
export function lstat(path: string): FileStatus | undefined {
  try {
    return statusAt(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw storageFailure(path, error);
  }
}

/** Makes a new name last, where the system lets a directory be synced. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    using directory = await Deno.open(path);
    await directory.sync();
  } catch {
    // The file itself is safe
  }
}

/**
 * Something has the name already.
 *
 * @param instead what to use if that is not to be replaced
 */
export function exists(
  path: string,
  instead = "-o for another name",
): StorageFailure {
  return new StorageFailure(
    "exists",
    `Cannot write ${path}: it exists already; use --force to replace it, or ${instead}`,
  );
}

/** It cannot be stored there, for a reason that is not the system's. */
export function unusable(path: string, why: string): StorageFailure {
  return new StorageFailure("unusable", `Cannot write ${path}: ${why}`);
}

function inTheWay(part: string, path: string): StorageFailure {
  return unusable(path, `${part} is in the way; remove it`);
}
