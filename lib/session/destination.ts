import { join } from "node:path";
import { Failure } from "../base/failure.ts";
import {
  type Sink,
  StorageFailure,
  type TreeSink,
} from "../transfer/content.ts";
import { FileSink } from "../transfer/files/writing/file_sink.ts";
import { openDirectory } from "../transfer/files/directory/directory.ts";
import { checkReach } from "../transfer/files/file_status.ts";
import { StdoutSink } from "../transfer/files/reading/standard_streams.ts";
import type { Owner } from "../transfer/files/writing/staging.ts";
import { checkSystemName } from "../transfer/files/directory/system_names.ts";
import { FileTreeSink } from "../transfer/files/writing/tree_sink.ts";
import type { Offer } from "../transfer/wire/messages.ts";
import { storageFailure } from "../transfer/system_errors.ts";
import { StreamSink } from "./streams.ts";

/** Where content is stored, which is known to be usable. */
export interface ResolvedDestination {
  /** Whether content is stored under the names that the sender gives. */
  readonly takesNames: boolean;
  /** The path under which `offer` is stored; undefined: a stream. */
  pathFor(offer: Offer): string | undefined;
  /** Opens it for `offer`, which belongs to `owner` for as long as it is unfinished. */
  open(offer: Offer, owner: Owner): Promise<Sink | TreeSink>;
}

/** Where received content goes: a directory, a file, a stream, or anything else that can be written. */
export type Destination =
  | {
    /** Content is saved in it under the names that the sender gives. */
    readonly directory: string;
    /** Whether existing files are replaced. */
    readonly force?: boolean;
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
    return toStream(() => new StreamSink(to), "a stream");
  }
  if ("open" in to) return to;
  const { force = false } = to;
  if ("file" in to) return oneFile(to.file, force);
  return await inDirectory(to.directory, force);
}

/** Standard output. */
export function standardOutput(): ResolvedDestination {
  return toStream(() => new StdoutSink(), "standard output");
}

function toStream(open: () => Sink, name: string): ResolvedDestination {
  return {
    takesNames: false,
    pathFor: () => undefined,
    // deno-lint-ignore require-await -- what it throws is a rejection
    open: async (offer) => {
      if (offer.tree !== undefined) throw noTree(name);
      return open();
    },
  };
}

function oneFile(path: string, force: boolean): ResolvedDestination {
  try {
    FileSink.check(path, { force });
  } catch (error) {
    asInput(error);
  }
  return {
    takesNames: false,
    pathFor: () => path,
    open: async (offer, owner) => {
      if (offer.tree !== undefined) throw noTree(path);
      return await FileSink.create(path, offer, { force, owner });
    },
  };
}

async function inDirectory(
  path: string,
  force: boolean,
): Promise<ResolvedDestination> {
  try {
    openDirectory(path).close();
  } catch {
    throw new Failure({ code: "no-directory", path });
  }
  await checkReach(path).catch((error) => asInput(storageFailure(path, error)));
  const unnamed = freshName(streamName(new Date()));
  const pathFor = ({ name, tree }: Offer) =>
    tree !== undefined && tree.count > 1 ? path : join(path, name ?? unnamed);
  return {
    takesNames: true,
    pathFor,
    open: async (offer, owner) => {
      const options = { force, owner };
      if (offer.tree !== undefined) {
        return await FileTreeSink.create(path, offer, options);
      }
      if (offer.name !== undefined) {
        checkSystemName(offer.name, Deno.build.os);
      }
      return await FileSink.create(pathFor(offer), offer, options);
    },
  };
}

const usedNames = new Set<string>();

/** Makes a name unique within this process: several streams may come within a second. */
function freshName(name: string): string {
  let fresh = name;
  for (let count = 2; usedNames.has(fresh); count++) fresh = `${name}-${count}`;
  usedNames.add(fresh);
  return fresh;
}

function noTree(place: string): StorageFailure {
  return new StorageFailure(
    "tree",
    `Cannot write several files or a directory to ${place}; use -d DIR`,
  );
}

/** The name of a stream that is saved: `ferry-20260131-235959`. */
export function streamName(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [time.getFullYear(), time.getMonth() + 1, time.getDate()];
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return `ferry-${day.map(two).join("")}-${clock.map(two).join("")}`;
}

/** A destination that cannot be used from the start is bad input, not a failed transfer. */
function asInput(error: unknown): never {
  if (!(error instanceof Failure)) throw error;
  throw error.with({ atStart: true });
}
