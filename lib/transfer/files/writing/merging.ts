import { join } from "node:path";
import type { Directory } from "../directory/directory.ts";
import type { FileStatus } from "../file_status.ts";
import {
  isDirectoryThere,
  isNoDirectory,
  unusable,
} from "./storage_failures.ts";

/** What its owner needs to move a directory and what is in it. */
const WHOLE = 0o700;

/**
 * Looks whether what is at `from` can be put where it belongs: files are
 * replaced, directories merged into, and nothing else. Changes nothing there.
 *
 * @throws {StorageFailure} if something is in the way
 */
export function checkMerge(
  directory: Directory,
  from: string,
  to: Directory,
  name: string,
): void {
  const there = to.status(name);
  if (there === undefined) return;
  const path = join(to.path, name);
  const ours = directory.status(from);
  checkKinds(path, ours?.isDirectory === true, there);
  if (!there.isDirectory) return;
  within(directory, from, to, name, (inside, into) => {
    for (const entry of inside.entries().names) {
      checkMerge(inside, entry, into, entry);
    }
  });
}

/** @throws {StorageFailure} unless what is there can be replaced, or merged into */
export function checkKinds(
  path: string,
  directory: boolean,
  there: FileStatus,
): void {
  if (directory && !there.isDirectory) {
    throw isNoDirectory(path, there.isSymlink);
  }
  if (directory) return;
  if (there.isDirectory) throw isDirectoryThere(path);
  if (!there.isFile && !there.isSymlink) {
    throw unusable(path, "it is not a regular file");
  }
}

/**
 * Moves what is at `from` to where it belongs. Throws what the system throws.
 *
 * @param options.replace whether files that are there are replaced; a directory
 * that is there is merged into, and keeps its mode
 * @param options.mode the permission bits of a directory once it is there
 */
export function merge(
  directory: Directory,
  from: string,
  to: Directory,
  name: string,
  { replace, mode }: { replace: boolean; mode?: number },
): void {
  const ours = directory.status(from);
  if (!ours?.isDirectory) {
    return directory.rename(from, to, name, { replace });
  }
  if (replace && to.status(name)?.isDirectory) {
    within(directory, from, to, name, (inside, into) => {
      for (const entry of inside.entries().names) {
        merge(inside, entry, into, entry, { replace });
      }
    });
    return directory.removeDirectory(from);
  }
  const wanted = mode ?? ours.mode;
  // To go to another directory, it has to be one that its owner may write
  makeWhole(directory, from, ours);
  directory.rename(from, to, name, { replace: false });
  if ((wanted & WHOLE) === WHOLE) return;
  const moved = to.openDirectory(name);
  try {
    if (moved.ownStatus().inode === ours.inode) moved.chmod(wanted);
  } finally {
    moved.close();
  }
}

/** Has `action` have a directory of what arrived, and the one that it is merged into. */
function within(
  directory: Directory,
  from: string,
  to: Directory,
  name: string,
  action: (inside: Directory, into: Directory) => void,
): void {
  makeWhole(directory, from, directory.status(from)!);
  const inside = directory.openDirectory(from);
  try {
    const into = to.openDirectory(name);
    try {
      action(inside, into);
    } finally {
      into.close();
    }
  } finally {
    inside.close();
  }
}

function makeWhole(
  directory: Directory,
  name: string,
  { mode }: FileStatus,
): void {
  if ((mode & WHOLE) !== WHOLE) directory.chmodAt(name, mode | WHOLE);
}
