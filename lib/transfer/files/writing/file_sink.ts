import { basename, dirname } from "node:path";
import {
  type CommitOptions,
  type Kept,
  type Sink,
  StorageFailure,
} from "../../content.ts";
import { storageFailure } from "../../system_errors.ts";
import {
  type Directory,
  openDirectory,
  type OpenFile,
} from "../directory/directory.ts";
import { type Attributes, GrowingFile } from "./growing_file.ts";
import { partName } from "./part_names.ts";
import { type Owner, type Staged, Staging } from "./staging.ts";
import { exists, unusable } from "./storage_failures.ts";

/** How a file is made. */
export interface FileSinkOptions {
  /** Whether a file that is there is replaced. */
  readonly force: boolean;
  /** Who may go on with it, if it is broken off. */
  readonly owner?: Owner;
}

/** The permission bits of a file that is sent without any, of which the umask takes some away. */
const DEFAULT_MODE = 0o666;

/** A sink that writes a file in a staging directory beside its final place. */
export class FileSink implements Sink {
  committed = false;
  readonly kept: Kept | undefined;
  remains: string | undefined;
  #path: string;
  #parent: Directory;
  #staging: Staging;
  /** Undefined if an earlier attempt has moved it where it belongs already. */
  #file: GrowingFile | undefined;
  /** That one, while it is read. */
  #moved: OpenFile | undefined;
  #attributes: Attributes;
  #options: FileSinkOptions;
  #open = true;

  /** Use {@linkcode FileSink.create}. */
  private constructor(
    path: string,
    parent: Directory,
    staging: Staging,
    attributes: Attributes,
    options: FileSinkOptions,
  ) {
    this.#path = path;
    this.#parent = parent;
    this.#staging = staging;
    this.#attributes = attributes;
    this.#options = options;
    if (staging.moved.has(basename(path))) {
      this.kept = this.#keepMoved();
    } else {
      this.#file = this.#grow(staging.taken);
      this.kept = this.#file.kept;
    }
  }

  /**
   * @param attributes what the file is given besides its content
   * @throws {StorageFailure} if something is at `path`, no file can be made
   * there, or the same is received by another transfer of the owner
   */
  static async create(
    path: string,
    attributes: Attributes,
    options: FileSinkOptions,
  ): Promise<FileSink> {
    const staged = stagedAt(path, options.owner);
    let parent: Directory | undefined;
    let staging: Staging | undefined;
    try {
      parent = openDirectory(dirname(path));
      staging = await Staging.find(parent, staged);
      if (!staging?.moved.has(staged.title)) {
        checkPlace(path, parent, options.force);
      }
      staging ??= await Staging.make(parent, staged);
      return new FileSink(path, parent, staging, attributes, options);
    } catch (error) {
      staging?.discard(staging.taken);
      parent?.close();
      throw storageFailure(path, error);
    }
  }

  /**
   * Looks whether a file could be made at `path`, and leaves nothing there.
   *
   * @throws {StorageFailure} if it cannot
   */
  static check(path: string, { force }: { force: boolean }): void {
    try {
      const parent = openDirectory(dirname(path));
      try {
        checkPlace(path, parent, force);
        Staging.probe(parent, basename(path));
      } finally {
        parent.close();
      }
    } catch (error) {
      throw storageFailure(path, error);
    }
  }

  checkRoom(bytes: number): void {
    this.#file?.checkRoom(bytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#file === undefined) throw exists(this.#path);
    await this.#file.write(bytes);
  }

  async commit({ remembers = false }: CommitOptions = {}): Promise<void> {
    const { mode = DEFAULT_MODE, mtime } = this.#attributes;
    const { force } = this.#options;
    const name = basename(this.#path);
    const attributes = { mode: mode & this.#staging.allowed, mtime };
    await this.#file?.complete(attributes, { durable: true });
    if (!this.#open) throw unusable(this.#path, "the transfer was ended");
    try {
      // Nothing else may run between these
      this.#staging.commit([{ from: partName(name), name }], {
        replace: force,
        instead: "-o for another name",
      });
      this.committed = true;
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
    this.#open = false;
    this.#closeFiles();
    if (!remembers) this.#staging.end(false);
    await this.#parent.sync();
    if (!remembers) this.#parent.close();
  }

  release(heard: boolean): void {
    this.#staging.end(!heard);
    this.#parent.close();
  }

  discard(keep = false): void {
    if (!this.#open) return;
    this.#open = false;
    const stays = this.#file === undefined ||
      (keep || !this.#file.touched) && this.#file.status.size > 0;
    if (this.#staging.discard(stays)) this.remains = this.#staging.path;
    this.#closeFiles();
    this.#parent.close();
  }

  #closeFiles(): void {
    this.#file?.close();
    this.#moved?.close();
  }

  #grow(leftover: boolean): GrowingFile {
    const { content } = this.#staging;
    const part = partName(basename(this.#path));
    return GrowingFile.open(content, part, this.#path, { leftover });
  }

  /** What was moved is whole, and nothing is written to it any more. */
  #keepMoved(): Kept {
    const file = this.#parent.openFile(basename(this.#path), "read");
    this.#moved = file;
    const { size } = file.status();
    return {
      length: size,
      read: (into) => file.read(into),
      // deno-lint-ignore require-await -- what it throws is a rejection
      resume: async (length) => {
        if (length === size) return;
        if (!this.#options.force) throw exists(this.#path);
        this.#staging.forgetMoved();
        this.#file = this.#grow(true);
      },
    };
  }
}

function stagedAt(path: string, owner: Owner | undefined): Staged {
  const name = basename(path);
  return { title: name, kind: "file", names: [name], count: 1, owner };
}

/** @throws {StorageFailure} if a file cannot or must not be put at `path` */
function checkPlace(path: string, parent: Directory, force: boolean): void {
  const status = parent.status(basename(path));
  if (path.endsWith("/") || status?.isDirectory) {
    throw new StorageFailure(
      "directory",
      `Cannot write ${path}: it names a directory; use -d to save in one`,
    );
  }
  if (status === undefined) return;
  if (!status.isFile && !leadsToFile(path)) {
    throw unusable(path, "it is not a regular file; use a redirection");
  }
  if (!force) throw exists(path);
}

/** Whether `path` is a link, to a regular file or to nothing. */
function leadsToFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
