import { createHash } from "node:crypto";
import { join } from "node:path";
import { occasionalCalls } from "../../../system/c_library.ts";
import { StorageFailure } from "../../content.ts";
import { storageFailure } from "../../system_errors.ts";
import type { Directory, OpenFile } from "../directory/directory.ts";
import type { FileStatus } from "../file_status.ts";
import { checkMerge, merge } from "./merging.ts";
import { isStagingName, stagingName } from "./part_names.ts";
import { ELSEWHERE, exists, unusable } from "./storage_failures.ts";
import { codeOf } from "../system_error.ts";

/**
 * Who an unfinished transfer belongs to: whoever has this key, or knows this
 * code, may go on with it, and nobody else learns of it.
 */
export interface Owner {
  /** A public key, of which the sender has proved that it has the private one. */
  readonly key?: Uint8Array | undefined;
  /** The code that the sender has proved to know. */
  readonly code?: {
    /** What recognises the code and does not tell it. */
    verifier(): string;
    /** Whether `verifier` was made of this code. */
    matches(verifier: string): boolean;
  } | undefined;
}

/** What is staged. */
export interface Staged {
  /** What the staging directory is named after. */
  readonly title: string;
  readonly kind: "file" | "tree";
  /** The names outside of all directories, as many as are known beforehand. */
  readonly names: readonly string[];
  /** How many there are. */
  readonly count: number;
  readonly owner?: Owner;
}

/** Something that gets its name outside of the staging directory. */
export interface Root {
  /** What it is called in `content`, and then. */
  readonly from: string;
  readonly name: string;
  /** Of a directory that has another mode until then: its permission bits. */
  readonly mode?: number;
}

const VERSION = 1;
/** The largest state file that is read, in bytes. */
const MAX_STATE = 1 << 26;
const STATE = "state";
const CONTENT = "content";
const PROBE = "probe";

/** The first line of the state file. */
interface Header {
  readonly version: number;
  /** SHA-256 of the owner's key. */
  readonly key?: string;
  readonly code?: string;
  readonly kind: string;
  readonly names: readonly string[];
  readonly count: number;
}

/** Every other line. The last one that is whole counts. */
interface Phase {
  readonly phase: "receiving" | "committing";
  readonly roots?: readonly { name: string; inode: string }[];
}

/**
 * A directory beside what will be there, in which it grows. It is nobody else's
 * to read, write or name: so whatever is found in it, this transfer has made.
 * While it is in use its state file is locked.
 */
export class Staging {
  /** Where it is, for people. */
  readonly path: string;
  /** Where what arrives grows. */
  readonly content: Directory;
  /** Whether an earlier attempt made it. */
  readonly taken: boolean;
  /** The permission bits that the umask leaves. */
  readonly allowed: number;
  #moved: Map<string, FileStatus>;
  /** Inodes of directories that it had moved, and that are there as everything else is. */
  #forgotten = new Map<string, FileStatus["inode"]>();
  #parent: Directory;
  #name: string;
  #directory: Directory;
  #state: OpenFile;
  #owned: boolean;
  #open = true;

  /** Use {@linkcode Staging.find} or {@linkcode Staging.make}. */
  private constructor(
    parent: Directory,
    name: string,
    { directory, state, staged, roots }: {
      directory: Directory;
      state: OpenFile;
      staged: Staged;
      /** What was being moved; undefined for a new directory. */
      roots?: Phase["roots"];
    },
  ) {
    this.path = join(parent.path, name);
    this.content = directory.openDirectory(CONTENT);
    this.taken = roots !== undefined;
    this.allowed = allowedIn(directory);
    this.#moved = movedTo(parent, roots ?? []);
    this.#parent = parent;
    this.#name = name;
    this.#directory = directory;
    this.#state = state;
    const { key, code } = staged.owner ?? {};
    this.#owned = key !== undefined || code !== undefined;
  }

  /**
   * Takes up what an earlier attempt of the same owner left in `parent`.
   *
   * @returns undefined if there is nothing
   * @throws {StorageFailure} `taken` if it is in use
   */
  static async find(
    parent: Directory,
    staged: Staged,
  ): Promise<Staging | undefined> {
    for (const name of namesIn(parent)) {
      if (!isStagingName(name, staged.title)) continue;
      const found = await Staging.#takeUp(parent, name, staged);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Makes a new one in `parent`. Throws what the system throws. */
  static async make(parent: Directory, staged: Staged): Promise<Staging> {
    const name = makeFresh(parent, staged.title);
    let directory: Directory | undefined;
    let state: OpenFile | undefined;
    try {
      directory = parent.openDirectory(name);
      state = directory.createFile(STATE);
      await state.lock();
      // Whoever may rename things in `parent` could have put another one there
      const { owner } = directory.ownStatus();
      if (owner !== state.status().owner || namesIn(directory).length > 1) {
        throw unusable(
          join(parent.path, name),
          "somebody else has put it there",
        );
      }
      state.writeSync(lineOf(headerOf(staged)));
      directory.makeDirectory(CONTENT, 0o700);
      return new Staging(parent, name, { directory, state, staged });
    } catch (error) {
      if (directory !== undefined && state !== undefined) {
        remove(parent, name, directory);
      } else {
        removeFresh(parent, name);
      }
      state?.close();
      directory?.close();
      throw error;
    }
  }

  /** Whether one could be made in `parent`; leaves nothing there. Throws what the system throws. */
  static probe(parent: Directory, title: string): void {
    parent.removeDirectory(makeFresh(parent, title));
  }

  static async #takeUp(
    parent: Directory,
    name: string,
    staged: Staged,
  ): Promise<Staging | undefined> {
    let directory: Directory | undefined;
    let state: OpenFile | undefined;
    let result: Staging | undefined;
    try {
      directory = parent.openDirectory(name);
      const user = userOf(parent);
      if (!isPrivate(directory.ownStatus(), 0o700, user)) return undefined;
      state = directory.openFile(STATE, "both");
      const status = state.status();
      if (!status.isFile || status.links !== 1 || status.size > MAX_STATE) {
        return undefined;
      }
      if (!isPrivate(status, 0o600, user)) return undefined;
      if (await linesOf(state, staged) === undefined) return undefined;
      if (!await state.lock()) throw taken(join(parent.path, staged.title));
      // Until it was locked, whoever had it may have ended it
      const lines = await linesOf(state, staged);
      const there = parent.status(name)?.inode === directory.ownStatus().inode;
      if (lines === undefined || !there || state.status().links !== 1) {
        return undefined;
      }
      const { roots = [] } = lines.at(-1) ?? {};
      // It is the last to be made, and the first to be removed
      if (directory.status(CONTENT) === undefined) {
        directory.makeDirectory(CONTENT, 0o700);
      }
      return result = new Staging(parent, name, {
        directory,
        state,
        staged,
        roots,
      });
    } catch (error) {
      if (error instanceof StorageFailure) throw error;
      // Whatever it is, it is none of this transfer's
      return undefined;
    } finally {
      if (result === undefined) state?.close();
      if (result === undefined) directory?.close();
    }
  }

  /** What an earlier attempt has moved out already, by name. */
  get moved(): ReadonlyMap<string, FileStatus> {
    return this.#moved;
  }

  /** What was moved out is there as everything else is. */
  forgetMoved(): void {
    for (const [name, { isDirectory, inode }] of this.#moved) {
      if (isDirectory) this.#forgotten.set(name, inode);
    }
    this.#moved.clear();
  }

  /**
   * Moves what is complete to where it belongs, all of it or, as far as that can
   * be had, nothing. Nothing else runs meanwhile.
   *
   * @param roots all that `content` has to give
   * @param options.replace whether files that are there are replaced, and
   * directories that are there are merged into
   * @throws {StorageFailure} if that cannot be done; what is not moved stays
   */
  commit(
    roots: readonly Root[],
    { replace, instead = ELSEWHERE }: { replace: boolean; instead?: string },
  ): void {
    const waiting = roots.filter(({ name }) => !this.moved.has(name));
    const pathOf = ({ name }: Root) => join(this.#parent.path, name);
    for (const root of waiting) {
      if (replace) {
        checkMerge(this.content, root.from, this.#parent, root.name);
      } else if (this.#parent.status(root.name) !== undefined) {
        throw exists(pathOf(root), instead);
      }
    }
    const inodes = [...this.moved].map(([name, { inode }]) => ({
      name,
      inode: String(inode),
    }));
    for (const { from, name } of waiting) {
      const status = this.content.status(from);
      if (status === undefined) {
        throw unusable(
          join(this.#parent.path, name),
          "what had arrived was removed",
        );
      }
      inodes.push({ name, inode: String(status.inode) });
    }
    this.#write({ phase: "committing", roots: inodes });
    const done: Root[] = [];
    for (const root of waiting) {
      try {
        merge(this.content, root.from, this.#parent, root.name, {
          replace,
          mode: root.mode,
        });
        done.push(root);
      } catch (error) {
        const failure = codeOf(error) === "EEXIST"
          ? exists(pathOf(root), instead)
          : storageFailure(pathOf(root), error);
        const stayed = replace ? done.length : this.#moveBack(done);
        if (stayed > 0) {
          failure.message +=
            `; of ${waiting.length} names ${stayed} have been moved there already`;
        }
        throw failure;
      }
    }
    this.#finishModes(roots);
  }

  /**
   * Ends it when all is where it belongs.
   *
   * @param remember whether it stays, so that its owner is known again
   */
  end(remember: boolean): void {
    if (!this.#open) return;
    if (remember && this.#owned) this.#close();
    else this.#remove();
  }

  /**
   * Lets go of it.
   *
   * @param keep whether it stays for a later attempt of its owner
   * @returns whether it stays
   */
  discard(keep: boolean): boolean {
    if (!this.#open) return false;
    const stays = keep && this.#owned;
    if (stays) this.#close();
    else this.#remove();
    return stays;
  }

  /** Moves back what this attempt has moved. @returns how much of it could not be */
  #moveBack(done: Root[]): number {
    let stayed = 0;
    for (const { from, name } of done.toReversed()) {
      try {
        this.#parent.rename(name, this.content, from, { replace: false });
      } catch {
        stayed++;
      }
    }
    if (stayed === 0 && this.moved.size === 0) {
      this.#write({ phase: "receiving" });
    }
    return stayed;
  }

  /** Directories that an earlier attempt has moved may still have the mode they had before. */
  #finishModes(roots: readonly Root[]): void {
    for (const { name, mode } of roots) {
      const there = this.moved.get(name);
      const moved = there?.isDirectory
        ? there.inode
        : this.#forgotten.get(name);
      if (mode === undefined || moved === undefined) continue;
      const directory = this.#parent.openDirectory(name);
      try {
        const { inode, bits } = directory.ownStatus();
        if (inode === moved && bits === (mode | 0o700)) {
          directory.chmod(mode);
        }
      } finally {
        directory.close();
      }
    }
  }

  #write(phase: Phase): void {
    try {
      // The line before it may have been cut off
      this.#state.writeSync(lineOf(phase, "\n"));
    } catch (error) {
      throw storageFailure(this.path, error);
    }
  }

  #remove(): void {
    remove(this.#parent, this.#name, this.#directory);
    this.#close();
  }

  #close(): void {
    this.#open = false;
    this.content.close();
    this.#state.close();
    this.#directory.close();
  }
}

/** Makes a directory of a name that nobody knew. @returns the name */
function makeFresh(parent: Directory, title: string): string {
  for (let attempt = 0;; attempt++) {
    const name = stagingName(title);
    try {
      parent.makeDirectory(name, 0o700);
      return name;
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || attempt === 10) throw error;
    }
  }
}

/** Removes one that was just made and cannot be used, as after a umask of 0777. */
function removeFresh(parent: Directory, name: string): void {
  try {
    parent.removeDirectory(name);
  } catch {
    // Somebody else has it by now
  }
}

/** Removes what a transfer made; the directory by its name alone if it is empty, since the name may be another's by now. */
function remove(parent: Directory, name: string, directory: Directory): void {
  try {
    for (const own of [CONTENT, PROBE, STATE]) directory.removeTree(own);
    parent.removeDirectory(name);
  } catch {
    // What stays is nobody else's to use, and can be removed by hand
  }
}

function namesIn(directory: Directory): string[] {
  try {
    return directory.entries().names;
  } catch (error) {
    // Who may only put something there finds nothing
    if (codeOf(error) === "EACCES") return [];
    throw error;
  }
}

/** The permission bits that the umask leaves, or what stands in its place: seen by what is left of all. */
function allowedIn(directory: Directory): number {
  directory.removeTree(PROBE);
  directory.makeDirectory(PROBE, 0o777);
  const mode = directory.status(PROBE)?.mode ?? 0;
  directory.removeDirectory(PROBE);
  return mode | 0o700;
}

/** Whether something is this user's alone, as far as the system has users. */
function isPrivate(
  { owner, mode }: FileStatus,
  wanted: number,
  user: number | undefined,
): boolean {
  if (owner === undefined && user === undefined) return true;
  return owner === user && mode === wanted;
}

/** As whom this process makes files; undefined where the system has no users. */
function userOf(parent: Directory): number | undefined {
  const calls = occasionalCalls();
  if (calls !== undefined) return calls.geteuid();
  const name = makeFresh(parent, "");
  const owner = parent.status(name)?.owner;
  parent.removeDirectory(name);
  return owner;
}

function headerOf({ owner, kind, names, count }: Staged): Header {
  return {
    version: VERSION,
    key: owner?.key && sumOf(owner.key),
    code: owner?.code?.verifier(),
    kind,
    names,
    count,
  };
}

/** The phases in a state file, if that is of what is staged and of its owner. */
async function linesOf(
  state: OpenFile,
  staged: Staged,
): Promise<Phase[] | undefined> {
  const { size } = state.status();
  const bytes = new Uint8Array(size);
  await state.seek(0);
  for (let at = 0; at < size;) {
    const count = state.readSync(bytes.subarray(at));
    if (count === null) return undefined;
    at += count;
  }
  const [header, ...phases] = new TextDecoder().decode(bytes).split("\n")
    .filter((line) => line !== "").map(parsed);
  if (!isHeader(header) || !isOf(header, staged)) return undefined;
  return phases.filter(isPhase);
}

/** What is in a line; undefined for one that was cut off when the process ended. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isHeader(value: unknown): value is Header {
  const { version, kind, names, count } = (value ?? {}) as Partial<Header>;
  return version === VERSION && typeof kind === "string" &&
    Array.isArray(names) && typeof count === "number";
}

function isPhase(value: unknown): value is Phase {
  const { phase, roots = [] } = (value ?? {}) as Partial<Phase>;
  return (phase === "receiving" || phase === "committing") &&
    Array.isArray(roots);
}

function isOf(header: Header, { owner, kind, names, count }: Staged): boolean {
  const same = header.kind === kind && header.count === count &&
    header.names.length === names.length &&
    header.names.every((name, at) => name === names[at]);
  if (!same || owner === undefined) return false;
  const { key, code } = owner;
  return key !== undefined && header.key === sumOf(key) ||
    code !== undefined && typeof header.code === "string" &&
      code.matches(header.code);
}

function sumOf(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex");
}

/** What of `roots` is where it belongs. */
function movedTo(
  parent: Directory,
  roots: NonNullable<Phase["roots"]>,
): Map<string, FileStatus> {
  const moved = new Map<string, FileStatus>();
  if (roots.length === 0) return moved;
  const { device } = parent.ownStatus();
  for (const { name, inode } of roots) {
    const status = parent.status(String(name));
    if (status?.device !== device || String(status.inode) !== inode) continue;
    moved.set(name, status);
  }
  return moved;
}

function lineOf(value: Header | Phase, start = ""): Uint8Array {
  return new TextEncoder().encode(`${start}${JSON.stringify(value)}\n`);
}

function taken(path: string): StorageFailure {
  return new StorageFailure(
    "taken",
    `Cannot write ${path}: another transfer does so right now`,
  );
}
