import { join } from "node:path";
import { Failure } from "../base/failure.ts";
import type { Sink } from "../transfer/content.ts";
import { FileSink, StdoutSink } from "../transfer/files.ts";
import type { Offer } from "../transfer/messages.ts";
import type { ReceiveCommand } from "./args.ts";

/** Where what is received goes to, as the command line says. */
export interface Target {
  /** The path under which `offer` is stored; undefined: standard output. */
  pathFor(offer: Offer): string | undefined;
  /** Opens it for `offer`. */
  open(offer: Offer): Promise<Sink>;
  /** Leaves nothing behind of a transfer that never began. */
  discard(): void;
}

/**
 * Finds where to store what comes, before anybody sends it.
 *
 * @throws {Failure} `input` if nothing can be stored there
 */
export async function openTarget(command: ReceiveCommand): Promise<Target> {
  const { output, directory } = command;
  if (output === "-") return standardOutput();
  if (output !== undefined) return await oneFile(output, command.force);
  if (directory === undefined && !Deno.stdout.isTerminal()) {
    return standardOutput();
  }
  return await inDirectory(directory ?? ".", command.force);
}

function standardOutput(): Target {
  return {
    pathFor: () => undefined,
    open: () => Promise.resolve(new StdoutSink()),
    discard: () => {},
  };
}

async function oneFile(path: string, force: boolean): Promise<Target> {
  const sink = await FileSink.create(path, { force }).catch(asInput);
  return {
    pathFor: () => path,
    open: async (offer) => {
      await sink.adopt(offer);
      return sink;
    },
    discard: () => sink.discard(),
  };
}

async function inDirectory(path: string, force: boolean): Promise<Target> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (info?.isDirectory !== true) {
    throw new Failure("input", `There is no directory ${path}`);
  }
  const unnamed = streamName(new Date());
  const pathFor = (offer: Offer) => join(path, offer.name ?? unnamed);
  return {
    pathFor,
    open: async (offer) => {
      const sink = await FileSink.create(pathFor(offer), { force });
      try {
        await sink.adopt(offer);
      } catch (error) {
        sink.discard();
        throw error;
      }
      return sink;
    },
    discard: () => {},
  };
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
  throw new Failure("input", error.message, { cause: error });
}
