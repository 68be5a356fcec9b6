import { join } from "node:path";
import {
  type Found,
  type Inventory,
  type Sink,
  StorageFailure,
  type TreeSink,
} from "../content.ts";
import type { DirectoryEntry, FileEntry, LinkEntry } from "../entries.ts";
import type { Offer } from "../messages.ts";
import { storageFailure } from "../system_errors.ts";
import { FileContent } from "./file_source.ts";
import { FileSink } from "./file_sink.ts";
import { setTime } from "./file_times.ts";
import {
  exists,
  isAt,
  lstat,
  openPart,
  type PartFile,
  partPath,
  syncDirectory,
  unusable,
} from "./part_file.ts";
import { writeSmallFile } from "./small_files.ts";

/** The smallest file of a tree that the disk is made to have before it has its name, in bytes. */
const DURABLE = 1 << 23;
/** What to use where the names of a tree are taken. */
const ELSEWHERE = "another directory";
/** How much a file system may round a time, in nanoseconds. */
const TIME_GRAIN = 2e9;

/** A directory that is open. */
interface Place {
  readonly path: string;
  /** What it is given when it is complete; undefined for one that was there before. */
  readonly entry: DirectoryEntry | undefined;
  /** Whether nothing can be in it but what was put there. */
  readonly made: boolean;
}

/**
 * A sink that stores a tree in a directory. While it is not complete, a file
 * beside it marks that, which is locked by whoever receives it.
 */
export class FileTreeSink implements TreeSink {
  committed = false;
  readonly resuming: boolean;
  remains: string | undefined;
  #marker: string;
  #markerFile: PartFile;
  #force: boolean;
  #places: Place[];
  #changed = false;
  #open = true;

  /** Use {@linkcode FileTreeSink.create}. */
  constructor(
    directory: string,
    marker: string,
    markerFile: PartFile,
    options: { force: boolean; resuming: boolean },
  ) {
    this.#places = [{ path: directory, entry: undefined, made: false }];
    this.#marker = marker;
    this.#markerFile = markerFile;
    this.#force = options.force;
    this.resuming = options.resuming;
  }

  /**
   * @param directory where the tree goes
   * @param options.force whether files that are there are replaced
   * @throws {StorageFailure} if it cannot be stored there
   */
  static async create(
    directory: string,
    offer: Offer,
    options: { force: boolean },
  ): Promise<FileTreeSink> {
    const names = offer.tree?.names ?? [];
    const marker = partPath(join(directory, titleOf(offer)));
    const markerFile = await openPart(marker, join(directory, titleOf(offer)));
    const { leftover } = markerFile;
    const resuming = leftover && offer.resumable === true;
    const sink = new FileTreeSink(directory, marker, markerFile, {
      force: options.force,
      resuming,
    });
    try {
      if (!resuming && !options.force) checkNames(directory, names);
      if (!leftover) await markerFile.file.write(MARKER_TEXT);
    } catch (error) {
      sink.discard();
      throw storageFailure(marker, error);
    }
    return sink;
  }

  enter(entry: DirectoryEntry): void {
    const path = this.#pathOf(entry.name);
    let made = true;
    this.#do(path, () => {
      try {
        Deno.mkdirSync(path, { mode: 0o700 });
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
        checkDirectory(path);
        made = false;
      }
      const ours = made || this.resuming || this.#force;
      // What an earlier attempt completed may not be writable
      if (ours && !made) Deno.chmodSync(path, entry.mode | 0o700);
      this.#places.push({ path, entry: ours ? entry : undefined, made });
    });
  }

  leave(): void {
    const { path, entry } = this.#places.pop()!;
    if (entry === undefined) return;
    this.#do(path, () => {
      Deno.chmodSync(path, entry.mode);
      setTime(path, entry.mtime);
    });
  }

  link(entry: LinkEntry): void {
    const path = this.#pathOf(entry.name);
    this.#do(path, () => {
      if (this.#makeLink(entry.target, path)) setTime(path, entry.mtime);
    });
  }

  put(entry: FileEntry, bytes: Uint8Array): void {
    const path = this.#pathOf(entry.name);
    this.#do(path, () => {
      this.#changed = true;
      const free = this.#force || this.#places.at(-1)!.made;
      writeSmallFile(path, entry, bytes, { free });
    });
  }

  keep({ name, mode, mtime }: FileEntry): void {
    const path = this.#pathOf(name);
    this.#do(path, () => {
      if (!lstat(path)?.isFile) {
        throw unusable(path, "it was removed meanwhile");
      }
      Deno.chmodSync(path, mode);
      setTime(path, mtime);
    });
  }

  async open(entry: FileEntry): Promise<Sink> {
    const path = this.#pathOf(entry.name);
    this.#changed = true;
    const sink = await FileSink.create(path, {
      force: this.#force,
      durable: entry.size >= DURABLE,
    });
    try {
      await sink.adopt(entry);
    } catch (error) {
      sink.discard(true);
      throw error;
    }
    return sink;
  }

  inventory(): Inventory {
    return new FileInventory(this.#places[0].path);
  }

  async commit(): Promise<void> {
    const [{ path }] = this.#places;
    await syncDirectory(path);
    if (!this.#open) throw unusable(path, "the transfer was ended");
    this.committed = true;
    this.#removeMarker();
  }

  discard(_keep = false): void {
    if (!this.#open) return;
    // What is complete stays, and stays marked as a part of the whole
    if (this.#changed || this.#markerFile.leftover) {
      this.#close();
      this.remains = this.#marker;
    } else {
      this.#removeMarker();
    }
  }

  #pathOf(name: string): string {
    return `${this.#places.at(-1)!.path}/${name}`;
  }

  /** Changes something at `path`. */
  #do(path: string, change: () => void): void {
    try {
      change();
      this.#changed = true;
    } catch (error) {
      throw storageFailure(path, error);
    }
  }

  /** @returns whether it was made; a link that is there already and is the same stays */
  #makeLink(target: string, path: string): boolean {
    try {
      Deno.symlinkSync(target, path);
      return true;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    const there = lstat(path);
    if (this.resuming && there?.isSymlink) {
      if (Deno.readLinkSync(path) === target) return true;
    }
    if (!this.#force) throw exists(path, ELSEWHERE);
    const part = partPath(path);
    if (lstat(part)?.isDirectory === false) Deno.removeSync(part);
    Deno.symlinkSync(target, part);
    Deno.renameSync(part, path);
    return true;
  }

  #removeMarker(): void {
    try {
      if (isAt(this.#markerFile.file, this.#marker)) {
        Deno.removeSync(this.#marker);
      }
    } catch {
      // It says too little, and a later transfer removes it
    }
    this.#close();
  }

  #close(): void {
    this.#open = false;
    this.#markerFile.file.close();
  }
}

const MARKER_TEXT = new TextEncoder().encode(
  "What stands beside this file, and is called like it, is not complete. Give\n" +
    "the two ferry commands again, and the transfer goes on where it stopped.\n",
);

/** What a tree is called as a whole. */
function titleOf({ name, tree }: Offer): string {
  const more = (tree?.count ?? 1) - 1;
  return more > 0 ? `${name}+${more}` : `${name}`;
}

/** Looks, before anything is made, whether something is in the way. @throws {StorageFailure} `exists` */
function checkNames(directory: string, names: readonly string[]): void {
  for (const name of names) {
    const path = join(directory, name);
    const info = lstat(path);
    if (info !== undefined && !info.isDirectory) throw exists(path, ELSEWHERE);
  }
}

/** @throws {StorageFailure} unless `path` itself is a directory: nothing is written through links */
function checkDirectory(path: string): void {
  const info = lstat(path);
  if (info?.isDirectory) return;
  throw info?.isSymlink
    ? unusable(path, "it is a link, and nothing is written through links")
    : new StorageFailure(
      "exists",
      `Cannot make the directory ${path}: a file of that name exists already`,
    );
}

/** Looks at what is there of a tree. */
class FileInventory implements Inventory {
  #paths: string[];
  /** How many directories deep it is in one that is not there. */
  #absent = 0;

  constructor(directory: string) {
    this.#paths = [directory];
  }

  enter(name: string): void {
    const path = `${this.#paths.at(-1)}/${name}`;
    if (this.#absent > 0 || !lstat(path)?.isDirectory) this.#absent++;
    else this.#paths.push(path);
  }

  leave(): void {
    if (this.#absent > 0) this.#absent--;
    else this.#paths.pop();
  }

  look({ name, size, mtime }: FileEntry): Found | undefined {
    if (this.#absent > 0) return undefined;
    const path = `${this.#paths.at(-1)}/${name}`;
    const whole = lstat(path);
    if (whole !== undefined) {
      const off = Math.abs(Number(whole.mtime - mtime));
      const alike = whole.isFile && whole.size === size && off <= TIME_GRAIN;
      return alike ? found(path, true, size) : undefined;
    }
    const part = partPath(path);
    const info = lstat(part);
    if (!info?.isFile || info.size === 0) return undefined;
    return found(part, false, info.size);
  }
}

function found(path: string, whole: boolean, length: number): Found {
  const open = async () => new FileContent(await Deno.open(path));
  return { whole, length, open };
}
