import { basename } from "node:path";
import { Failure } from "../../base/failure.ts";
import type { Content, Step, TreeFile, TreeSource } from "../content.ts";
import type { Offer } from "../messages.ts";
import { explain } from "../system_errors.ts";
import type { Timestamp } from "../timestamp.ts";
import { offerableName, PART_SUFFIX } from "../untrusted.ts";
import { FileContent } from "./file_source.ts";
import { checkReach, type FileStatus, statusAt } from "./file_status.ts";
import { type Names, namesIn, targetOf } from "./raw_names.ts";
import { readSmallFile } from "./small_files.ts";

/** One of the paths that are sent. */
interface Root {
  readonly name: string;
  readonly path: string;
  readonly info: FileStatus;
}

/** A source that walks files and directories while they are sent. */
export class FileTreeSource implements TreeSource {
  readonly offer: Offer;
  #roots: Root[];

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

  *walk(): Iterable<Step> {
    const walk = new Walk();
    for (const { name, path, info } of this.#roots) {
      yield* walk.entry(name, path, info);
    }
  }

  close(): void {}
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
    return { name: offerableName(name), path, info };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("input", `Cannot read ${path}: ${explain(error)}`);
  }
}

/** One walk. It remembers the files that have several names, and else only how deep it is. */
class Walk {
  #linked = new Map<number, Set<number | bigint>>();

  /** What is at `path`, under `name`, and all that is in it. */
  *entry(name: string, path: string, info: FileStatus): Iterable<Step> {
    const { mtime, mode } = info;
    if (info.isFile) {
      if (this.#isKnown(info)) {
        yield omit(path, "it is a hard link to a file that is sent already");
        return;
      }
      const { size } = info;
      const entry = { kind: "file", name, mtime, mode, size } as const;
      yield { does: "file", entry, path, file: fileAt(path) };
    } else if (info.isDirectory) {
      const entry = { kind: "directory", name, mtime, mode } as const;
      yield { does: "enter", entry };
      yield* this.#inside(path);
      yield { does: "leave" };
    } else if (info.isSymlink) {
      yield linkAt(name, path, mtime);
    } else {
      yield omit(path, `it is ${kindOf(info)}`);
    }
  }

  *#inside(directory: string): Iterable<Step> {
    let found: Names;
    try {
      found = namesIn(directory);
    } catch (error) {
      yield missing(directory, explain(error));
      return;
    }
    const start = directory.endsWith("/") ? directory : `${directory}/`;
    for (const name of found.others) yield missing(start + name, NOT_UTF8);
    const names = found.names.sort();
    for (const [at, name] of names.entries()) {
      const path = start + name;
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
        info = statusAt(path);
      } catch (error) {
        yield missing(
          path,
          name.includes("\ufffd") ? NOT_UTF8 : explain(error),
        );
        continue;
      }
      yield* this.entry(name, path, info);
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

function linkAt(name: string, path: string, mtime: Timestamp): Step {
  try {
    const target = targetOf(path);
    if (target === undefined) {
      return missing(path, "what it points to is not UTF-8");
    }
    return { does: "link", entry: { kind: "link", name, mtime, target } };
  } catch (error) {
    return missing(path, explain(error));
  }
}

function fileAt(path: string): TreeFile {
  return {
    readAll: (into) => readSmallFile(path, into),
    open: async (): Promise<Content> => new FileContent(await Deno.open(path)),
    explain,
  };
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
