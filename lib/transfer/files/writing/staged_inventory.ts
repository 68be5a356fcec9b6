import type { Failure } from "../../../base/failure.ts";
import type { Found, Inventory } from "../../sink.ts";
import type { FileEntry } from "../../wire/entries.ts";
import { type Directory, openBeneath } from "../directory/directory.ts";
import { DirectoryStack } from "../directory/directory_stack.ts";
import { ExistingEntries } from "./existing_entries.ts";
import { OWNER_ALL } from "./merging.ts";
import { partName } from "./part_names.ts";

/** How far a file system may round a time, in nanoseconds. */
const TIME_TOLERANCE = 2e9;

/** What a {@linkcode StagedInventory} looks at. */
export interface InventoryOptions {
  /** The final place. */
  readonly parent: Directory;
  /** The directory that a name at the top is in: of what is staged, or the final place. */
  readonly rootFor: (name: string) => Directory;
  /** Whether an earlier attempt has moved a name at the top to its final place. */
  readonly isMovedRoot: (name: string) => boolean;
  /** The name of a file or stream, in place of the sender's. */
  readonly as: string | undefined;
  /** Whether files that are there are replaced. */
  readonly force: boolean;
  /** Whether what is there does not matter. */
  readonly rename: boolean;
  /** Names at the top of what may be compared; undefined: any. */
  readonly mayExist: ReadonlySet<string> | undefined;
  /** The failure of what is there and is not replaced. */
  readonly exists: (path: string) => Failure;
}

/** Looks at what is staged, what was moved, and what is in the final place. */
export class StagedInventory implements Inventory {
  #options: InventoryOptions;
  #stack: DirectoryStack;
  #place: ExistingEntries;
  /** How many directories deep it is in one that is not staged. */
  #absent = 0;
  /** The names of the directories that it is in. */
  #names: string[] = [];

  constructor(options: InventoryOptions) {
    this.#options = options;
    this.#stack = new DirectoryStack(options.rootFor);
    this.#place = new ExistingEntries(options.parent, {
      ignored: options.rename,
    });
  }

  enter(name: string): void {
    const there = this.#existing(name);
    if (this.#absent > 0 || !this.#enter(name)) this.#absent++;
    this.#place.enter(name, there?.isDirectory === true);
    this.#names.push(name);
  }

  leave(): void {
    if (this.#absent > 0) this.#absent--;
    else this.#stack.leave();
    this.#place.leave();
    this.#names.pop();
  }

  look(entry: FileEntry): Found | undefined {
    const name = this.#options.as ?? entry.name;
    // What is there and not replaced is all that it can be
    return this.#options.force
      ? this.#lookStaged(name, entry) ?? this.#lookExisting(name, entry)
      : this.#lookExisting(name, entry) ?? this.#lookStaged(name, entry);
  }

  close(): void {
    this.#stack.close();
    this.#place.close();
  }

  #existing(name: string) {
    if (this.#isMoved(name)) return undefined;
    const there = this.#place.status(name);
    const { mayExist, force, exists } = this.#options;
    const top = this.#names[0] ?? name;
    if (there !== undefined && !force && mayExist?.has(top) === false) {
      throw exists(this.#place.pathTo(name));
    }
    return there;
  }

  #lookExisting(name: string, { size }: FileEntry): Found | undefined {
    const there = this.#existing(name);
    if (there === undefined) return undefined;
    const { exists, force, parent } = this.#options;
    const path = this.#place.pathTo(name);
    const conflict = force ? undefined : exists(path);
    if (!there.isFile || there.size !== (size ?? there.size)) {
      if (conflict !== undefined) throw conflict;
      return undefined;
    }
    // Of a stream it is not known whether it is all
    if (size === undefined) return undefined;
    return {
      whole: true,
      length: size,
      // deno-lint-ignore require-await -- what it throws is a rejection
      open: async () => openBeneath(parent, path),
      existing: { conflict },
    };
  }

  #lookStaged(name: string, { size, mtime }: FileEntry): Found | undefined {
    if (this.#absent > 0) return undefined;
    const directory = this.#stack.at(name);
    const there = directory.status(name);
    if (there !== undefined) {
      if (!there.isFile) return undefined;
      // Of a stream it is not known whether it is all
      if (size === undefined) return this.#found(name, false, there.size);
      const off = mtime === undefined ? 0 : Number(there.mtime - mtime);
      return there.size === size && Math.abs(off) <= TIME_TOLERANCE
        ? this.#found(name, true, size)
        : undefined;
    }
    if (this.#isMoved(name)) return undefined;
    const part = partName(name);
    const status = directory.status(part);
    // One that has another name is not this transfer's alone
    const isOwn = status?.isFile && status.links === 1;
    return isOwn ? this.#found(part, false, status.size) : undefined;
  }

  /** @returns whether there is such a directory */
  #enter(name: string): boolean {
    const directory = this.#stack.at(name);
    const status = directory.status(name);
    if (!status?.isDirectory) return false;
    // What was completed may be one that not even its owner may read
    const isReadable = (status.mode & OWNER_ALL) === OWNER_ALL;
    if (!isReadable && !this.#isMoved(name)) {
      directory.chmodAt(name, status.mode | OWNER_ALL);
    }
    this.#stack.enter(name);
    return true;
  }

  #isMoved(name: string): boolean {
    return this.#options.isMovedRoot(this.#names[0] ?? name);
  }

  #found(name: string, whole: boolean, length: number): Found | undefined {
    if (length === 0 && !whole) return undefined;
    const path = this.#stack.pathTo(name);
    const root = this.#options.rootFor(this.#stack.first ?? name);
    // deno-lint-ignore require-await -- what it throws is a rejection
    return { whole, length, open: async () => openBeneath(root, path) };
  }
}
