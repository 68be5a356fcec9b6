import { basename, dirname, join } from "node:path";
import { Failure } from "../base/failure.ts";
import { DescriptorDirectory } from "../transfer/files/directory/descriptor_directory.ts";
import { openDirectory } from "../transfer/files/directory/open_directory.ts";
import { writeFailure } from "../transfer/files/failures.ts";
import { checkReach } from "../transfer/files/file_status.ts";
import { outputSink } from "../transfer/files/standard_streams.ts";
import { DirectorySink } from "../transfer/files/writing/directory_sink.ts";
import type { Owner } from "../transfer/files/writing/target.ts";
import type { Sink } from "../transfer/sink.ts";
import type { Offer } from "../transfer/wire/messages.ts";
import { streamSink } from "./streams.ts";

/** Where content is stored, which is known to be usable. */
export interface ResolvedDestination {
  /** Whether content is stored under the names that the sender gives. */
  readonly takesNames: boolean;
  /** The path under which `offer` is stored; undefined: a stream. */
  pathFor(offer: Offer): string | undefined;
  /** Whether several transfers may have one name, of which all but the first get others. */
  readonly sharesNames?: boolean;
  /** The top-level names in `offer` that are there already, and that concern it. */
  existing?(offer: Offer): readonly string[];
  /** Whether files that are there and differ are replaced. */
  readonly replaces?: boolean;
  /**
   * Opens it for `offer`, which belongs to `owner` for as long as it is unfinished.
   *
   * @param mayExist the top-level names that may be there already without being
   * replaced; any by default
   */
  open(
    offer: Offer,
    owner: Owner,
    mayExist?: ReadonlySet<string>,
  ): Promise<Sink>;
}

/** Where received content goes: a directory, a file, a stream, or anything else that can be written. */
export type Destination =
  | {
    /** Content is saved in it under the names that the sender gives. */
    readonly directory: string;
    /** Whether existing files that are not the same are replaced. */
    readonly force?: boolean;
    /** Whether what has a name that is taken gets a number: `photo (2).jpg`. */
    readonly rename?: boolean;
  }
  | { readonly file: string; readonly force?: boolean }
  | WritableStream<Uint8Array>
  | ResolvedDestination;

/**
 * Checks a destination before a sender comes.
 *
 * @throws {Failure} if nothing can be stored there
 */
export async function resolveDestination(
  to: Destination,
): Promise<ResolvedDestination> {
  if (to instanceof WritableStream) {
    return toStream(() => streamSink(to));
  }
  if (typeof to !== "object" || to === null) {
    throw new TypeError(
      `The destination is an object, as { directory: ... }, not ${to}`,
    );
  }
  if ("open" in to) return to;
  const { force = false } = to;
  if ("file" in to) return oneFile(to.file, force);
  const { directory, rename = false } = to;
  return await inDirectory(directory, { force, rename });
}

export function standardOutput(): ResolvedDestination {
  return toStream(outputSink, "standard output");
}

function toStream(open: () => Sink, name?: string): ResolvedDestination {
  return toSingle(undefined, name, () => Promise.resolve(open()));
}

function oneFile(path: string, force: boolean): ResolvedDestination {
  try {
    DirectorySink.check(path, { force });
  } catch (error) {
    asInput(error);
  }
  return toSingle(path, path, (offer, owner, mayExist) => {
    const as = basename(path);
    const options = { force, owner, as, mayExist };
    return DirectorySink.create(dirname(path), offer, options);
  });
}

/** What takes no tree, under whatever name. */
function toSingle(
  path: string | undefined,
  name: string | undefined,
  open: ResolvedDestination["open"],
): ResolvedDestination {
  return {
    takesNames: false,
    pathFor: () => path,
    open: async (offer, ...rest) => {
      if (offer.kind === "tree") {
        throw new Failure({ code: "needs-directory", path: name });
      }
      return await open(offer, ...rest);
    },
  };
}

async function inDirectory(
  path: string,
  options: { force: boolean; rename: boolean },
): Promise<ResolvedDestination> {
  try {
    openDirectory(path).close();
  } catch {
    throw new Failure({ code: "no-directory", path });
  }
  if (!DescriptorDirectory.isPossible) {
    await checkReach(path).catch((error) => asInput(writeFailure(path, error)));
  }
  let unnamed: string | undefined;
  const nameOfStream = () => unnamed ??= freshName(streamName(new Date()));
  const pathFor = ({ count, names: [name = nameOfStream()] }: Offer) =>
    count > 1 ? path : join(path, name);
  return {
    takesNames: true,
    pathFor,
    existing: ({ names }) =>
      options.rename ? [] : names.filter((name) => isThere(join(path, name))),
    replaces: options.force,
    open: async (offer, owner, mayExist) => {
      const as = offer.kind === "stream" ? nameOfStream() : undefined;
      return await DirectorySink.create(path, offer, {
        ...options,
        owner,
        as,
        mayExist,
      });
    },
    sharesNames: options.rename,
  };
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

const usedNames = new Set<string>();

/** Makes a name unique within this process: several streams may come within a second. */
function freshName(name: string): string {
  let fresh = name;
  for (let count = 2; usedNames.has(fresh); count++) fresh = `${name}-${count}`;
  usedNames.add(fresh);
  return fresh;
}

/** The name of a stream that is saved: `ferry-20260131-235959`. */
export function streamName(time: Date): string {
  const local = time.getTime() - 60_000 * time.getTimezoneOffset();
  const [day = "", clock = ""] = new Date(local).toISOString().split(/[T.]/);
  return `ferry-${day.replaceAll("-", "")}-${clock.replaceAll(":", "")}`;
}

/** A destination that cannot be used from the start is bad input, not a failed transfer. */
function asInput(error: unknown): never {
  if (!(error instanceof Failure)) throw error;
  throw error.with({ atStart: true });
}
