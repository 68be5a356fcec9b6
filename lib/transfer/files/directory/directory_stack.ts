import type { FileStatus } from "../file_status.ts";
import { SystemError } from "../system_error.ts";
import {
  descend,
  type Directory,
  openBeneath,
  type OpenFile,
} from "./directory.ts";

/** Directories that may be open at once: a tree may be deeper than a process may have files open. */
const MAX_OPEN = 16;

/** A directory on the path. */
interface Level {
  readonly name: string;
  /** The path from the top to what is in it, with a slash at its end. */
  readonly prefix: string;
  readonly isThere: boolean;
  /** Undefined while it is closed, to be opened again. */
  directory: Directory | undefined;
}

/** The path from a directory down to the one that is being read or written, which need not be there. */
export class DirectoryStack {
  #rootFor: (name: string) => Directory | undefined;
  #levels: Level[] = [];

  /** @param rootFor gives the directory that a name at the top is in, if there is one; it is not closed here */
  constructor(rootFor: (name: string) => Directory | undefined) {
    this.#rootFor = rootFor;
  }

  /** How many directories down it is. */
  get depth(): number {
    return this.#levels.length;
  }

  /** The name of the topmost directory that it is in; undefined at the top. */
  get first(): string | undefined {
    return this.#levels.at(0)?.name;
  }

  /** The path from the top to `name` in the directory it is in. */
  pathTo(name: string): string {
    return (this.#levels.at(-1)?.prefix ?? "") + name;
  }

  /** The directory that `name` is in; undefined if it is not there. */
  find(name: string): Directory | undefined {
    const last = this.#levels.at(-1);
    if (last === undefined) return this.#rootFor(name);
    if (last.isThere) last.directory ??= this.#reopen();
    return last.directory;
  }

  /** As `find`; throws ENOENT if it is not there. */
  at(name: string): Directory {
    return found(this.find(name));
  }

  /** The status of what has this name in the directory it is in; undefined if nothing has. */
  status(name: string): FileStatus | undefined {
    return this.find(name)?.status(name);
  }

  /** Opens the file that `name` is now for reading, at any time. */
  opener(name: string): () => Promise<OpenFile> {
    const root = this.#rootFor(this.first ?? name);
    const path = this.pathTo(name);
    // deno-lint-ignore require-await -- what it throws is a rejection
    return async () => openBeneath(found(root), path);
  }

  /** Goes into a directory of the one it is in. @param isThere whether there is such a directory */
  enter(name: string, isThere = true): void {
    const directory = isThere ? this.at(name).openDirectory(name) : undefined;
    const prefix = `${this.pathTo(name)}/`;
    this.#levels.push({ name, prefix, isThere, directory });
    const above = this.#levels.at(-1 - MAX_OPEN);
    above?.directory?.close();
    if (above !== undefined) above.directory = undefined;
  }

  /** Goes back up. @returns the name of the directory that was left */
  leave(): string {
    const level = this.#levels.pop();
    level?.directory?.close();
    return level?.name ?? "";
  }

  close(): void {
    while (this.depth > 0) this.leave();
  }

  /** Opens the lowest directory again, from above. */
  #reopen(): Directory {
    const names = this.#levels.map(({ name }) => name);
    return descend(found(this.#rootFor(names[0] ?? "")), names);
  }
}

function found(directory: Directory | undefined): Directory {
  if (directory === undefined) throw new SystemError("ENOENT");
  return directory;
}
