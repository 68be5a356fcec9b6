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

/** Where what is received goes to, as whoever receives says. */
export interface Target {
  /** Whether what comes is stored under the names that the sender gives. */
  readonly takesNames: boolean;
  /** The path under which `offer` is stored; undefined: a stream. */
  pathFor(offer: Offer): string | undefined;
  /** Opens it for `offer`, which belongs to `owner` for as long as it is unfinished. */
  open(offer: Offer, owner: Owner): Promise<Sink | TreeSink>;
  /** Leaves nothing behind of a transfer that never began. */
  discard(): void;
}

/** Where what is received goes to: a directory, a file, or a stream. */
export type Destination =
  | {
    /** What comes is saved in it, under the name it is sent with. */
    readonly directory: string;
    /** Whether what is there is replaced. */
    readonly force?: boolean;
  }
  | { readonly file: string; readonly force?: boolean }
  | WritableStream<Uint8Array>
  | Target;

/**
 * Finds where to store what comes, before anybody sends it.
 *
 * @throws {Failure} `input` if nothing can be stored there
 */
export async function openTarget(to: Destination): Promise<Target> {
  if (to instanceof WritableStream) {
    return toStream(() => new StreamSink(to), "a stream");
  }
  if ("open" in to) return to;
  const { force = false } = to;
  if ("file" in to) return oneFile(to.file, force);
  return await inDirectory(to.directory, force);
}

/** Standard output. */
export function standardOutput(): Target {
  return toStream(() => new StdoutSink(), "standard output");
}

function toStream(open: () => Sink, name: string): Target {
  return {
    takesNames: false,
    pathFor: () => undefined,
    // deno-lint-ignore require-await -- what it throws is a rejection
    open: async (offer) => {
      if (offer.tree !== undefined) throw noTree(name);
      return open();
    },
    discard: () => {},
  };
}

function oneFile(path: string, force: boolean): Target {
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
    discard: () => {},
  };
}

async function inDirectory(path: string, force: boolean): Promise<Target> {
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
    discard: () => {},
  };
}

const given = new Set<string>();

/** A name for a stream that no other one of this process got, within the same second. */
function freshName(name: string): string {
  let fresh = name;
  for (let count = 2; given.has(fresh); count++) fresh = `${name}-${count}`;
  given.add(fresh);
  return fresh;
}

function noTree(place: string): StorageFailure {
  return new StorageFailure(
    "tree",
    `Cannot write several files or a directory to ${place}; use -d DIR`,
  );
}

/** What a stream without a name is saved as: `ferry-20260131-235959`. */
export function streamName(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [time.getFullYear(), time.getMonth() + 1, time.getDate()];
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return `ferry-${day.map(two).join("")}-${clock.map(two).join("")}`;
}

/** What cannot be used from the start is bad input, and not a transfer that failed. */
function asInput(error: unknown): never {
  if (!(error instanceof Failure)) throw error;
  throw error.with({ atStart: true });
}
