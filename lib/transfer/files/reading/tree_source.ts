import { setImmediate } from "node:timers";
import { basename, dirname } from "node:path";
import { Failure } from "../../../base/failure.ts";
import type { Measure, Step, TreeFile, TreeSource } from "../../content.ts";
import type { Offer } from "../../wire/messages.ts";
import { explain } from "../../system_errors.ts";
import type { Timestamp } from "../../wire/timestamp.ts";
import { offerableName, PART_SUFFIX } from "../../wire/name_validation.ts";
import type { DirectoryEntries, OpenFile } from "../directory/directory.ts";
import { checkReach, type FileStatus, statusAt } from "../file_status.ts";
import {
  OpenDirectories,
  WalkedDirectory,
} from "../directory/walked_directory.ts";

/** One of the paths that are sent. */
interface Root {
  readonly name: string;
  readonly path: string;
  readonly info: FileStatus;
  /** Of a file: where it is, which is elsewhere if `path` is a link. */
  readonly place: string;
}

/** A source that walks files and directories while they are sent. */
export class FileTreeSource implements TreeSource {
  readonly offer: Offer;
  #roots: Root[];
  #open = new OpenDirectories();

  /** Use {@linkcode FileTreeSource.open}. */
  constructor(roots: Root[]) {
    this.#roots = roots;
    const names = roots.map(({ name }) => name);
    this.offer = {
      name: names[0],
      tree: { count: names.length, names },
      resumable: true,
    };
  }

  /**
   * @param paths at least one; links among them are followed
   * @throws {Failure} `input` if one cannot be sent, or two would have the same name
   */
  static async open(paths: readonly string[]): Promise<FileTreeSource> {
    const roots = await Promise.all(paths.map(rootAt));
    roots.sort((a, b) => a.name < b.name ? -1 : 1);
    for (const [at, { name, path }] of roots.entries()) {
      if (at > 0 && roots[at - 1].name === name) {
        throw new Failure(
          "input",
          `Both ${
            roots[at - 1].path
          } and ${path} would arrive as ${name}; send them one after the other`,
        );
      }
    }
    return new FileTreeSource(roots);
  }

  walk(): Iterable<Step> {
    return this.#walk(this.#open);
  }

  async measure(
    options: { signal?: AbortSignal; limit?: number } = {},
  ): Promise<Measure> {
    const { signal, limit = MEASURE_LIMIT } = options;
    const open = new OpenDirectories();
    const measure = { files: 0, bytes: 0, entries: 0, more: false };
    const end = performance.now() + limit;
    let turn = performance.now() + MEASURE_TURN;
    try {
      for (const step of this.#walk(open)) {
        if (step.does !== "leave" && step.does !== "omit") measure.entries++;
        if (step.does === "file") {
          measure.files++;
          measure.bytes += step.entry.size;
        }
        const now = performance.now();
        if (now < turn) continue;
        await new Promise<void>((resolve) => setImmediate(resolve));
        signal?.throwIfAborted();
        measure.more = now >= end;
        if (measure.more) break;
        turn = performance.now() + MEASURE_TURN;
      }
      return measure;
    } finally {
      open.close();
    }
  }

  close(): void {
    this.#open.close();
  }

  *#walk(open: OpenDirectories): Iterable<Step> {
    const walk = new Walk();
    let parent: WalkedDirectory | undefined;
    for (const { name, path, info, place } of this.#roots) {
      if (info.isDirectory) {
        yield* walk.directory(name, WalkedDirectory.at(open, path, info), info);
        continue;
      }
      const directory = dirname(place);
      if (parent?.path !== directory) {
        parent?.close();
        parent = WalkedDirectory.at(open, directory);
      }
      const file = fileAt(parent, basename(place), info);
      yield* walk.file({ name, path, info, file });
    }
    parent?.close();
  }
}

async function rootAt(path: string): Promise<Root> {
  try {
    const info = statusAt(path, { follow: true });
    if (!info.isDirectory && !info.isFile) {
      throw new Failure(
        "input",
        `Cannot send ${path} together with others: it is no regular file`,
      );
    }
    await checkReach(path);
    let name = basename(path);
    if (name === "" || name === "." || name === "..") {
      name = basename(await Deno.realPath(path));
    }
    if (name === "") {
      throw new Failure("input", `Cannot send ${path}: it has no name`);
    }
    const named = info.isFile && statusAt(path).isSymlink;
    const place = named ? await Deno.realPath(path) : path;
    return { name: offerableName(name), path, info, place };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("input", `Cannot read ${path}: ${explain(error)}`);
  }
}

/** A file that a walk has come to. */
interface FoundFile {
  /** Which it is sent under. */
  readonly name: string;
  /** For people. */
  readonly path: string;
  readonly info: FileStatus;
  readonly file: TreeFile;
}

/** A directory that a walk has come to, in another. */
interface Descent {
  readonly does: "descend";
  readonly name: string;
  readonly directory: WalkedDirectory;
  readonly info: FileStatus;
}

/** One walk. It remembers the files that have several names, and else only how deep it is. */
class Walk {
  #linked = new Map<number, Set<number | bigint>>();

  *file({ name, path, info, file }: FoundFile): Iterable<Step> {
    if (this.#isKnown(info)) {
      yield omit(path, "it is a hard link to a file that is sent already");
      return;
    }
    const { mtime, mode, size } = info;
    const entry = { kind: "file", name, mtime, mode, size } as const;
    yield { does: "file", entry, path, file };
  }

  /** A directory, under `name`, and all that is in it; how deep that goes costs no stack. */
  *directory(
    name: string,
    directory: WalkedDirectory,
    info: FileStatus,
  ): Iterable<Step> {
    const levels = [{ directory, steps: this.#inside(directory) }];
    yield enter(name, info);
    try {
      while (levels.length > 0) {
        const { directory, steps } = levels.at(-1)!;
        const { value, done } = steps.next();
        if (done) {
          levels.pop();
          directory.leave();
          yield { does: "leave" };
        } else if (value.does === "descend") {
          const { name, directory, info } = value;
          levels.push({ directory, steps: this.#inside(directory) });
          yield enter(name, info);
        } else {
          yield value;
        }
      }
    } finally {
      for (const { directory } of levels.toReversed()) directory.leave();
    }
  }

  *#inside(directory: WalkedDirectory): Generator<Step | Descent, void> {
    let found: DirectoryEntries;
    try {
      found = directory.entries();
    } catch (error) {
      yield missing(directory.path, explain(error));
      return;
    }
    for (const name of found.others) {
      yield missing(directory.pathOf(name), NOT_UTF8);
    }
    const names = found.names.sort();
    for (const [at, name] of names.entries()) {
      const path = directory.pathOf(name);
      if (name === names[at - 1]) {
        yield missing(path, NOT_UTF8);
        continue;
      }
      if (name.endsWith(PART_SUFFIX)) {
        yield omit(path, "it is what an unfinished transfer left");
        continue;
      }
      let info: FileStatus;
      try {
        info = directory.look(name);
      } catch (error) {
        yield missing(
          path,
          name.includes("\ufffd") ? NOT_UTF8 : explain(error),
        );
        continue;
      }
      if (info.isFile) {
        const file = fileAt(directory, name, info);
        yield* this.file({ name, path, info, file });
      } else if (info.isDirectory) {
        const below = directory.enter(name, info);
        yield { does: "descend", name, directory: below, info };
      } else if (info.isSymlink) {
        yield linkAt(directory, name, info.mtime);
      } else {
        yield omit(path, `it is ${kindOf(info)}`);
      }
    }
  }

  /** Whether another name of this file came before. */
  #isKnown({ links, device, inode }: FileStatus): boolean {
    if (links < 2) return false;
    const known = this.#linked.get(device) ?? new Set();
    this.#linked.set(device, known);
    if (known.has(inode)) return true;
    known.add(inode);
    return false;
  }
}

function enter(name: string, { mtime, mode }: FileStatus): Step {
  return { does: "enter", entry: { kind: "directory", name, mtime, mode } };
}

function linkAt(
  directory: WalkedDirectory,
  name: string,
  mtime: Timestamp,
): Step {
  const path = directory.pathOf(name);
  try {
    const target = directory.target(name);
    if (target === undefined) {
      return missing(path, "what it points to is not UTF-8");
    }
    return { does: "link", entry: { kind: "link", name, mtime, target } };
  } catch (error) {
    return missing(path, explain(error));
  }
}

function fileAt(
  directory: WalkedDirectory,
  name: string,
  seen: FileStatus,
): TreeFile {
  return {
    readAll: (into) => {
      const file = directory.openFile(name, seen);
      try {
        return readAll(file, into);
      } finally {
        file.close();
      }
    },
    // deno-lint-ignore require-await -- what it throws is a rejection
    open: async () => directory.openFile(name, seen),
    explain,
  };
}

/** Reads a file into `into`, as much as there is room for. @returns how many bytes */
function readAll(file: OpenFile, into: Uint8Array): number {
  let at = 0;
  while (at < into.length) {
    const count = file.readSync(into.subarray(at));
    if (count === null) break;
    at += count;
  }
  return at;
}

function kindOf(info: FileStatus): string {
  if (info.isFifo) return "a named pipe";
  if (info.isSocket) return "a socket";
  return "a device";
}

const NOT_UTF8 = "its name is not UTF-8";

function omit(path: string, why: string): Step {
  return { does: "omit", path, why, missing: false };
}

function missing(path: string, why: string): Step {
  return { does: "omit", path, why, missing: true };
}

/** How long a tree is measured at most, in milliseconds. */
const MEASURE_LIMIT = 5000;
/** How long at a time, in milliseconds: then it is the network's turn. */
const MEASURE_TURN = 5;
