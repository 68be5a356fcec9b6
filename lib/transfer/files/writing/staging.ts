import { join } from "node:path";
import { Failure } from "../../../base/failure.ts";
import { occasionalCalls } from "../../../system/c_library.ts";
import {
  type Directory,
  makeWritable,
  type OpenFile,
  OWNER_ALL,
  removeTree,
} from "../directory/directory.ts";
import { writeFailure } from "../failures.ts";
import type { FileStatus } from "../file_status.ts";
import { codeOf } from "../system_error.ts";
import { checkMerge, merge } from "./merging.ts";
import { numberedName } from "./numbered_name.ts";
import { isStagingName, stagingName } from "./part_names.ts";
import {
  type MovedRoot,
  readPhase,
  type StagingPhase,
  writeHeader,
  writePhase,
} from "./state_file.ts";
import { existsFailure, isUntouchable, type Target } from "./target.ts";

/** An entry outside of all directories, which is to be moved to its final place. */
export interface Root {
  readonly name: string;
  /** Permission bits of a directory that has others until then. */
  readonly mode?: number | undefined;
}

/** What an earlier attempt has moved, and under which name. */
interface Moved {
  readonly as: string;
  readonly status: FileStatus;
}

/** The largest state file that is read, in bytes. */
const MAX_STATE = 1 << 26;
/** How many names are tried. */
const MAX_NUMBER = 10_000;
const STATE = "state";
const CONTENT = "content";
const PROBE = "probe";

/**
 * A directory in which what arrives is stored until it is complete, beside its
 * final place. Only this user may read or write it, so what is found in it was
 * made by this transfer. Its state file is locked while it is in use.
 */
export class Staging {
  readonly target: Target;
  /** Where it is, for people. */
  readonly path: string;
  /** What has arrived. */
  readonly content: Directory;
  /** Whether an earlier attempt made it. */
  readonly resumed: boolean;
  /** Permission bits that the umask leaves. */
  readonly allowed: number;
  /** What an earlier attempt has moved to its final place, and this one does not touch, by name. */
  readonly moved: ReadonlyMap<string, FileStatus>;
  #earlier: ReadonlyMap<string, Moved>;
  #renamed = new Map<string, string>();
  #name: string;
  #directory: Directory;
  #state: OpenFile;
  #open = true;

  /** Use {@linkcode Staging.find} or {@linkcode Staging.make}. */
  private constructor(
    target: Target,
    name: string,
    { directory, state, phase }: {
      directory: Directory;
      state: OpenFile;
      /** How far it was; undefined for a new one. */
      phase?: StagingPhase;
    },
  ) {
    const { parent, force, rename } = target;
    this.target = target;
    this.path = join(parent.path, name);
    this.content = directory.openDirectory(CONTENT);
    this.resumed = phase !== undefined;
    this.allowed = allowedIn(directory);
    this.#earlier = movedTo(parent, phase?.roots ?? []);
    // With force, what was moved is as everything that is there
    const untouched = force || rename ? [] : [...this.#earlier];
    this.moved = new Map(
      untouched.filter(([name, { as }]) => as === name)
        .map(([name, { status }]) => [name, status]),
    );
    this.#name = name;
    this.#directory = directory;
    this.#state = state;
  }

  /**
   * Opens what an earlier attempt of the same owner left.
   *
   * @returns undefined if there is nothing
   * @throws {Failure} `in-use`
   */
  static async find(target: Target): Promise<Staging | undefined> {
    for (const name of namesIn(target.parent)) {
      if (!isStagingName(name, target.title)) continue;
      const found = await Staging.#reopen(target, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Makes a new one. Throws what the system throws. */
  static async make(target: Target): Promise<Staging> {
    const { parent } = target;
    const name = makeFresh(parent, target.title);
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
      writeHeader(state, target);
      directory.makeDirectory(CONTENT, 0o700);
      return new Staging(target, name, { directory, state });
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
    target: Target,
    name: string,
  ): Promise<Staging | undefined> {
    const { parent } = target;
    using opened = new DisposableStack();
    try {
      const directory = opened.use(parent.openDirectory(name));
      const user = userOf(parent);
      if (!isPrivate(directory.ownStatus(), 0o700, user)) return undefined;
      const state = opened.use(directory.openFile(STATE, "both"));
      const { isFile, links, size } = state.status();
      if (!isFile || links !== 1 || size > MAX_STATE) return undefined;
      if (!isPrivate(state.status(), 0o600, user)) return undefined;
      if (await readPhase(state, target) === undefined) return undefined;
      if (!await state.lock()) {
        if (target.rename) return undefined;
        const path = join(parent.path, target.title);
        throw new Failure({ code: "in-use", path });
      }
      // Another process may have ended it before it was locked
      const phase = await readPhase(state, target);
      const there = parent.status(name)?.inode === directory.ownStatus().inode;
      if (phase === undefined || !there || state.status().links !== 1) {
        return undefined;
      }
      // It is the last to be made, and the first to be removed
      if (directory.status(CONTENT) === undefined) {
        directory.makeDirectory(CONTENT, 0o700);
      }
      const staging = new Staging(target, name, { directory, state, phase });
      opened.move();
      return staging;
    } catch (error) {
      if (error instanceof Failure) throw error;
      // It is not this transfer's
      return undefined;
    }
  }

  /** The name that an entry outside of all directories has got when it was moved. */
  finalName(name: string): string {
    return this.#renamed.get(name) ?? name;
  }

  /** Moves what an earlier attempt has moved back to what is staged, so that it is moved once more. */
  takeBack(): void {
    const { parent } = this.target;
    for (const [name, { as, status }] of this.#earlier) {
      if (status.isDirectory) makeWritable(parent, as, status);
      parent.rename(as, this.content, name, { replace: false });
    }
  }

  /**
   * Moves what is complete to its final place: all of it, or nothing as far as
   * that is possible. It is synchronous, so that nothing else happens meanwhile.
   *
   * @param roots all that is in `content`, and what was moved
   * @throws {Failure} if that cannot be done; what is not moved stays
   */
  commit(roots: readonly Root[]): void {
    const { parent, kind, force: replace, rename } = this.target;
    if (rename) return this.#commitRenamed(roots);
    const waiting = roots.filter(({ name }) => !this.moved.has(name));
    for (const { name } of waiting) {
      const isThere = parent.status(name) !== undefined;
      if (isThere && isUntouchable(this.target, name)) throw this.#exists(name);
      const inTree = kind === "tree";
      checkMerge(this.content, parent, name, { replace, inTree });
    }
    const inodes = [...this.moved].map(([name, status]) =>
      movedRoot(name, status)
    );
    for (const { name } of waiting) {
      inodes.push(movedRoot(name, this.#stagedStatus(name)));
    }
    this.#write({ phase: "committing", roots: inodes });
    const done: Root[] = [];
    let merged = 0;
    for (const root of waiting) {
      const { name, mode } = root;
      const isThere = parent.status(name) !== undefined;
      try {
        merge(this.content, parent, name, { replace, mode });
        if (isThere) merged++;
        else done.push(root);
      } catch (error) {
        const failure = codeOf(error) === "EEXIST"
          ? this.#exists(name)
          : writeFailure(join(parent.path, name), error);
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
    const { parent } = this.target;
    const done: MovedRoot[] = [];
    for (const { name, mode } of roots) {
      const ours = this.#stagedStatus(name);
      for (let number = 1;; number++) {
        const as = number === 1
          ? name
          : numberedName(name, number, ours.isDirectory);
        if (parent.status(as) !== undefined) {
          if (number > MAX_NUMBER) throw this.#exists(name);
          continue;
        }
        const root = { ...movedRoot(name, ours), as };
        // It has to be found again, wherever this process ends
        this.#write({ phase: "committing", roots: [...done, root] });
        try {
          merge(this.content, parent, name, { replace: false, mode, as });
          done.push(root);
          this.#renamed.set(name, as);
          break;
        } catch (error) {
          // Somebody else has come to have it
          if (codeOf(error) === "EEXIST" && number <= MAX_NUMBER) continue;
          throw writeFailure(join(parent.path, as), error);
        }
      }
    }
  }

  /**
   * Ends it, once.
   *
   * @param keep whether it stays for a later attempt of its owner
   * @returns whether it stays
   */
  end(keep: boolean): boolean {
    if (!this.#open) return false;
    const { owner } = this.target;
    const stays = keep && (owner?.key ?? owner?.code) !== undefined;
    if (!stays) remove(this.target.parent, this.#name, this.#directory);
    this.#open = false;
    this.content.close();
    this.#state.close();
    this.#directory.close();
    return stays;
  }

  /** Moves back what this attempt has moved. @returns how many could not be */
  #moveBack(done: Root[]): number {
    let stayed = 0;
    for (const { name } of done.toReversed()) {
      try {
        this.target.parent.rename(name, this.content, name, { replace: false });
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
      const moved = this.#earlier.get(name);
      if (mode === undefined || moved?.as !== name) continue;
      if (!moved.status.isDirectory) continue;
      using directory = this.target.parent.openDirectory(name);
      const { inode, bits } = directory.ownStatus();
      const isUnfinished = bits === (mode | OWNER_ALL);
      if (inode === moved.status.inode && isUnfinished) directory.chmod(mode);
    }
  }

  #stagedStatus(name: string): FileStatus {
    const status = this.content.status(name);
    if (status !== undefined) return status;
    const path = join(this.target.parent.path, name);
    throw new Failure({ code: "partial-removed", path });
  }

  #exists(name: string): Failure {
    return existsFailure(this.target, name);
  }

  #write(phase: StagingPhase): void {
    try {
      writePhase(this.#state, phase);
    } catch (error) {
      throw writeFailure(this.path, error);
    }
  }
}

function movedRoot(name: string, { inode }: FileStatus): MovedRoot {
  return { name, inode: String(inode) };
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
  return mode | OWNER_ALL;
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

/** Finds what of `roots` is in its final place. */
function movedTo(
  parent: Directory,
  roots: readonly MovedRoot[],
): Map<string, Moved> {
  const moved = new Map<string, Moved>();
  if (roots.length === 0) return moved;
  const { device } = parent.ownStatus();
  for (const { name, inode, as = name } of roots) {
    const status = parent.status(String(as));
    if (status?.device !== device || String(status.inode) !== inode) continue;
    moved.set(name, { as, status });
  }
  return moved;
}
