import { join } from "node:path";
import { Failure } from "../../../base/failure.ts";
import type { Directory } from "../directory/directory.ts";

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

/** What is stored in a directory, and what may become of what is there. */
export interface Target {
  /** Where it is going to be. */
  readonly parent: Directory;
  /** What a staging directory is named after. */
  readonly title: string;
  readonly kind: "file" | "tree";
  /** Names outside of all directories, as many as the offer has. */
  readonly names: readonly string[];
  /** How many there are. */
  readonly count: number;
  /** The name of a file or stream, in place of the sender's. */
  readonly as?: string | undefined;
  /** Whether files that are there, and are not the same, are replaced. */
  readonly force: boolean;
  /** Whether names that are taken get a number. */
  readonly rename: boolean;
  readonly owner?: Owner | undefined;
  /** The top-level names of what may be added to or compared; undefined: any. */
  readonly mayExist?: ReadonlySet<string> | undefined;
}

/** Whether what has this name at the top is neither replaced, added to nor compared. */
export function isUntouchable(
  { force, mayExist }: Pick<Target, "force" | "mayExist">,
  top: string,
): boolean {
  return !force && mayExist?.has(top) === false;
}

/** Something is there that is neither replaced, added to nor kept. @param below its path from `parent` */
export function existsFailure(target: Target, below: string): Failure {
  const { parent, kind } = target;
  const [top = below] = below.split("/");
  return new Failure({
    code: "exists",
    path: join(parent.path, below),
    inTree: kind === "tree",
    ...isUntouchable(target, top) && { unvouched: true },
  });
}

/**
 * Checks a name at the top before anything comes.
 *
 * @param size of a file that can be compared with what is there
 * @throws {Failure} if nothing can or must be put there
 */
export function checkTop(target: Target, name: string, size?: number): void {
  const { parent, kind, as, force } = target;
  const status = parent.status(name);
  if (status === undefined) return;
  const path = join(parent.path, name);
  if (kind === "file" && status.isDirectory) {
    const asFile = as !== undefined;
    throw new Failure({ code: "is-directory", path, asFile });
  }
  if (kind === "file" && !status.isFile && !leadsToFile(path)) {
    throw new Failure({ code: "is-special", path });
  }
  const mayBeSame = !isUntouchable(target, name) &&
    (kind === "tree" || status.isFile && status.size === size);
  if (!force && !mayBeSame) throw existsFailure(target, name);
}

/** Whether `path` is a link, to a regular file or to nothing. */
function leadsToFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
