import { join } from "node:path";
import type {
  CommitOptions,
  Found,
  Inventory,
  Kept,
  Sink,
  TreeSink,
} from "../../content.ts";
import type {
  DirectoryEntry,
  FileEntry,
  LinkEntry,
} from "../../wire/entries.ts";
import type { Offer } from "../../wire/messages.ts";
import { storageFailure } from "../../system_errors.ts";
import { NameFailure } from "../../wire/name_validation.ts";
import {
  type Directory,
  openDirectory,
  type OpenFile,
} from "../directory/directory.ts";
import { DirectoryStack } from "../directory/directory_stack.ts";
import { GrowingFile } from "./growing_file.ts";
import { checkKinds } from "./merging.ts";
import { partName } from "./part_names.ts";
import { type Owner, type Root, type Staged, Staging } from "./staging.ts";
import { collides, ELSEWHERE, exists, unusable } from "./storage_failures.ts";
import { codeOf } from "../system_error.ts";
import { checkSystemName } from "../directory/system_names.ts";

/** The smallest file of a tree that the disk is made to have before it has its name, in bytes. */
const DURABLE = 1 << 23;
/** How much a file system may round a time, in nanoseconds. */
const TIME_GRAIN = 2e9;
/** What is outside of all directories at most: it is remembered until it is moved. */
const MAX_ROOTS = 1 << 17;
/** What the owner of a directory needs to fill it. */
const WHOLE = 0o700;

/** How a tree is stored. */
export interface FileTreeSinkOptions {
  /** Whether files that are there are replaced, and directories merged into. */
  readonly force: boolean;
  /** Who may go on with it, if it is broken off. */
  readonly owner?: Owner;
}

/** A directory that is being filled. */
interface Level {
  readonly entry: DirectoryEntry | undefined;
  /** Names that an earlier attempt left in it and this one has not come to yet; undefined if it is new. */
  readonly left: Set<string> | undefined;
}

/**
 * A sink that stores a tree in a staging directory, and moves it out when it is
 * complete. What an earlier attempt has moved out already stays as it is.
 */
export class FileTreeSink implements TreeSink {
  committed = false;
  readonly resuming: boolean;
  remains: string | undefined;
  #parent: Directory;
  #staging: Staging;
  #offer: Offer;
  #offered: ReadonlySet<string>;
  #force: boolean;
  #stack: DirectoryStack;
  #levels: Level[];
  #inventories: FileInventory[] = [];
  /** How many names have come outside of all directories. */
  #roots = 0;
  /** Permission bits of directories that get them when they have been moved. */
  #modes = new Map<string, number>();
  #changed = false;
  #open = true;

  /** Use {@linkcode FileTreeSink.create}. */
  private constructor(
    parent: Directory,
    staging: Staging,
    offer: Offer,
    { force }: FileTreeSinkOptions,
  ) {
    this.#parent = parent;
    this.#staging = staging;
    this.#offer = offer;
    this.#offered = new Set(offer.tree?.names);
    this.#force = force;
    this.resuming = staging.taken && offer.resumable === true;
    this.#stack = new DirectoryStack((name) => this.#rootFor(name));
    const left = staging.taken ? namesIn(staging.content) : undefined;
    this.#levels = [{ entry: undefined, left }];
  }

  /**
   * @param path the directory where the tree goes
   * @throws {StorageFailure} if it cannot be stored there, or is received by
   * another transfer of the owner
   */
  static async create(
    path: string,
    offer: Offer,
    options: FileTreeSinkOptions,
  ): Promise<FileTreeSink> {
    const staged = stagedOf(offer, options.owner);
    let parent: Directory | undefined;
    let staging: Staging | undefined;
    try {
      parent = openDirectory(path);
      staging = await Staging.find(parent, staged);
      // What is there already is merged into, and compared with nothing
      if (options.force) staging?.forgetMoved();
      for (const name of staged.names) {
        checkSystemName(name, Deno.build.os);
        if (staging?.moved.has(name) || options.force) continue;
        if (parent.status(name) === undefined) continue;
        throw exists(join(path, name), ELSEWHERE);
      }
      staging ??= await Staging.make(parent, staged);
      return new FileTreeSink(parent, staging, offer, options);
    } catch (error) {
      staging?.discard(staging.taken);
      parent?.close();
      if (error instanceof NameFailure) throw error;
      throw storageFailure(join(path, staged.title), error);
    }
  }

  enter(entry: DirectoryEntry): void {
    this.#do(entry, (directory, was) => {
      const { name } = entry;
      if (!this.#isMoved(name) && !this.#make(directory, name, was)) {
        // It is there; what an earlier attempt completed may not be writable
        directory.chmodAt(name, WHOLE);
      }
      const entered = this.#stack.enter(name);
      const left = was && !this.#isMoved(name) ? namesIn(entered) : undefined;
      this.#levels.push({ entry, left });
    });
  }

  leave(): void {
    const { entry, left } = this.#levels.pop()!;
    if (entry === undefined) return;
    const moved = this.#isMoved("");
    const path = this.#pathOf(".");
    try {
      const mode = entry.mode & this.#staging.allowed;
      if (!moved) {
        const directory = this.#stack.at("");
        removeAll(directory, left);
        // To be moved it has to be one that its owner may write
        const outermost = this.#stack.depth === 1;
        directory.chmod(outermost ? mode | WHOLE : mode);
        directory.setTime(entry.mtime);
      }
      const name = this.#stack.leave();
      if (this.#stack.depth === 0 && (mode & WHOLE) !== WHOLE) {
        this.#modes.set(name, mode);
      }
    } catch (error) {
      throw storageFailure(path, error);
    }
  }

  link(entry: LinkEntry): void {
    this.#do(entry, (directory, was) => {
      const { name, target, mtime } = entry;
      const there = was ? directory.status(name) : undefined;
      const same = there?.isSymlink && directory.readLink(name) === target;
      if (this.#isMoved(name)) {
        if (!same) throw exists(this.#pathOf(name), ELSEWHERE);
        return;
      }
      if (!same) {
        if (was) directory.removeTree(name);
        directory.symlink(target, name);
      }
      directory.setTimeAt(name, mtime);
    });
  }

  put(entry: FileEntry, bytes: Uint8Array): void {
    this.#do(entry, (directory, was) => {
      const { name, mode, mtime } = entry;
      if (this.#isMoved(name)) throw exists(this.#pathOf(name), ELSEWHERE);
      if (was) directory.removeTree(name);
      const file = directory.createFile(name);
      try {
        file.writeSync(bytes);
        file.chmod(mode & this.#staging.allowed);
        // The last of all: what is not whole has another time
        file.setTime(mtime);
      } catch (error) {
        directory.unlink(name);
        throw error;
      } finally {
        file.close();
      }
    });
  }

  keep(entry: FileEntry): void {
    this.#do(entry, (directory, was) => {
      const { name, mode, mtime } = entry;
      if (!was) throw collides(this.#pathOf(name));
      if (!directory.status(name)?.isFile) {
        throw unusable(this.#pathOf(name), "it was removed meanwhile");
      }
      if (this.#isMoved(name)) return;
      directory.chmodAt(name, mode & this.#staging.allowed);
      directory.setTimeAt(name, mtime);
    });
  }

  async open(entry: FileEntry): Promise<Sink> {
    return await this.#do(entry, (directory, was) => {
      const { name } = entry;
      if (this.#isMoved(name)) throw exists(this.#pathOf(name), ELSEWHERE);
      const part = partName(name);
      const leftover = this.#levels.at(-1)!.left?.delete(part) ?? false;
      const path = this.#pathOf(name);
      const file = GrowingFile.open(directory, part, path, { leftover });
      const { allowed } = this.#staging;
      return new TreeFileSink(entry, path, file, directory, { was, allowed });
    });
  }

  inventory(): Inventory {
    const inventory = new FileInventory(
      (name) => this.#rootFor(name),
      (name) => !this.#staging.moved.has(name),
    );
    this.#inventories.push(inventory);
    return inventory;
  }

  async commit({ remembers = false }: CommitOptions = {}): Promise<void> {
    if (!this.#open) {
      throw unusable(this.#parent.path, "the transfer was ended");
    }
    try {
      const { content } = this.#staging;
      removeAll(content, this.#levels[0].left);
      const staged = content.entries().names;
      const names = new Set([...staged, ...this.#staging.moved.keys()]);
      const roots: Root[] = [...names].sort().map((name) => ({
        from: name,
        name,
        mode: this.#modes.get(name),
      }));
      this.#staging.commit(roots, { replace: this.#force });
      this.committed = true;
    } catch (error) {
      throw storageFailure(this.#parent.path, error);
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

  discard(_keep = false): void {
    if (!this.#open) return;
    this.#open = false;
    // What is complete stays for whoever goes on with it
    const stays = this.#changed || this.#staging.taken;
    if (this.#staging.discard(stays)) this.remains = this.#staging.path;
    this.#close();
  }

  /** Stores something of this entry. `was` says whether an earlier attempt left it. */
  #do<T>(
    { name, kind }: Pick<FileEntry, "name"> & { kind: string },
    store: (directory: Directory, was: boolean) => T,
  ): T {
    const path = this.#pathOf(name);
    try {
      checkSystemName(name, Deno.build.os);
      if (this.#stack.depth === 0) this.#checkRoot(name, kind);
      const directory = this.#stack.at(name);
      const was = this.#isMoved(name) ||
        (this.#levels.at(-1)!.left?.delete(name) ?? false);
      const result = store(directory, was);
      this.#changed = true;
      return result;
    } catch (error) {
      if (error instanceof NameFailure) throw error;
      throw codeOf(error) === "EEXIST"
        ? collides(path)
        : storageFailure(path, error);
    }
  }

  /** @throws {Failure} if nothing of this name may come outside of all directories */
  #checkRoot(name: string, kind: string): void {
    const { count = 1 } = this.#offer.tree ?? {};
    const offered = this.#offered;
    this.#roots++;
    // What is shown to a person is what was offered
    const shown = offered.size === count || name.startsWith(".");
    if (this.#roots > count || shown && !offered.has(name)) {
      throw new NameFailure(name, "it was not offered");
    }
    if (this.#roots > MAX_ROOTS) {
      throw unusable(
        this.#pathOf(name),
        `${MAX_ROOTS} names are there already`,
      );
    }
    if (this.#isMoved(name)) return;
    const there = this.#parent.status(name);
    if (there === undefined) return;
    if (!this.#force) throw exists(this.#pathOf(name), ELSEWHERE);
    checkKinds(this.#pathOf(name), kind === "directory", there);
  }

  /** Makes a directory. @returns whether it was not there */
  #make(directory: Directory, name: string, was: boolean): boolean {
    if (was && directory.status(name)?.isDirectory) return false;
    if (was) directory.removeTree(name);
    directory.makeDirectory(name, WHOLE);
    return true;
  }

  /** Whether what has this name now was moved where it belongs by an earlier attempt, or is in what was. */
  #isMoved(name: string): boolean {
    return this.#staging.moved.has(this.#stack.first ?? name);
  }

  #rootFor(name: string): Directory {
    const { moved, content } = this.#staging;
    return moved.has(name) ? this.#parent : content;
  }

  #pathOf(name: string): string {
    return join(this.#parent.path, this.#stack.pathTo(name));
  }

  #close(): void {
    for (const inventory of this.#inventories) inventory.close();
    this.#stack.close();
    this.#parent.close();
  }
}

/** A file of a tree that is not small. */
class TreeFileSink implements Sink {
  committed = false;
  readonly kept: Kept | undefined;
  #entry: FileEntry;
  #path: string;
  #file: GrowingFile;
  #directory: Directory;
  #was: boolean;
  #allowed: number;

  constructor(
    entry: FileEntry,
    path: string,
    file: GrowingFile,
    directory: Directory,
    { was, allowed }: { was: boolean; allowed: number },
  ) {
    this.#entry = entry;
    this.#path = path;
    this.#file = file;
    this.#directory = directory;
    this.#was = was;
    this.#allowed = allowed;
    this.kept = file.kept;
  }

  checkRoom(bytes: number): void {
    this.#file.checkRoom(bytes);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#file.write(bytes);
  }

  async commit(): Promise<void> {
    const { name, mode, mtime, size } = this.#entry;
    const attributes = { mode: mode & this.#allowed, mtime };
    await this.#file.complete(attributes, { durable: size >= DURABLE });
    try {
      const directory = this.#directory;
      if (this.#was) directory.removeTree(name);
      directory.rename(partName(name), directory, name, { replace: false });
      this.committed = true;
    } catch (error) {
      throw codeOf(error) === "EEXIST"
        ? collides(this.#path)
        : storageFailure(this.#path, error);
    }
    this.#file.close();
  }

  discard(keep = false): void {
    if (this.committed) return;
    try {
      const stays = keep && this.#file.status.size > 0;
      if (!stays) this.#directory.unlink(partName(this.#entry.name));
    } catch {
      // The next attempt finds it, or it goes with the staging directory
    }
    this.#file.close();
  }
}

/** What a tree is called as a whole, and what it is. */
function stagedOf({ name, tree }: Offer, owner: Owner | undefined): Staged {
  const { count = 1, names = [] } = tree ?? {};
  const first = name ?? names[0] ?? "tree";
  const title = count > 1 ? `${first}+${count - 1}` : first;
  return { title, kind: "tree", names, count, owner };
}

function namesIn(directory: Directory): Set<string> {
  return new Set(directory.entries().names);
}

/** Removes what an earlier attempt left and this one did not come to. */
function removeAll(directory: Directory, names: Iterable<string> = []): void {
  for (const name of names) directory.removeTree(name);
}

/** Looks at what is staged of a tree. */
class FileInventory implements Inventory {
  #rootFor: (name: string) => Directory;
  #isStaged: (name: string) => boolean;
  #stack: DirectoryStack;
  /** How many directories deep it is in one that is not there. */
  #absent = 0;

  constructor(
    rootFor: (name: string) => Directory,
    isStaged: (name: string) => boolean,
  ) {
    this.#rootFor = rootFor;
    this.#isStaged = isStaged;
    this.#stack = new DirectoryStack(rootFor);
  }

  enter(name: string): void {
    if (this.#absent > 0 || !this.#enter(name)) this.#absent++;
  }

  leave(): void {
    if (this.#absent > 0) this.#absent--;
    else this.#stack.leave();
  }

  look({ name, size, mtime }: FileEntry): Found | undefined {
    if (this.#absent > 0) return undefined;
    const directory = this.#stack.at(name);
    const whole = directory.status(name);
    if (whole !== undefined) {
      const off = Math.abs(Number(whole.mtime - mtime));
      const alike = whole.isFile && whole.size === size && off <= TIME_GRAIN;
      return alike ? this.#found(name, true, size) : undefined;
    }
    if (!this.#isStaged(this.#stack.first ?? name)) return undefined;
    const part = partName(name);
    const info = directory.status(part);
    if (!info?.isFile || info.size === 0) return undefined;
    return this.#found(part, false, info.size);
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
    const staged = this.#isStaged(this.#stack.first ?? name);
    if (staged && (status.mode & WHOLE) !== WHOLE) {
      directory.chmodAt(name, status.mode | WHOLE);
    }
    this.#stack.enter(name);
    return true;
  }

  #found(name: string, whole: boolean, length: number): Found {
    const path = this.#stack.pathTo(name);
    const root = this.#rootFor(this.#stack.first ?? name);
    // deno-lint-ignore require-await -- what it throws is a rejection
    const open = async () => contentOf(root.openBeneath(path));
    return { whole, length, open };
  }
}

function contentOf(file: OpenFile) {
  return {
    read: (into: Uint8Array) => file.read(into),
    close: () => file.close(),
  };
}
