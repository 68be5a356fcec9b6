import { dirname, join } from "node:path";
import { Failure } from "../../../base/failure.ts";
import type { FileSink, Found, Inventory, Sink } from "../../sink.ts";
import type {
  DirectoryEntry,
  Entry,
  FileEntry,
  LinkEntry,
} from "../../wire/entries.ts";
import type { Offer } from "../../wire/messages.ts";
import { compareNames } from "../../wire/names.ts";
import type { Timestamp } from "../../wire/timestamp.ts";
import {
  type Directory,
  openBeneath,
  OWNER_ALL,
  removeTree,
} from "../directory/directory.ts";
import { openDirectory } from "../directory/open_directory.ts";
import { checkSystemName } from "../directory/system_names.ts";
import { writeFailure } from "../failures.ts";
import type { FileStatus } from "../file_status.ts";
import { codeOf } from "../system_error.ts";
import { ComparedFile } from "./compared_file.ts";
import { EntryPath } from "./entry_path.ts";
import { checkReplaceable } from "./merging.ts";
import { partName } from "./part_names.ts";
import { StagedFile } from "./staged_file.ts";
import { StagedInventory } from "./staged_inventory.ts";
import { type Root, Staging } from "./staging.ts";
import { checkTop, existsFailure, type Owner, type Target } from "./target.ts";

/** The size from which a file of a tree is synced before it has its name, in bytes. */
const DURABLE_SIZE = 1 << 23;

/** How a {@linkcode DirectorySink} stores. */
export interface DirectorySinkOptions {
  /** Whether files that are there, and are not the same, are replaced. */
  readonly force: boolean;
  /**
   * Whether names that are taken get a number, in place of what is there being
   * compared, replaced or merged into.
   * @default {false}
   */
  readonly rename?: boolean | undefined;
  /** To whom it belongs while it is unfinished. */
  readonly owner?: Owner | undefined;
  /** The name of a file or stream, in place of the sender's. */
  readonly as?: string | undefined;
  /**
   * The top-level names that may be there already, and are then added to or
   * compared with what comes.
   * @default {any}
   */
  readonly mayExist?: ReadonlySet<string> | undefined;
}

/** A directory that is being filled. */
interface StoredLevel {
  readonly entry: DirectoryEntry | undefined;
  /** Names that an earlier attempt left in it and this one has not come to; undefined if it is new. */
  readonly left: Set<string> | undefined;
}

/** A file that was there before, and is to get the sender's mode and time. */
interface Kept {
  readonly path: string;
  readonly inode: FileStatus["inode"];
  readonly mode: number;
  readonly mtime: Timestamp | undefined;
}

/**
 * A sink that stores in a staging directory, and moves everything out when it is
 * complete, into directories that are there as well. What an earlier attempt has
 * moved out already stays as it is, and so does a file that is there and is the
 * same.
 */
export class DirectorySink implements Sink {
  readonly resuming: boolean;
  committed = false;
  existing = 0;
  remains: string | undefined;
  #target: Target;
  #staging: Staging;
  #path: EntryPath;
  /** Files there that get other attributes at the end. */
  #kept: Kept[] = [];
  #levels: StoredLevel[] = [];
  #top: StoredLevel;
  #inventories: StagedInventory[] = [];
  /** The file that was opened last, if it replaces one that an earlier attempt left. */
  #replacing: string | undefined;
  /** Permission bits of directories that get them when they have been moved. */
  #modes = new Map<string, number>();
  #open = true;

  /** Use {@linkcode DirectorySink.create}. */
  private constructor(staging: Staging, resumable: boolean) {
    const { target, resumed, content } = staging;
    const { parent, names, count, rename } = target;
    this.#staging = staging;
    this.#target = target;
    this.#path = new EntryPath(staging);
    // Some names may not have had room in the offer
    const mayBeThere = resumed ||
      !rename && (names.length < count ||
          names.some((name) => parent.status(name) !== undefined));
    this.resuming = resumable && mayBeThere;
    this.#top = {
      entry: undefined,
      left: resumed ? nameSetIn(content) : undefined,
    };
  }

  /**
   * @param path the directory to store in
   * @throws {Failure} if it cannot be stored there, or another transfer of the
   * owner stores it
   */
  static async create(
    path: string,
    offer: Offer,
    options: DirectorySinkOptions,
  ): Promise<DirectorySink> {
    const stored = storedOf(offer, options);
    let target: Target | undefined;
    let staging: Staging | undefined;
    try {
      target = { ...stored, parent: openDirectory(path) };
      staging = await Staging.find(target);
      if (target.rename) staging?.takeBack();
      // Content without a size is not compared
      const size = offer.resumable ? offer.size : undefined;
      for (const name of target.names) {
        if (target.as === undefined) checkSystemName(name, Deno.build.os);
        if (target.rename || staging?.moved.has(name)) continue;
        checkTop(target, name, size);
      }
      staging ??= await Staging.make(target);
      return new DirectorySink(staging, offer.resumable === true);
    } catch (error) {
      staging?.end(staging.resumed);
      target?.parent.close();
      throw writeFailure(join(path, stored.title), error);
    }
  }

  /**
   * Looks whether a file could be made at `path`, and leaves nothing there.
   *
   * @throws {Failure} if it cannot
   */
  static check(path: string, { force }: { force: boolean }): void {
    try {
      if (path.endsWith("/")) {
        throw new Failure({ code: "is-directory", path, asFile: true });
      }
      using parent = openDirectory(dirname(path));
      const name = path.slice(path.lastIndexOf("/") + 1);
      const offer = { kind: "file", names: [], count: 1 } as const;
      const stored = storedOf(offer, { force, as: name });
      checkTop({ ...stored, parent }, name);
      Staging.probe(parent, name);
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  /** The name that a top-level entry has in its final place. */
  finalName(name: string): string {
    return this.#staging.finalName(name);
  }

  enter(entry: DirectoryEntry): void {
    this.#do(entry, (directory, was, there) => {
      const { name } = entry;
      const isLeft = was && !this.#path.isMoved(name);
      if (isLeft && directory.status(name)?.isDirectory) {
        // What an earlier attempt completed may not be writable
        directory.chmodAt(name, OWNER_ALL);
      } else if (!this.#path.isMoved(name)) {
        if (was) removeTree(directory, name);
        directory.makeDirectory(name, OWNER_ALL);
      }
      const { staged, place } = this.#path;
      staged.enter(name);
      place.enter(name, there?.isDirectory === true);
      const left = isLeft ? nameSetIn(staged.at("")) : undefined;
      this.#levels.push({ entry, left });
    });
  }

  leave(): void {
    const { entry, left } = this.#levels.pop() ?? this.#top;
    if (entry === undefined) return;
    const path = this.#pathOf(".");
    try {
      const mode = entry.mode & this.#staging.allowed;
      const { staged } = this.#path;
      if (!this.#path.isMoved("")) {
        const directory = staged.at("");
        removeAll(directory, left);
        // To be moved it has to be one that its owner may write
        const isRoot = staged.depth === 1;
        directory.chmod(isRoot ? mode | OWNER_ALL : mode);
        directory.setTime(entry.mtime);
      }
      const name = this.#path.leave();
      if (staged.depth === 0 && (mode & OWNER_ALL) !== OWNER_ALL) {
        this.#modes.set(name, mode);
      }
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  link(entry: LinkEntry): void {
    this.#do(entry, (directory, was, there) => {
      const { name, target, mtime } = entry;
      const isSame = (directory: Directory) =>
        directory.status(name)?.isSymlink === true &&
        directory.readLink(name) === target;
      if (this.#path.isMoved(name)) {
        if (!isSame(directory)) throw this.#exists(name);
        return;
      }
      if (there !== undefined && !this.#target.force) {
        if (!isSame(this.#path.place.at(name))) throw this.#exists(name);
        if (was) removeTree(directory, name);
        return;
      }
      const same = was && isSame(directory);
      if (!same) {
        if (was) removeTree(directory, name);
        directory.symlink(target, name);
      }
      directory.setTimeAt(name, mtime);
    });
  }

  put(entry: FileEntry, bytes: Uint8Array): void {
    this.#do(entry, (directory, was, there) => {
      const { name, mode = 0, mtime } = entry;
      const compared = this.#compared(directory, entry, was, there);
      if (compared !== undefined) {
        using file = compared;
        file.writeSync(bytes);
        return file.close();
      }
      if (was) removeTree(directory, name);
      using file = directory.createFile(name);
      try {
        file.writeSync(bytes);
        file.chmod(mode & this.#staging.allowed);
        // The last of all: what is not whole has another time
        if (mtime !== undefined) file.setTime(mtime);
      } catch (error) {
        directory.unlink(name);
        throw error;
      }
    });
  }

  keep(entry: FileEntry, found?: Found): void {
    const renamed = this.#renamed(entry);
    this.#do(renamed, (directory, was, there) => {
      const { name, mode = 0, mtime } = renamed;
      const path = this.#pathOf(name);
      if (found?.existing !== undefined) {
        if (there === undefined) {
          throw new Failure({ code: "partial-removed", path });
        }
        if (was) removeTree(directory, name);
        return this.#keepExisting(renamed, there);
      }
      if (!was && name !== this.#replacing) {
        throw new Failure({ code: "names-collide", path });
      }
      if (!directory.status(name)?.isFile) {
        throw new Failure({ code: "partial-removed", path });
      }
      if (this.#path.isMoved(name)) return;
      directory.chmodAt(name, mode & this.#staging.allowed);
      if (mtime !== undefined) directory.setTimeAt(name, mtime);
    });
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async open(entry: FileEntry): Promise<FileSink> {
    const renamed = this.#renamed(entry);
    return this.#do(renamed, (directory, was, there) => {
      const { name, size } = renamed;
      const compared = this.#compared(directory, renamed, was, there);
      if (compared !== undefined) return compared;
      this.#replacing = was ? name : undefined;
      const part = partName(name);
      let unfinished = this.#level.left?.delete(part) ?? false;
      if (was && !unfinished && size === undefined) {
        // It was complete but for its very end, and may still be longer
        directory.rename(name, directory, part, { replace: false });
        [was, unfinished] = [false, true];
      }
      return new StagedFile(directory, renamed, {
        path: this.#pathOf(name),
        allowed: this.#staging.allowed,
        durable: this.#target.kind === "file" || size === undefined ||
          size >= DURABLE_SIZE,
        unfinished,
        replaces: was,
      });
    });
  }

  inventory(): Inventory {
    const inventory = new StagedInventory(this.#staging);
    this.#inventories.push(inventory);
    return inventory;
  }

  async commit(): Promise<void> {
    const { path } = this.#target.parent;
    if (!this.#open) throw new Failure({ code: "partial-removed", path });
    try {
      const { content, moved } = this.#staging;
      removeAll(content, this.#top.left);
      const names = new Set([...content.entries().names, ...moved.keys()]);
      const roots: Root[] = [...names].sort(compareNames).map((name) => ({
        name,
        mode: this.#modes.get(name),
      }));
      this.#staging.commit(roots);
      this.committed = true;
      for (const kept of this.#kept) setAttributes(this.#target.parent, kept);
    } catch (error) {
      throw writeFailure(path, error);
    }
    this.#open = false;
    await this.#target.parent.sync();
  }

  release(heard: boolean): void {
    this.#staging.end(!heard);
    this.#close();
  }

  discard(keep = true): void {
    if (!this.#open) return;
    this.#open = false;
    // What has arrived stays for the next attempt
    const { moved, content } = this.#staging;
    const stays = moved.size > 0 ||
      (keep || this.#staging.resumed) && holdsFiles(content);
    if (this.#staging.end(stays)) this.remains = this.#staging.path;
    this.#close();
  }

  get #level(): StoredLevel {
    return this.#levels.at(-1) ?? this.#top;
  }

  /**
   * Stores an entry. `was` says whether an earlier attempt left it, `there` what
   * is in its final place and was not moved there by an earlier attempt.
   */
  #do<T>(
    entry: Entry,
    store: (
      directory: Directory,
      was: boolean,
      there: FileStatus | undefined,
    ) => T,
  ): T {
    const { name } = entry;
    // Making a path or a failure for each entry would cost as much as storing it
    const below = this.#path.pathTo(name);
    try {
      if (this.#target.as === undefined) checkSystemName(name, Deno.build.os);
      const isMoved = this.#path.isMoved(name);
      const there = this.#path.there(name);
      if (there !== undefined) this.#checkPlace(entry, there);
      const directory = this.#path.staged.at(name);
      const was = isMoved || (this.#level.left?.delete(name) ?? false);
      return store(directory, was, there);
    } catch (error) {
      const path = join(this.#target.parent.path, below);
      throw codeOf(error) === "EEXIST"
        ? new Failure({ code: "names-collide", path })
        : writeFailure(path, error);
    }
  }

  /** @throws {Failure} if what is there can be neither the same nor replaced */
  #checkPlace(entry: Entry, there: FileStatus): void {
    const { name, kind } = entry;
    if (this.#target.force) {
      checkReplaceable(this.#pathOf(name), kind === "directory", there);
    } else if (!isAlike(entry, there)) {
      throw this.#exists(name);
    }
  }

  /** Where the content of a file goes that is there, and that nothing replaces. */
  #compared(
    directory: Directory,
    entry: FileEntry,
    was: boolean,
    there: FileStatus | undefined,
  ): ComparedFile | undefined {
    const { name } = entry;
    const isMoved = this.#path.isMoved(name);
    if (!isMoved && (there === undefined || this.#target.force)) {
      return undefined;
    }
    const conflict = this.#exists(name);
    if (isMoved) {
      if (!directory.status(name)?.isFile) throw conflict;
      return new ComparedFile(directory.openFile(name, "read"), { conflict });
    }
    const file = this.#path.place.at(name).openFile(name, "read");
    const same = () => {
      if (was) removeTree(directory, name);
      this.#keepExisting(entry, file.status());
    };
    return new ComparedFile(file, { conflict, same });
  }

  /** A file that is there is the same. */
  #keepExisting(entry: FileEntry, there: FileStatus): void {
    const { name, mode = there.mode, mtime } = entry;
    const { inode } = there;
    this.existing++;
    const wanted = mode & this.#staging.allowed;
    const isAsSent = there.mode === wanted &&
      (mtime === undefined || there.mtime === mtime);
    if (isAsSent) return;
    const path = this.#path.pathTo(name);
    this.#kept.push({ path, inode, mode: wanted, mtime });
  }

  #renamed(entry: FileEntry): FileEntry {
    return this.#target.as === undefined
      ? entry
      : { ...entry, name: this.#target.as };
  }

  #pathOf(name: string): string {
    return join(this.#target.parent.path, this.#path.pathTo(name));
  }

  #exists(name: string): Failure {
    return existsFailure(this.#target, this.#path.pathTo(name));
  }

  #close(): void {
    for (const inventory of this.#inventories) inventory.close();
    this.#path.close();
    this.#target.parent.close();
  }
}

/** Whether what is there may be the same as an entry, before its content is known. */
function isAlike(entry: Entry, there: FileStatus): boolean {
  switch (entry.kind) {
    case "file":
      return there.isFile && there.size === (entry.size ?? there.size);
    case "directory":
      return there.isDirectory;
    case "link":
      return there.isSymlink;
  }
}

/** Gives a file that was there the attributes of the sender's, as far as this user may. */
function setAttributes(parent: Directory, kept: Kept): void {
  const { path, inode, mode, mtime } = kept;
  try {
    using file = openBeneath(parent, path);
    if (file.status().inode !== inode) return;
    file.chmod(mode);
    if (mtime !== undefined) file.setTime(mtime);
  } catch {
    // It may be another user's, and its content is right
  }
}

function storedOf(
  { kind, names, count }: Pick<Offer, "kind" | "names" | "count">,
  { as, rename = false, force, owner, mayExist }: DirectorySinkOptions,
): Omit<Target, "parent"> {
  const own = as === undefined ? names : [as];
  const [first = "tree"] = own;
  return {
    title: count > 1 ? `${first}+${count - 1}` : first,
    kind: kind === "tree" ? "tree" : "file",
    names: own,
    count,
    as,
    force,
    rename,
    owner,
    mayExist,
  };
}

function nameSetIn(directory: Directory): Set<string> {
  return new Set(directory.entries().names);
}

/** Removes what an earlier attempt left and this one did not come to. */
function removeAll(directory: Directory, names: Iterable<string> = []): void {
  for (const name of names) removeTree(directory, name);
}

/** Whether anything but directories is below a directory, as far as it can be read. */
function holdsFiles(directory: Directory): boolean {
  try {
    return directory.entries().names.some((name) => {
      const status = directory.status(name);
      if (!status?.isDirectory) return true;
      // What was completed may be one that not even its owner may read
      if ((status.mode & OWNER_ALL) !== OWNER_ALL) return true;
      using inside = directory.openDirectory(name);
      return holdsFiles(inside);
    });
  } catch (error) {
    // Somebody has removed it meanwhile
    return codeOf(error) !== "ENOENT";
  }
}
