import { createHash } from "node:crypto";
import { join } from "node:path";
import { Failure } from "../../../base/failure.ts";
import { occasionalCalls } from "../../../system/c_library.ts";
import {
  type Directory,
  type OpenFile,
  readAll,
  removeTree,
} from "../directory/directory.ts";
import { writeFailure } from "../failures.ts";
import type { FileStatus } from "../file_status.ts";
import { codeOf } from "../system_error.ts";
import { checkMerge, makeWritable, merge } from "./merging.ts";
import { isStagingName, numberedName, stagingName } from "./part_names.ts";
import { utf8 } from "../../../base/utf8.ts";

/**
 * To whom an unfinished transfer belongs: senders with this key or this code may
 * resume it, and no others learn of it.
 */
export interface Owner {
  /** A public key whose private one the sender has proved to have. */
  readonly key?: Uint8Array | undefined;
  /** The code that the sender has proved to know. */
  readonly code?: {
    /** Recognises the code and does not reveal it. */
    verifier(): string;
    /** Whether `verifier` was made from this code. */
    matches(verifier: string): boolean;
  } | undefined;
}

/** What is stored in a staging directory. */
export interface Staged {
  /** What the staging directory is named after. */
  readonly title: string;
  readonly kind: "file" | "tree";
  /** Names outside of all directories, as many as the offer has. */
  readonly names: readonly string[];
  /** How many there are. */
  readonly count: number;
  readonly owner?: Owner | undefined;
  /** Whether one that is in use is passed over. */
  readonly skipsLocked?: boolean;
}

/** An entry outside of all directories, which is to be moved to its final place. */
export interface Root {
  readonly name: string;
  /** Permission bits of a directory that has others until then. */
  readonly mode?: number | undefined;
}

/** The version of the state file. */
const STATE_VERSION = 1;
/** The largest state file that is read, in bytes. */
const MAX_STATE = 1 << 26;
/** How many names are tried. */
const MAX_NUMBER = 10_000;
const STATE = "state";
const CONTENT = "content";
const PROBE = "probe";

/** The first line of the state file. */
interface Header {
  readonly version: number;
  /** SHA-256 of the owner's key. */
  readonly key?: string | undefined;
  readonly code?: string | undefined;
  readonly kind: string;
  readonly names: readonly string[];
  readonly count: number;
}

/** Every other line. The last one that is whole counts. */
interface StagingPhase {
  readonly phase: "receiving" | "committing";
  readonly roots?: readonly MovedRoot[] | undefined;
}

/** An entry outside of all directories that is being moved. */
interface MovedRoot {
  readonly name: string;
  readonly inode: string;
  /** The name it gets, if that is another one. */
  readonly as?: string | undefined;
}

/**
 * A directory in which what arrives is stored until it is complete, beside its
 * final place. Only this user may read or write it, so what is found in it was
 * made by this transfer. Its state file is locked while it is in use.
 */
export class Staging {
  /** Where it is, for people. */
  readonly path: string;
  /** What has arrived. */
  readonly content: Directory;
  /** Whether an earlier attempt made it. */
  readonly resumed: boolean;
  /** Permission bits that the umask leaves. */
  readonly allowed: number;
  #moved: Map<string, FileStatus>;
  #roots: readonly MovedRoot[];
  #renamed = new Map<string, string>();
  /** Inodes of directories that it had moved, and that are now as if it had not. */
  #forgotten = new Map<string, FileStatus["inode"]>();
  #parent: Directory;
  #name: string;
  #directory: Directory;
  #state: OpenFile;
  #inTree: boolean;
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
      roots?: StagingPhase["roots"] | undefined;
    },
  ) {
    this.path = join(parent.path, name);
    this.content = directory.openDirectory(CONTENT);
    this.resumed = roots !== undefined;
    this.allowed = allowedIn(directory);
    this.#roots = roots ?? [];
    this.#moved = movedTo(
      parent,
      this.#roots.filter(({ as }) => as === undefined),
    );
    this.#parent = parent;
    this.#name = name;
    this.#directory = directory;
    this.#state = state;
    this.#inTree = staged.kind === "tree";
    const { key, code } = staged.owner ?? {};
    this.#owned = key !== undefined || code !== undefined;
  }

  /**
   * Opens what an earlier attempt of the same owner left in `parent`.
   *
   * @returns undefined if there is nothing
   * @throws {Failure} `in-use`
   */
  static async find(
    parent: Directory,
    staged: Staged,
  ): Promise<Staging | undefined> {
    for (const name of namesIn(parent)) {
      if (!isStagingName(name, staged.title)) continue;
      const found = await Staging.#reopen(parent, name, staged);
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
      // Another user who may rename things in `parent` could have replaced it
      const { owner } = directory.ownStatus();
      if (owner !== state.status().owner || namesIn(directory).length > 1) {
        const path = join(parent.path, name);
        throw new Failure({ code: "staging-replaced", path });
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

  /** Makes one in `parent` and removes it. Throws what the system throws. */
  static probe(parent: Directory, title: string): void {
    parent.removeDirectory(makeFresh(parent, title));
  }

  static async #reopen(
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
      if (await stateLinesOf(state, staged) === undefined) return undefined;
      if (!await state.lock()) {
        if (staged.skipsLocked) return undefined;
        const path = join(parent.path, staged.title);
        throw new Failure({ code: "in-use", path });
      }
      // Another process may have ended it before it was locked
      const lines = await stateLinesOf(state, staged);
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
      if (error instanceof Failure) throw error;
      // It is not this transfer's
      return undefined;
    } finally {
      if (result === undefined) state?.close();
      if (result === undefined) directory?.close();
    }
  }

  /** What an earlier attempt has moved to its final place, by name. */
  get moved(): ReadonlyMap<string, FileStatus> {
    return this.#moved;
  }

  /** Names that have got others when they were moved. */
  get renamed(): ReadonlyMap<string, string> {
    return this.#renamed;
  }

  /** Moves what an earlier attempt has moved back to what is staged, so that it is moved once more. */
  takeBack(): void {
    const { device } = this.#parent.ownStatus();
    for (const { name, inode, as = name } of this.#roots) {
      const there = this.#parent.status(as);
      if (there?.device !== device || String(there.inode) !== inode) continue;
      if (there.isDirectory) makeWritable(this.#parent, as, there);
      this.#parent.rename(as, this.content, name, { replace: false });
    }
    this.#moved.clear();
  }

  /** Treats what was moved as everything else that is there. */
  forgetMoved(): void {
    for (const [name, { isDirectory, inode }] of this.#moved) {
      if (isDirectory) this.#forgotten.set(name, inode);
    }
    this.#moved.clear();
  }

  /**
   * Moves what is complete to its final place: all of it, or nothing as far as
   * that is possible. It is synchronous, so that nothing else happens meanwhile.
   *
   * @param roots all that is in `content`, and what was moved
   * @param options.replace whether files that are there are replaced
   * @param options.rename whether names that are taken get a number
   * @param options.mayExist directories that may be merged into without replacing; undefined: any
   * @throws {Failure} if that cannot be done; what is not moved stays
   */
  commit(
    roots: readonly Root[],
    { replace, rename = false, mayExist }: {
      replace: boolean;
      rename?: boolean;
      mayExist?: ReadonlySet<string> | undefined;
    },
  ): void {
    if (rename) return this.#commitRenamed(roots);
    const waiting = roots.filter(({ name }) => !this.moved.has(name));
    for (const { name } of waiting) {
      const inTree = this.#inTree;
      const unvouched = mayExist?.has(name) === false;
      if (unvouched && !replace && this.#parent.status(name) !== undefined) {
        const path = join(this.#parent.path, name);
        throw existsFailure(path, inTree, unvouched);
      }
      checkMerge(this.content, this.#parent, name, { replace, inTree });
    }
    const inodes = [...this.moved].map(([name, { inode }]) => ({
      name,
      inode: String(inode),
    }));
    for (const { name } of waiting) {
      const status = this.content.status(name);
      if (status === undefined) {
        const path = join(this.#parent.path, name);
        throw new Failure({ code: "partial-removed", path });
      }
      inodes.push({ name, inode: String(status.inode) });
    }
    this.#write({ phase: "committing", roots: inodes });
    const done: Root[] = [];
    let merged = 0;
    for (const root of waiting) {
      const { name, mode } = root;
      const isThere = this.#parent.status(name) !== undefined;
      try {
        merge(this.content, this.#parent, name, { replace, mode });
        if (isThere) merged++;
        else done.push(root);
      } catch (error) {
        const failure = codeOf(error) === "EEXIST"
          ? this.#exists(name)
          : writeFailure(join(this.#parent.path, name), error);
        const stayed = replace ? done.length : this.#moveBack(done);
        const count = merged + stayed;
        const moved = { count, of: waiting.length };
        throw count > 0 ? failure.with({ moved }) : failure;
      }
    }
    this.#finishModes(roots);
  }

  /** Moves what is complete to names that nothing has. */
  #commitRenamed(roots: readonly Root[]): void {
    const done: MovedRoot[] = [];
    for (const { name, mode } of roots) {
      const ours = this.content.status(name);
      if (ours === undefined) {
        const path = join(this.#parent.path, name);
        throw new Failure({ code: "partial-removed", path });
      }
      for (let number = 1;; number++) {
        const as = number === 1
          ? name
          : numberedName(name, number, ours.isDirectory);
        if (this.#parent.status(as) !== undefined) {
          if (number > MAX_NUMBER) throw this.#exists(name);
          continue;
        }
        const root = { name, inode: String(ours.inode), as };
        // It has to be found again, wherever this process ends
        this.#write({ phase: "committing", roots: [...done, root] });
        try {
          merge(this.content, this.#parent, name, {
            replace: false,
            mode,
            as,
          });
          done.push(root);
          this.#renamed.set(name, as);
          break;
        } catch (error) {
          // Somebody else has come to have it
          if (codeOf(error) === "EEXIST" && number <= MAX_NUMBER) continue;
          throw writeFailure(join(this.#parent.path, as), error);
        }
      }
    }
  }

  /**
   * Ends it when all is in its final place.
   *
   * @param remember whether it stays, so that its owner is recognised
   */
  end(remember: boolean): void {
    if (!this.#open) return;
    if (remember && this.#owned) this.#close();
    else this.#remove();
  }

  /**
   * Closes it before its end.
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

  /** Moves back what this attempt has moved. @returns how many could not be */
  #moveBack(done: Root[]): number {
    let stayed = 0;
    for (const { name } of done.toReversed()) {
      try {
        this.#parent.rename(name, this.content, name, { replace: false });
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
      using directory = this.#parent.openDirectory(name);
      const { inode, bits } = directory.ownStatus();
      if (inode === moved && bits === (mode | 0o700)) directory.chmod(mode);
    }
  }

  #exists(name: string): Failure {
    const path = join(this.#parent.path, name);
    return new Failure({ code: "exists", path, inTree: this.#inTree });
  }

  #write(phase: StagingPhase): void {
    try {
      // The line before it may have been cut off
      this.#state.writeSync(lineOf(phase, "\n"));
    } catch (error) {
      throw writeFailure(this.path, error);
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

/** Something is there that is neither replaced, added to nor kept. */
export function existsFailure(
  path: string,
  inTree: boolean,
  unvouched: boolean,
): Failure {
  return new Failure({
    code: "exists",
    path,
    inTree,
    ...unvouched && { unvouched },
  });
}

/** Makes a directory of a random name. @returns the name */
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

/** Removes a directory that was just made and cannot be used, as with a umask of 0777. */
function removeFresh(parent: Directory, name: string): void {
  try {
    parent.removeDirectory(name);
  } catch {
    // Another user has replaced it
  }
}

/** Removes what a transfer made; the directory itself only if it is empty, since its name may be another's by now. */
function remove(parent: Directory, name: string, directory: Directory): void {
  try {
    for (const own of [CONTENT, PROBE, STATE]) removeTree(directory, own);
    parent.removeDirectory(name);
  } catch {
    // What stays is private, and can be removed by hand
  }
}

function namesIn(directory: Directory): string[] {
  try {
    return directory.entries().names;
  } catch (error) {
    // In a directory that may only be written nothing is found
    if (codeOf(error) === "EACCES") return [];
    throw error;
  }
}

/** Permission bits that the umask, or a default ACL, leaves: found by making a directory with all of them. */
function allowedIn(directory: Directory): number {
  removeTree(directory, PROBE);
  directory.makeDirectory(PROBE, 0o777);
  const mode = directory.status(PROBE)?.mode ?? 0;
  directory.removeDirectory(PROBE);
  return mode | 0o700;
}

/** Whether something is this user's and has the mode `wanted`, as far as the system has users. */
function isPrivate(
  { owner, mode }: FileStatus,
  wanted: number,
  user: number | undefined,
): boolean {
  if (owner === undefined && user === undefined) return true;
  return owner === user && mode === wanted;
}

/** The user that owns what this process makes; undefined where the system has no users. */
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
    version: STATE_VERSION,
    key: owner?.key && sumOf(owner.key),
    code: owner?.code?.verifier(),
    kind,
    names,
    count,
  };
}

/** Reads the phases in a state file, if it belongs to what is staged and to its owner. */
async function stateLinesOf(
  state: OpenFile,
  staged: Staged,
): Promise<StagingPhase[] | undefined> {
  const { size } = state.status();
  const bytes = new Uint8Array(size);
  await state.seek(0);
  if (readAll(state, bytes) < size) return undefined;
  const [header, ...phases] = new TextDecoder().decode(bytes).split("\n")
    .filter((line) => line !== "").map(parsed);
  if (!isHeader(header) || !isOf(header, staged)) return undefined;
  return phases.filter(isPhase);
}

/** Parses a line; undefined for one that was cut off when the process ended. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isHeader(value: unknown): value is Header {
  const { version, kind, names, count } = (value ?? {}) as Partial<Header>;
  return version === STATE_VERSION && typeof kind === "string" &&
    Array.isArray(names) && typeof count === "number";
}

function isPhase(value: unknown): value is StagingPhase {
  const { phase, roots = [] } = (value ?? {}) as Partial<StagingPhase>;
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

/** Finds what of `roots` is in its final place. */
function movedTo(
  parent: Directory,
  roots: NonNullable<StagingPhase["roots"]>,
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

function lineOf(value: Header | StagingPhase, start = ""): Uint8Array {
  return utf8(`${start}${JSON.stringify(value)}\n`);
}
