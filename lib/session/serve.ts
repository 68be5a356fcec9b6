import { Failure } from "../base/failure.ts";
import { firstOf } from "../base/async.ts";
import { addressOf, type Admitted } from "./receiving/admission.ts";
import { bindAbort } from "./closing.ts";
import { acceptOffer } from "./consent.ts";
import { type Checked, openEndpoint } from "./options.ts";
import type { Listening, OnEvent } from "./events.ts";
import { guarded } from "./guard.ts";
import { type NameHolders, NameLock } from "./receiving/name_locks.ts";
import { listen, receiveOne, type ReceiverOptions } from "./receive.ts";
import { makeRoom, Stall, type Stalls } from "./receiving/stalls.ts";
import { type Destination, resolveDestination } from "./destination.ts";

/** Settings of {@linkcode serve}. */
export interface ServeOptions extends ReceiverOptions {
  /** The directory where the content goes. */
  readonly to: Extract<Destination, { directory: string }>;
  /**
   * Senders served at a time; further ones are told that the receiver is busy.
   * @default {16}
   */
  readonly maxTransfers?: number | undefined;
}

const DEFAULT_MAX_TRANSFERS = 16;

/** A receiver that serves one sender after another. */
export interface Server extends Listening, AsyncDisposable {
  /**
   * Resolves once it has ended: after {@linkcode Server.shutdown}, or when the
   * signal of the options is aborted. Rejects with what a listener throws, or with
   * a {@linkcode Failure} when nobody can send any more.
   */
  readonly finished: Promise<void>;
  /** Lets nobody in any more, and waits for the transfers under way. */
  shutdown(): Promise<void>;
}

/**
 * Receives one transfer after another, several at once, until it is shut down or
 * the signal is aborted, which breaks off the transfers under way. A transfer that
 * fails does not affect the others: a `failed` event tells of it.
 *
 * @returns the server once it listens
 * @throws {Failure} if it cannot listen, or nothing can be stored
 * @throws {TypeError} or {RangeError} at once if an option is not what it must be
 * @throws the signal's reason if it was aborted before
 *
 * @example
 * ```ts
 * import { send, serve } from "@ferry/ferry";
 *
 * const directory = await Deno.makeTempDir();
 * const done: (string | undefined)[] = [];
 * await using server = await serve({
 *   port: 0,
 *   to: { directory },
 *   security: { mode: "code" },
 *   on: (event) => {
 *     if (event.type === "done") done.push(event.name);
 *     if (event.type === "failed") console.error(event.failure.code);
 *   },
 * });
 * const { port, newCode: code } = server;
 * const content = new File(["Hello"], "note.txt");
 * await send("127.0.0.1", { port, content, security: { mode: "code", code } });
 * await server.shutdown();
 * if (done[0] !== `${directory}/note.txt`) throw new Error("This cannot be");
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const listening = Promise.withResolvers<Listening>();
  const stop = new AbortController();
  const { on } = options;
  const told: OnEvent = (event) => {
    if (event.type === "listening") {
      const { type: _, ...where } = event;
      listening.resolve(where);
    }
    on?.(event);
  };
  const finished = guarded({ ...options, on: told }, async (checked) => {
    checked.signal.throwIfAborted();
    await serveAll(checked, stop.signal);
  });
  finished.catch(listening.reject);
  const shutdown = () => {
    stop.abort();
    return finished;
  };
  return {
    ...await listening.promise,
    finished,
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}

/**
 * Serves until `stop` or the options' signal is aborted.
 *
 * @throws {Failure} if nobody can send any more
 */
async function serveAll(
  options: Checked<ServeOptions>,
  stop: AbortSignal,
): Promise<void> {
  const { maxTransfers: places = DEFAULT_MAX_TRANSFERS } = options;
  const destination = await resolveDestination(options.to);
  const over = firstOf([options.signal, stop]);
  await using outer = new AsyncDisposableStack();
  const endpoint = openEndpoint(options, { places });
  outer.defer(() => endpoint.close());
  const running = new Set<Promise<void>>();
  outer.defer(async () => void await Promise.all(running));
  try {
    await using scope = new AsyncDisposableStack();
    const details = { scope, several: true };
    const admission = listen(endpoint, options, destination, details);
    const holders: NameHolders = new Map();
    const stalls: Stalls = new Set();
    const start = (admitted: Admitted) => {
      const work = serveOne(admitted, { holders, stalls }, options);
      running.add(work);
      work.finally(() => running.delete(work));
    };
    const incoming = endpoint.incoming(
      firstOf([over, admission.over]),
      { makeRoom: () => makeRoom(stalls, performance.now()) },
    );
    for await (const connection of incoming) {
      admission.admit(connection).then(start, () => {});
    }
  } catch (error) {
    if (!over.aborted) throw error;
  }
}

/**
 * Receives one transfer. Its failure is told to its listener and to the sender.
 *
 * @param shared what all transfers have in common
 */
async function serveOne(
  admitted: Admitted,
  { holders, stalls }: { holders: NameHolders; stalls: Stalls },
  options: Checked<ServeOptions>,
): Promise<void> {
  const { channel, on } = admitted;
  using lock = new NameLock(holders, channel);
  // A sender that knows the code keeps its place
  using stall = options.security.mode === "code" ? undefined : new Stall(
    stalls,
    channel,
    addressOf(channel.peer),
    performance.now(),
  );
  const onContent = () => stall?.progressed(performance.now());
  try {
    const destination = await resolveDestination(options.to);
    const withdrawn = bindAbort(channel, options.signal);
    const accepted = await acceptOffer(
      admitted,
      destination,
      options,
      withdrawn,
    );
    stall?.accept(performance.now());
    await receiveOne(accepted, lock.guard(destination), options, onContent);
  } catch (error) {
    const failure = error instanceof Failure ? error : new Failure(
      options.signal.aborted
        ? { code: "interrupted" }
        : { code: "unexpected", what: String(error) },
      { cause: error },
    );
    channel.abort(failure);
    on({ type: "failed", failure });
  }
}
