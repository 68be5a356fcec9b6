import { StorageFailure } from "../../content.ts";

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

/** What to use where the names of a tree are taken. */
export const ELSEWHERE = "another directory";

/** A directory has the name of what is no directory. */
export function isDirectoryThere(path: string): StorageFailure {
  return new StorageFailure(
    "directory",
    `Cannot write ${path}: a directory of that name is there, and is not replaced`,
  );
}

/** What is no directory has the name of one. */
export function isNoDirectory(path: string, link: boolean): StorageFailure {
  return link
    ? unusable(path, "it is a link, and nothing is written through links")
    : new StorageFailure(
      "exists",
      `Cannot make the directory ${path}: a file of that name exists already`,
    );
}

/** Two names of what is sent are one name to the file system. */
export function collides(path: string): StorageFailure {
  return new StorageFailure(
    "exists",
    `Cannot write ${path}: to the file system there, another name that was sent is the same; rename one of them, or use another file system`,
  );
}

/** It cannot be stored there, for a reason that is not the system's. */
export function unusable(path: string, why: string): StorageFailure {
  return new StorageFailure("unusable", `Cannot write ${path}: ${why}`);
}
