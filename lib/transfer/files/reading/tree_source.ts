import { setImmediate } from "node:timers";
import { basename, dirname } from "node:path";
import { Failure, type OmissionReason } from "../../../base/failure.ts";
import {
  type Measure,
  omissionReason,
  type Source,
  type SourceFile,
  type Step,
} from "../../source.ts";
import type { Offer } from "../../wire/messages.ts";
import { compareNames, offerableName, PART_SUFFIX } from "../../wire/names.ts";
import type { Timestamp } from "../../wire/timestamp.ts";
import { type DirectoryEntries, readAll } from "../directory/directory.ts";
import { readFailure } from "../failures.ts";
import { type Exclusion, exclusionOf } from "./exclusion.ts";
import { DescriptorDirectory } from "../directory/descriptor_directory.ts";
import {
  checkReach,
  type FileStatus,
  realPath,
  statusAt,
} from "../file_status.ts";
import {
  OpenDirectories,
  WalkedDirectory,
} from "../directory/walked_directory.ts";

/** One of the paths that are sent. */
interface NamedRoot {
  readonly name: string;
  readonly path: string;
  readonly status: FileStatus;
  /** The file itself, if `path` is a link to it. */
  readonly place: string;
}

/** A source that walks files and directories while they are sent. */
export class TreeSource implements Source {
  readonly offer: Offer;
  readonly rereadable = true;
  /** Of the last walk. */
  excluded = 0;
  #roots: readonly NamedRoot[];
  #exclusion: Exclusion | undefined;
  /** Paths that were left out by their names. */
  #excludedRoots: number;
  #open = new OpenDirectories();

  private constructor(
    roots: readonly NamedRoot[],
    exclusion: Exclusion | undefined,
    excludedRoots: number,
  ) {
    this.#roots = roots;
    this.#exclusion = exclusion;
    this.#excludedRoots = excludedRoots;
    const names = roots.map(({ name }) => name);
    const { length: count } = names;
    this.offer = { kind: "tree", names, count, resumable: true };
  }

  /**
   * @param paths at least one; links among them are followed
   * @param exclude patterns of what is not sent, as in a `.gitignore` at the top
   * of each directory; if there are several paths, each is left out by its name
   * @throws {Failure} if one cannot be sent, or two would have the same name
   */
  static async open(
    paths: readonly string[],
    { exclude = [] }: { exclude?: readonly string[] | undefined } = {},
  ): Promise<TreeSource> {
    const exclusion = await exclusionOf(exclude);
    const named = await Promise.all(paths.map(rootAt));
    const roots = named.length === 1
      ? named
      : named.filter(({ name, status }) =>
        !exclusion?.excludes(name, status.isDirectory)
      );
    if (roots.length === 0) throw new Failure({ code: "nothing-to-send" });
    roots.sort((a, b) => compareNames(a.name, b.name));
    let last: NamedRoot | undefined;
    for (const root of roots) {
      const { name } = root;
      if (name === last?.name) {
        const paths = [last.path, root.path] as const;
        throw new Failure({ code: "same-name", paths, name });
      }
      last = root;
    }
    return new TreeSource(roots, exclusion, named.length - roots.length);
  }

  entries(): Iterable<Step> {
    this.excluded = this.#excludedRoots;
    return this.#walk(this.#open, () => this.excluded++);
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
        if (step.type !== "leave" && step.type !== "omit") measure.entries++;
        if (step.type === "file") {
          measure.files++;
          measure.bytes += step.entry.size ?? 0;
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

  /** @param excluded called for each entry that is left out as unwanted */
  *#walk(open: OpenDirectories, excluded = () => {}): Iterable<Step> {
    let parent: WalkedDirectory | undefined;
    for (const { name, path, status, place } of this.#roots) {
      if (status.isDirectory) {
        const directory = new WalkedDirectory(open, path, status);
        const start = directory.pathOf("").length;
        yield* stepsThrough(name, directory, status, (path, isDirectory) => {
          const below = path.slice(start);
          if (!this.#exclusion?.excludes(below, isDirectory)) return false;
          excluded();
          return true;
        });
        continue;
      }
      const directory = dirname(place);
      if (parent?.path !== directory) {
        parent?.close();
        parent = new WalkedDirectory(open, directory);
      }
      yield fileStep(parent, basename(place), status, { name, path });
    }
    parent?.close();
  }
}

async function rootAt(path: string): Promise<NamedRoot> {
  try {
    const status = statusAt(path, { follow: true });
    if (!status.isDirectory && !status.isFile) {
      throw new Failure({ code: "not-regular", path });
    }
    if (!DescriptorDirectory.isPossible) await checkReach(path);
    let name = basename(path);
    if (name === "" || name === "." || name === "..") {
      name = basename(realPath(path));
    }
    if (name === "") throw new Failure({ code: "no-name", path });
    const isLink = status.isFile && statusAt(path).isSymlink;
    const place = isLink ? realPath(path) : path;
    return { name: offerableName(name), path, status, place };
  } catch (error) {
    throw readFailure(path, error);
  }
}

/** A subdirectory that the walk has reached. */
interface Descent {
  readonly type: "descend";
  readonly step: Step;
  readonly directory: WalkedDirectory;
}

/** The steps through a directory, under `name`; its depth costs no stack. */
function* stepsThrough(
  name: string,
  directory: WalkedDirectory,
  status: FileStatus,
  excludes: Excludes,
): Iterable<Step> {
  const levels = [{ directory, steps: stepsInside(directory, excludes) }];
  yield enter(name, status);
  try {
    while (levels.length > 0) {
      const { directory, steps } = levels.at(-1)!;
      const { value, done } = steps.next();
      if (done) {
        levels.pop();
        directory.leave();
        yield { type: "leave" };
      } else if (value.type === "descend") {
        const { step, directory } = value;
        levels.push({ directory, steps: stepsInside(directory, excludes) });
        yield step;
      } else {
        yield value;
      }
    }
  } finally {
    for (const { directory } of levels.toReversed()) directory.leave();
  }
}

/** Whether an entry at a path is left out. */
type Excludes = (path: string, isDirectory: boolean) => boolean;

function* stepsInside(
  directory: WalkedDirectory,
  excludes: Excludes,
): Generator<Step | Descent, void> {
  let found: DirectoryEntries;
  try {
    found = directory.entries();
  } catch (error) {
    yield omit(directory.path, omissionReason(error));
    return;
  }
  for (const name of found.others) {
    yield omit(directory.pathOf(name), "name-not-utf8");
  }
  const names = found.names.sort(compareNames);
  for (const [at, name] of names.entries()) {
    const path = directory.pathOf(name);
    if (name === names[at - 1]) {
      yield omit(path, "name-not-utf8");
      continue;
    }
    let status: FileStatus;
    try {
      status = directory.look(name);
    } catch (error) {
      yield omit(
        path,
        name.includes("\ufffd") ? "name-not-utf8" : omissionReason(error),
      );
      continue;
    }
    if (excludes(path, status.isDirectory)) continue;
    if (name.endsWith(PART_SUFFIX)) {
      yield omit(path, "unfinished");
      continue;
    }
    if (status.isFile) {
      yield fileStep(directory, name, status, { name, path });
    } else if (status.isDirectory) {
      const step = enter(name, status);
      yield { type: "descend", step, directory: directory.enter(name, status) };
    } else if (status.isSymlink) {
      yield linkStep(directory, name, status.mtime);
    } else {
      const { isFifo, isSocket } = status;
      yield omit(path, isFifo ? "named-pipe" : isSocket ? "socket" : "device");
    }
  }
}

function enter(name: string, { mtime, mode }: FileStatus): Step {
  return { type: "enter", entry: { kind: "directory", name, mtime, mode } };
}

function linkStep(
  directory: WalkedDirectory,
  name: string,
  mtime: Timestamp,
): Step {
  const path = directory.pathOf(name);
  try {
    const target = directory.target(name);
    if (target === undefined) return omit(path, "target-not-utf8");
    return { type: "link", entry: { kind: "link", name, mtime, target } };
  } catch (error) {
    return omit(path, omissionReason(error));
  }
}

/** @param as the name it is sent under, and its path for people */
function fileStep(
  directory: WalkedDirectory,
  name: string,
  seen: FileStatus,
  as: { name: string; path: string },
): Step {
  const { mtime, mode, size } = seen;
  const file: SourceFile = {
    readAll: (into) => {
      using file = directory.openFile(name, seen);
      return readAll(file, into);
    },
    // deno-lint-ignore require-await -- what it throws is a rejection
    open: async () => directory.openFile(name, seen),
  };
  const entry = { kind: "file", name: as.name, mtime, mode, size } as const;
  return { type: "file", entry, path: as.path, file };
}

function omit(path: string, reason: OmissionReason): Step {
  return { type: "omit", path, reason };
}

/** Milliseconds that counting a tree may take by default. */
const MEASURE_LIMIT = 5000;
/** Milliseconds of counting before the network has its turn. */
const MEASURE_TURN = 5;
