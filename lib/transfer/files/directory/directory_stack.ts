import { descend, type Directory } from "./directory.ts";

/** Directories that may be open at once: a tree may be deeper than a process may have files open. */
const MAX_OPEN = 16;

/** A directory on the path. */
interface OpenLevel {
  readonly name: string;
  /** The path from the top to what is in it, with a slash at its end. */
  readonly prefix: string;
  /** Undefined while it is closed, to be opened again. */
  directory: Directory | undefined;
}

/** The path from a directory down to the one that is being read or written. */
export class DirectoryStack {
  #rootFor: (name: string) => Directory;
  #levels: OpenLevel[] = [];

  /** @param rootFor gives the directory that a name at the top is in; it is not closed here */
  constructor(rootFor: (name: string) => Directory) {
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

  /** The open directory that `name` is in. */
  at(name: string): Directory {
    const top = this.#levels.at(-1);
    if (top === undefined) return this.#rootFor(name);
    return top.directory ??= this.#reopen();
  }

  /** Goes into a directory of the one it is in. */
  enter(name: string): Directory {
    const directory = this.at(name).openDirectory(name);
    const prefix = `${this.pathTo(name)}/`;
    this.#levels.push({ name, prefix, directory });
    const above = this.#levels.at(-1 - MAX_OPEN);
    above?.directory?.close();
    if (above !== undefined) above.directory = undefined;
    return directory;
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
    return descend(this.#rootFor(names[0] ?? ""), names);
  }
}
