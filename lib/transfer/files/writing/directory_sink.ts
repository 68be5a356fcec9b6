import { dirname, join } from "node:path";
import { Failure } from "../../../base/failure.ts";
import type {
  CommitOptions,
  FileSink,
  Found,
  Inventory,
  Sink,
} from "../../sink.ts";
import type {
  DirectoryEntry,
  Entry,
  FileEntry,
  LinkEntry,
} from "../../wire/entries.ts";
import type { Offer } from "../../wire/messages.ts";
import { compareNames } from "../../wire/names.ts";
import { type Directory, removeTree } from "../directory/directory.ts";
import { DirectoryStack } from "../directory/directory_stack.ts";
import { openDirectory } from "../directory/open_directory.ts";
import { checkSystemName } from "../directory/system_names.ts";
import { writeFailure } from "../failures.ts";
import { codeOf } from "../system_error.ts";
import { checkReplaceable, OWNER_ALL } from "./merging.ts";
import { partName } from "./part_names.ts";
import { MovedFile, StagedFile } from "./staged_file.ts";
import { type Owner, type Root, type Staged, Staging } from "./staging.ts";

/** The size from which a file of a tree is synced before it has its name, in bytes. */
const DURABLE_SIZE = 1 << 23;
/** How far a file system may round a time, in nanoseconds. */
const TIME_TOLERANCE = 2e9;

/** How a {@linkcode DirectorySink} stores. */
export interface DirectorySinkOptions {
  /** Whether files that are there are replaced, and directories merged into. */
  readonly force: boolean;
  /** To whom it belongs while it is unfinished. */
  readonly owner?: Owner | undefined;
  /** The name of a file or stream, in place of the sender's. */
  readonly as?: string | undefined;
}

/** A directory that is being filled. */
interface StoredLevel {
  readonly entry: DirectoryEntry | undefined;
  /** Names that an earlier attempt left in it and this one has not come to; undefined if it is new. */
  readonly left: Set<string> | undefined;
}

/**
 * A sink that stores in a staging directory, and moves everything out when it is
 * complete. What an earlier attempt has moved out already stays as it is.
 */
export class DirectorySink implements Sink {
  readonly resuming: boolean;
  #committed = false;
  #remains: string | undefined;
  #parent: Directory;
  #staging: Staging;
  #isTree: boolean;
  #as: string | undefined;
  #force: boolean;
  #stack: DirectoryStack;
  #levels: StoredLevel[] = [];
  #top: StoredLevel;
  #inventories: StagedInventory[] = [];
  /** The file that was opened last, if it replaces one that an earlier attempt left. */
  #replacing: string | undefined;
  /** Permission bits of directories that get them when they have been moved. */
  #modes = new Map<string, number>();
  #open = true;

  /** Use {@linkcode DirectorySink.create}. */
  private constructor(
    parent: Directory,
    staging: Staging,
    { kind, resumable }: Offer,
    { force, as }: DirectorySinkOptions,
  ) {
    this.#parent = parent;
    this.#staging = staging;
    this.#isTree = kind === "tree";
    this.#as = as;
    this.#force = force;
    this.resuming = staging.resumed && resumable === true;
    this.#stack = new DirectoryStack((name) => this.#rootFor(name));
    const left = staging.resumed ? nameSetIn(staging.content) : undefined;
    this.#top = { entry: undefined, left };
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
    const { force, owner, as } = options;
    const staged = stagedOf(offer, as, owner);
    let parent: Directory | undefined;
    let staging: Staging | undefined;
    try {
      parent = openDirectory(path);
      staging = await Staging.find(parent, staged);
      // With force, what is there is replaced, and compared with nothing
      if (force) staging?.forgetMoved();
      for (const name of staged.names) {
        if (as === undefined) checkSystemName(name, Deno.build.os);
        if (!staging?.moved.has(name)) {
          const inTree = offer.kind === "tree";
          const asFile = as !== undefined;
          checkPlace(parent, name, { force, inTree, asFile });
        }
      }
      staging ??= await Staging.make(parent, staged);
      return new DirectorySink(parent, staging, offer, options);
    } catch (error) {
      staging?.discard(staging.resumed);
      parent?.close();
      throw writeFailure(join(path, staged.title), error);
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
      const parent = openDirectory(dirname(path));
      try {
        const name = path.slice(path.lastIndexOf("/") + 1);
        checkPlace(parent, name, { force, inTree: false, asFile: true });
        Staging.probe(parent, name);
      } finally {
        parent.close();
      }
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  get committed(): boolean {
    return this.#committed;
  }

  get remains(): string | undefined {
    return this.#remains;
  }

  enter(entry: DirectoryEntry): void {
    this.#do(entry, (directory, was) => {
      const { name } = entry;
      if (!this.#isMoved(name) && !this.#make(directory, name, was)) {
        // What an earlier attempt completed may not be writable
        directory.chmodAt(name, OWNER_ALL);
      }
      const entered = this.#stack.enter(name);
      const left = was && !this.#isMoved(name) ? nameSetIn(entered) : undefined;
      this.#levels.push({ entry, left });
    });
  }

  leave(): void {
    const { entry, left } = this.#levels.pop() ?? this.#top;
    if (entry === undefined) return;
    const path = this.#pathOf(".");
    try {
      const mode = entry.mode & this.#staging.allowed;
      if (!this.#isMoved("")) {
        const directory = this.#stack.at("");
        removeAll(directory, left);
        // To be moved it has to be one that its owner may write
        const isRoot = this.#stack.depth === 1;
        directory.chmod(isRoot ? mode | OWNER_ALL : mode);
        directory.setTime(entry.mtime);
      }
      const name = this.#stack.leave();
      if (this.#stack.depth === 0 && (mode & OWNER_ALL) !== OWNER_ALL) {
        this.#modes.set(name, mode);
      }
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  link(entry: LinkEntry): void {
    this.#do(entry, (directory, was) => {
      const { name, target, mtime } = entry;
      const there = was ? directory.status(name) : undefined;
      const same = there?.isSymlink && directory.readLink(name) === target;
      if (this.#isMoved(name)) {
        if (!same) throw this.#exists(name);
        return;
      }
      if (!same) {
        if (was) removeTree(directory, name);
        directory.symlink(target, name);
      }
      directory.setTimeAt(name, mtime);
    });
  }

  put(entry: FileEntry, bytes: Uint8Array): void {
    this.#do(entry, (directory, was) => {
      const { name, mode = 0, mtime } = entry;
      if (this.#isMoved(name)) {
        const file = this.#openMoved(directory, name);
        try {
          return file.writeSync(bytes);
        } finally {
          file.close();
        }
      }
      if (was) removeTree(directory, name);
      const file = directory.createFile(name);
      try {
        file.writeSync(bytes);
        file.chmod(mode & this.#staging.allowed);
        // The last of all: what is not whole has another time
        if (mtime !== undefined) file.setTime(mtime);
      } catch (error) {
        directory.unlink(name);
        throw error;
      } finally {
        file.close();
      }
    });
  }

  keep(entry: FileEntry): void {
    this.#do(this.#renamed(entry), (directory, was) => {
      const { mode = 0, mtime } = entry;
      const name = this.#as ?? entry.name;
      const path = this.#pathOf(name);
      if (!was && name !== this.#replacing) {
        throw new Failure({ code: "names-collide", path });
      }
      if (!directory.status(name)?.isFile) {
        throw new Failure({ code: "partial-removed", path });
      }
      if (this.#isMoved(name)) return;
      directory.chmodAt(name, mode & this.#staging.allowed);
      if (mtime !== undefined) directory.setTimeAt(name, mtime);
    });
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async open(entry: FileEntry): Promise<FileSink> {
    const renamed = this.#renamed(entry);
    return this.#do(renamed, (directory, was) => {
      const { name, size } = renamed;
      if (this.#isMoved(name)) return this.#openMoved(directory, name);
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
        durable: !this.#isTree || size === undefined || size >= DURABLE_SIZE,
        unfinished,
        replaces: was,
      });
    });
  }

  inventory(): Inventory {
    const inventory = new StagedInventory(
      (name) => this.#rootFor(name),
      (name) => this.#staging.moved.has(name),
      this.#as,
    );
    this.#inventories.push(inventory);
    return inventory;
  }

  async commit({ remembers = false }: CommitOptions = {}): Promise<void> {
    const { path } = this.#parent;
    if (!this.#open) throw new Failure({ code: "partial-removed", path });
    try {
      const { content, moved } = this.#staging;
      removeAll(content, this.#top.left);
      const names = new Set([...content.entries().names, ...moved.keys()]);
      const roots: Root[] = [...names].sort(compareNames).map((name) => ({
        name,
        mode: this.#modes.get(name),
      }));
      this.#staging.commit(roots, { replace: this.#force });
      this.#committed = true;
    } catch (error) {
      throw writeFailure(path, error);
    }
    this.#open = false;
    if (!remembers) this.#staging.end(false);
    await this.#parent.sync();
    if (!remembers) this.#close();
  }

  release(heard: boolean): void {
    this.#staging.end(!heard);
    this.#close();
  }

  discard(): void {
    if (!this.#open) return;
    this.#open = false;
    // What is complete stays for the next attempt
    const { moved, content } = this.#staging;
    const stays = moved.size > 0 || nameSetIn(content).size > 0;
    if (this.#staging.discard(stays)) this.#remains = this.#staging.path;
    this.#close();
  }

  get #level(): StoredLevel {
    return this.#levels.at(-1) ?? this.#top;
  }

  /** Stores an entry. `was` says whether an earlier attempt left it. */
  #do<T>(
    { name, kind }: Entry,
    store: (directory: Directory, was: boolean) => T,
  ): T {
    const path = this.#pathOf(name);
    try {
      if (this.#as === undefined) checkSystemName(name, Deno.build.os);
      if (this.#stack.depth === 0) this.#checkRoot(name, kind);
      const directory = this.#stack.at(name);
      const was = this.#isMoved(name) ||
        (this.#level.left?.delete(name) ?? false);
      return store(directory, was);
    } catch (error) {
      throw codeOf(error) === "EEXIST"
        ? new Failure({ code: "names-collide", path })
        : writeFailure(path, error);
    }
  }

  /** @throws {Failure} if something is in the way outside of all directories */
  #checkRoot(name: string, kind: string): void {
    if (this.#isMoved(name)) return;
    const there = this.#parent.status(name);
    if (there === undefined) return;
    if (!this.#force) throw this.#exists(name);
    checkReplaceable(this.#pathOf(name), kind === "directory", there);
  }

  /** Makes a directory. @returns whether it was not there */
  #make(directory: Directory, name: string, was: boolean): boolean {
    if (was && directory.status(name)?.isDirectory) return false;
    if (was) removeTree(directory, name);
    directory.makeDirectory(name, OWNER_ALL);
    return true;
  }

  #openMoved(directory: Directory, name: string): MovedFile {
    if (!directory.status(name)?.isFile) throw this.#exists(name);
    const file = directory.openFile(name, "read");
    return new MovedFile(file, this.#pathOf(name), this.#isTree);
  }

  /** Whether an earlier attempt has moved this to its final place, or the directory it is in. */
  #isMoved(name: string): boolean {
    return this.#staging.moved.has(this.#stack.first ?? name);
  }

  #rootFor(name: string): Directory {
    const { moved, content } = this.#staging;
    return moved.has(name) ? this.#parent : content;
  }

  #renamed(entry: FileEntry): FileEntry {
    return this.#as === undefined ? entry : { ...entry, name: this.#as };
  }

  #pathOf(name: string): string {
    return join(this.#parent.path, this.#stack.pathTo(name));
  }

  #exists(name: string): Failure {
    const path = this.#pathOf(name);
    return new Failure({ code: "exists", path, inTree: this.#isTree });
  }

  #close(): void {
    for (const inventory of this.#inventories) inventory.close();
    this.#stack.close();
    this.#parent.close();
  }
}

/** @throws {Failure} if nothing can or must be put there */
function checkPlace(
  parent: Directory,
  name: string,
  { force, inTree, asFile }: {
    force: boolean;
    inTree: boolean;
    asFile: boolean;
  },
): void {
  const status = parent.status(name);
  if (status === undefined) return;
  const path = join(parent.path, name);
  if (!inTree && status.isDirectory) {
    throw new Failure({ code: "is-directory", path, asFile });
  }
  if (!inTree && !status.isFile && !leadsToFile(path)) {
    throw new Failure({ code: "is-special", path });
  }
  if (!force) throw new Failure({ code: "exists", path, inTree });
}

/** Whether `path` is a link, to a regular file or to nothing. */
function leadsToFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

/** How what is offered is staged. */
function stagedOf(
  offer: Offer,
  as: string | undefined,
  owner: Owner | undefined,
): Staged {
  const { count } = offer;
  const names = as === undefined ? offer.names : [as];
  const [first = "tree"] = names;
  const title = count > 1 ? `${first}+${count - 1}` : first;
  const kind = offer.kind === "tree" ? "tree" : "file";
  return { title, kind, names, count, owner };
}

function nameSetIn(directory: Directory): Set<string> {
  return new Set(directory.entries().names);
}

/** Removes what an earlier attempt left and this one did not come to. */
function removeAll(directory: Directory, names: Iterable<string> = []): void {
  for (const name of names) removeTree(directory, name);
}

/** Looks at what is staged, and what was moved. */
class StagedInventory implements Inventory {
  #rootFor: (name: string) => Directory;
  #isMovedRoot: (name: string) => boolean;
  #as: string | undefined;
  #stack: DirectoryStack;
  /** How many directories deep it is in one that is not there. */
  #absent = 0;

  constructor(
    rootFor: (name: string) => Directory,
    isMovedRoot: (name: string) => boolean,
    as: string | undefined,
  ) {
    this.#rootFor = rootFor;
    this.#isMovedRoot = isMovedRoot;
    this.#as = as;
    this.#stack = new DirectoryStack(rootFor);
  }

  enter(name: string): void {
    if (this.#absent > 0 || !this.#enter(name)) this.#absent++;
  }

  leave(): void {
    if (this.#absent > 0) this.#absent--;
    else this.#stack.leave();
  }

  look(entry: FileEntry): Found | undefined {
    if (this.#absent > 0) return undefined;
    const { size, mtime } = entry;
    const name = this.#as ?? entry.name;
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

  close(): void {
    this.#stack.close();
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
    return this.#isMovedRoot(this.#stack.first ?? name);
  }

  #found(name: string, whole: boolean, length: number): Found | undefined {
    if (length === 0 && !whole) return undefined;
    const path = this.#stack.pathTo(name);
    const root = this.#rootFor(this.#stack.first ?? name);
    // deno-lint-ignore require-await -- what it throws is a rejection
    return { whole, length, open: async () => root.openBeneath(path) };
  }
}
