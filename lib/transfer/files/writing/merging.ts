import { join } from "node:path";
import {
  type Directory,
  makeWritable,
  OWNER_ALL,
} from "../directory/directory.ts";
import { Failure } from "../../../base/failure.ts";
import type { FileStatus } from "../file_status.ts";

/**
 * Checks that `name` can be moved from one directory to another: directories are
 * merged into, files are replaced if they may be, and nothing else is. Changes
 * nothing there.
 *
 * @throws {Failure} if something is in the way
 */
export function checkMerge(
  from: Directory,
  to: Directory,
  name: string,
  options: { replace: boolean; inTree: boolean },
): void {
  const { replace, inTree } = options;
  const there = to.status(name);
  if (there === undefined) return;
  const isDirectory = from.status(name)?.isDirectory === true;
  const path = join(to.path, name);
  if (!replace && !(isDirectory && there.isDirectory)) {
    throw new Failure({ code: "exists", path, inTree });
  }
  checkReplaceable(path, isDirectory, there);
  if (!there.isDirectory) return;
  inBoth(from, to, name, (inside, into) => {
    for (const entry of inside.entries().names) {
      checkMerge(inside, into, entry, options);
    }
  });
}

/** @throws {Failure} unless what is there can be replaced, or merged into */
export function checkReplaceable(
  path: string,
  byDirectory: boolean,
  there: FileStatus,
): void {
  if (byDirectory) {
    if (there.isDirectory) return;
    const code = there.isSymlink ? "is-link" : "not-directory";
    throw new Failure({ code, path });
  }
  if (there.isDirectory) throw new Failure({ code: "is-directory", path });
  if (!there.isFile && !there.isSymlink) {
    throw new Failure({ code: "is-special", path });
  }
}

/**
 * Moves `name` from one directory to another; a directory that is there is merged
 * into, and keeps its mode. Throws what the system throws.
 *
 * @param options.replace whether files that are there are replaced
 * @param options.as the name it gets there, which nothing has: so nothing is merged
 * @param options.mode the permission bits of a directory once it is there
 */
export function merge(
  from: Directory,
  to: Directory,
  name: string,
  { replace, mode, as }: {
    replace: boolean;
    mode?: number | undefined;
    as?: string | undefined;
  },
): void {
  const ours = from.status(name);
  const final = as ?? name;
  if (!ours?.isDirectory) return from.rename(name, to, final, { replace });
  if (as === undefined && to.status(name)?.isDirectory) {
    inBoth(from, to, name, (inside, into) => {
      for (const entry of inside.entries().names) {
        merge(inside, into, entry, { replace });
      }
    });
    return from.removeDirectory(name);
  }
  const wanted = mode ?? ours.mode;
  // A directory that its owner may not write cannot be moved to another one
  makeWritable(from, name, ours);
  from.rename(name, to, final, { replace: false });
  if ((wanted & OWNER_ALL) === OWNER_ALL) return;
  using moved = to.openDirectory(final);
  if (moved.ownStatus().inode === ours.inode) moved.chmod(wanted);
}

/** Opens the directory `name` in both directories for `action`. */
function inBoth(
  from: Directory,
  to: Directory,
  name: string,
  action: (inside: Directory, into: Directory) => void,
): void {
  makeWritable(from, name, from.status(name));
  using inside = from.openDirectory(name);
  using into = to.openDirectory(name);
  action(inside, into);
}
