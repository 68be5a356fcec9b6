import type { Found, Inventory } from "../../sink.ts";
import type { FileEntry } from "../../wire/entries.ts";
import { makeWritable } from "../directory/directory.ts";
import { EntryPath } from "./entry_path.ts";
import { partName } from "./part_names.ts";
import type { Staging } from "./staging.ts";
import { existsFailure } from "./target.ts";

/** How far a file system may round a time, in nanoseconds. */
const TIME_TOLERANCE = 2e9;

/** Looks at what is staged, what was moved, and what is in the final place. */
export class StagedInventory implements Inventory {
  #staging: Staging;
  #path: EntryPath;

  constructor(staging: Staging) {
    this.#staging = staging;
    this.#path = new EntryPath(staging);
  }

  enter(name: string): void {
    const { staged, place } = this.#path;
    const there = this.#path.there(name);
    const ours = staged.status(name);
    if (ours?.isDirectory && !this.#path.isMoved(name)) {
      // What was completed may be one that not even its owner may read
      makeWritable(staged.at(name), name, ours);
    }
    staged.enter(name, ours?.isDirectory === true);
    place.enter(name, there?.isDirectory === true);
  }

  leave(): void {
    this.#path.leave();
  }

  look(entry: FileEntry): Found | undefined {
    const { as, force } = this.#staging.target;
    const name = as ?? entry.name;
    // What is there and not replaced is all that it can be
    return force
      ? this.#lookStaged(name, entry) ?? this.#lookExisting(name, entry)
      : this.#lookExisting(name, entry) ?? this.#lookStaged(name, entry);
  }

  close(): void {
    this.#path.close();
  }

  #lookExisting(name: string, { size }: FileEntry): Found | undefined {
    const there = this.#path.there(name);
    if (there === undefined) return undefined;
    const { target } = this.#staging;
    const conflict = target.force
      ? undefined
      : existsFailure(target, this.#path.pathTo(name));
    if (!there.isFile || there.size !== (size ?? there.size)) {
      if (conflict !== undefined) throw conflict;
      return undefined;
    }
    // Of a stream it is not known whether it is all
    if (size === undefined) return undefined;
    const open = this.#path.place.opener(name);
    return { whole: true, length: size, open, existing: { conflict } };
  }

  #lookStaged(name: string, { size, mtime }: FileEntry): Found | undefined {
    const { staged } = this.#path;
    const found = (name: string, whole: boolean, length: number) =>
      whole || length > 0
        ? { whole, length, open: staged.opener(name) }
        : undefined;
    const there = staged.status(name);
    if (there !== undefined) {
      if (!there.isFile) return undefined;
      // Of a stream it is not known whether it is all
      if (size === undefined) return found(name, false, there.size);
      const off = mtime === undefined ? 0 : Number(there.mtime - mtime);
      return there.size === size && Math.abs(off) <= TIME_TOLERANCE
        ? found(name, true, size)
        : undefined;
    }
    if (this.#path.isMoved(name)) return undefined;
    const part = partName(name);
    const status = staged.status(part);
    // One that has another name is not this transfer's alone
    const isOwn = status?.isFile && status.links === 1;
    return isOwn ? found(part, false, status.size) : undefined;
  }
}
