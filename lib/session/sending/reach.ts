import { abortable, within } from "../../base/async.ts";
import { Failure } from "../../base/failure.ts";
import type { Channel } from "../../endpoint/channel.ts";
import type { Endpoint } from "../../endpoint/endpoint.ts";
import { formatAddress } from "../../endpoint/socket/address.ts";
import { bindAbort } from "../closing.ts";
import type { OnEvent } from "../events.ts";

/** Milliseconds after which the next address is tried (RFC 8305, section 5). */
const ATTEMPT_DELAY = 250;
/** Milliseconds after which an attempt begins anew, and with it the backoff of its SYNs. */
const ROUND = 15_000;
/** Milliseconds by which a timer may be wrong. */
const TIMER_PRECISION = 5;
/** Milliseconds without an answer after which a `waiting` event is emitted. */
const WAITING_DELAY = 600;

/** A connection that was opened, and what is done with it. */
export interface Attempt<T> {
  readonly channel: Pick<Channel, "established" | "abort">;
  readonly result: Promise<T>;
}

/** Settings of {@linkcode reach}. Times in milliseconds. */
export interface ReachOptions {
  readonly host: string;
  readonly port: number;
  /** How long to wait for an answer. */
  readonly wait: number;
  readonly on: OnEvent;
  readonly signal: AbortSignal;
}

/**
 * Tries to reach a receiver at all addresses of its name, until one answers. It
 * goes on as long as it is to wait, also where nothing listens yet.
 *
 * @param begin begins an attempt, and calls `open` for its connection
 * @returns what comes of the attempt that was answered
 * @throws {Failure} `no-answer`, or why the receiver that answered does not agree
 */
export async function reach<T>(
  endpoint: Endpoint,
  begin: (open: () => Channel) => Promise<Attempt<T>>,
  { host, port, wait, on, signal }: ReachOptions,
): Promise<T> {
  const targets = await endpoint.resolveAll(host, port, signal);
  const addresses = targets.map(({ hostname, port }) =>
    formatAddress(hostname, port)
  );
  const refusing = new Set<string>();
  const seconds = Number.isFinite(wait) ? wait / 1000 : undefined;
  const tellWaiting = (refused: boolean) => {
    clearTimeout(telling);
    const address = formatAddress(host, port);
    on({ type: "waiting", address, refused, seconds });
  };
  const telling = setTimeout(() => tellWaiting(false), WAITING_DELAY);
  endpoint.onRefused = (address) => {
    const isNews = addresses.includes(address) && !refusing.has(address);
    refusing.add(address);
    if (isNews && refusing.size === addresses.length) tellWaiting(true);
  };
  const answered = (channel: Channel) => {
    clearTimeout(telling);
    endpoint.onRefused = undefined;
    on({ type: "connected", peer: channel.peer });
  };
  const ways = targets.map((target) => () =>
    begin(() => {
      const channel = endpoint.connectTo(target);
      bindAbort(channel, signal);
      channel.established.then(() => answered(channel), () => {});
      return channel;
    })
  );
  const end = performance.now() + wait;
  try {
    for (;;) {
      const limit = Math.min(ROUND, Math.max(0, end - performance.now()));
      try {
        return await race(ways, { limit, signal });
      } catch (error) {
        const isSilence = error instanceof Failure &&
          error.code === "no-answer";
        if (!isSilence) throw error;
        // A timer may fire a little early
        if (performance.now() < end - TIMER_PRECISION) continue;
        throw noAnswer(error, addresses, { wait, refusing });
      }
    }
  } finally {
    clearTimeout(telling);
    endpoint.onRefused = undefined;
  }
}

/** The failure of all attempts, with all addresses. */
function noAnswer(
  { detail }: Failure,
  [peer = "", ...others]: readonly string[],
  { wait, refusing }: { wait: number; refusing: ReadonlySet<string> },
): Failure {
  const { sendError } = detail as { sendError?: string };
  return new Failure({
    code: "no-answer",
    peer,
    others,
    seconds: Math.round(wait / 100) / 10,
    sendError,
    refused: refusing.size > others.length,
  });
}

/** Attempts that are too many: another was answered, or it takes too long. */
function outrun(): Failure {
  return new Failure({ code: "no-answer", peer: "", seconds: 0 });
}

/**
 * Begins one attempt after another, the next when all before have failed or after
 * a while; the first that is answered wins, and the others are aborted.
 *
 * @param options.limit milliseconds until one must be answered
 * @throws what most says why none was answered: not that there was silence, where
 * another attempt failed for another reason
 */
export async function race<T>(
  ways: readonly (() => Promise<Attempt<T>>)[],
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
): Promise<T> {
  const attempts: Attempt<T>[] = [];
  let winner: Attempt<T> | undefined;
  let over = false;
  const tryOne = async (way: () => Promise<Attempt<T>>) => {
    const attempt = await way();
    // Its end is told by the winner's result, or of no interest
    attempt.result.catch(() => {});
    attempts.push(attempt);
    if (over) attempt.channel.abort(outrun());
    await attempt.channel.established;
    winner ??= attempt;
  };
  const tryAll = async () => {
    const tries: Promise<void>[] = [];
    for (const way of ways) {
      if (over || winner !== undefined) return;
      tries.push(tryOne(way));
      await within(ATTEMPT_DELAY, Promise.any(tries));
    }
    await Promise.any(tries).catch(({ errors }) => {
      throw telling(errors);
    });
  };
  try {
    const trying = tryAll();
    if (!await abortable(within(limit, trying), signal)) throw outrun();
    await trying;
  } finally {
    over = true;
    for (const attempt of attempts) {
      if (attempt !== winner) attempt.channel.abort(outrun());
    }
  }
  return await winner!.result;
}

/** The failure that says most. */
function telling(failures: readonly unknown[]): unknown {
  return failures.find((failure) =>
    !(failure instanceof Failure && failure.code === "no-answer")
  ) ?? failures[0];
}
