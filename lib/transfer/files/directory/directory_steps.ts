import type { Directory, OpenFile } from "./directory.ts";
import { codeOf, SystemError } from "../system_error.ts";

/**
 * Moves without replacing where the system does not do that in one step: by a
 * second name, which is never one that is taken. For a directory, and where
 * there are no hard links, a moment remains between check and move.
 */
export function moveSlowly(
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

/** Removes what has this name in a directory, and all that is in it; of what nobody may read, as much as can be. */
export function removeTree(directory: Directory, name: string): void {
  const status = directory.status(name);
  if (status === undefined) return;
  if (!status.isDirectory) return directory.unlink(name);
  const whole = 0o700;
  if ((status.mode & whole) !== whole) directory.chmodAt(name, whole);
  const inside = directory.openDirectory(name);
  try {
    for (const entry of inside.entries().names) removeTree(inside, entry);
  } finally {
    inside.close();
  }
  directory.removeDirectory(name);
}

/** Opens a file to read by a path of names, one directory after the other. */
export function openByComponents(from: Directory, path: string): OpenFile {
  const names = path.split("/").filter((name) => name !== "");
  if (names.includes("..")) throw new SystemError("EXDEV");
  let directory: Directory | undefined;
  try {
    for (const name of names.slice(0, -1)) {
      const next: Directory = (directory ?? from).openDirectory(name);
      directory?.close();
      directory = next;
    }
    return (directory ?? from).openFile(names.at(-1) ?? ".", "read");
  } finally {
    directory?.close();
  }
}
