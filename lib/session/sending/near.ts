import { within } from "../../base/async.ts";
import { Failure } from "../../base/failure.ts";
import type { Channel } from "../../endpoint/channel.ts";
import type { Endpoint } from "../../endpoint/endpoint.ts";
import { Search } from "../../endpoint/near/search.ts";
import { formatAddress } from "../../endpoint/socket/address.ts";
import type { Candidate } from "../../near/asker.ts";
import { numberOf } from "../../secure/code/code.ts";
import { bindAbort, linger } from "../closing.ts";
import { agree, type Connected, type ConnectOptions } from "./connect.ts";

/** Milliseconds to look for a receiver. */
const DEFAULT_WAIT = 10_000;
/** Milliseconds without an answer after which a `searching` event is emitted. */
const SEARCHING_DELAY = 1000;
/** Milliseconds for others to answer once a receiver was not the wanted one. */
const OTHERS = 2000;
/** Milliseconds for a receiver to answer a SYN, and then to prove that it knows the code. */
const REACHING = 2000;
const PROVING = 5000;

/** Settings of {@linkcode connectNear}. */
export interface NearOptions extends ConnectOptions {
  readonly signal: AbortSignal;
  /** The only address to look from. */
  readonly bind?: string | undefined;
  /** Milliseconds to look for the receiver. */
  readonly wait?: number | undefined;
}

/**
 * Looks for a receiver on the networks that this machine is in, and connects to
 * the first that proves that it knows the code.
 *
 * @param code in its normal form
 * @throws {Failure} `nobody-near`, or why the last receiver was not the one
 */
export async function connectNear(
  endpoint: Endpoint,
  code: string,
  options: NearOptions,
): Promise<Connected> {
  const { on, signal, bind, wait = DEFAULT_WAIT } = options;
  const number = numberOf(code);
  const searching = setTimeout(
    () => on({ type: "searching", number }),
    SEARCHING_DELAY,
  );
  const search = new Search({ number, bind });
  let until = performance.now() + wait;
  let last: Failure | undefined;
  try {
    for (;;) {
      const candidate = await search.next(until, signal);
      if (candidate === undefined) {
        throw last ??
          new Failure({ code: "nobody-near", seconds: wait / 1000 });
      }
      clearTimeout(searching);
      const address = formatAddress(candidate.hostname, candidate.port);
      on({ type: "found", address });
      try {
        return await tryCandidate(endpoint, candidate, code, options);
      } catch (failure) {
        signal.throwIfAborted();
        if (!(failure instanceof Failure)) throw failure;
        on({ type: "passed-over", address, failure: failure.detail });
        if (isUnreachable(failure)) search.asker.unreachable(candidate);
        else {
          search.asker.refused(candidate);
          last = failure;
          until = Math.min(until, performance.now() + OTHERS);
        }
      }
    }
  } finally {
    clearTimeout(searching);
    search.close();
  }
}

/** @throws {Failure} unless it is the wanted receiver */
async function tryCandidate(
  endpoint: Endpoint,
  candidate: Candidate,
  code: string,
  options: NearOptions,
): Promise<Connected> {
  const { on, signal } = options;
  const open = () => {
    const channel = endpoint.connectTo(endpoint.addressFrom(candidate));
    bindAbort(channel, signal);
    abortUnlessReached(channel);
    return channel;
  };
  const security = { mode: "code", code } as const;
  const timeout = Math.min(PROVING, options.timeout);
  const { result } = await agree(security, open, { ...options, timeout });
  const connected = await result;
  const { channel } = connected;
  try {
    // Another receiver may have the same number
    await connected.confirmed;
  } catch (failure) {
    channel.abort(failure as Error);
    await linger(channel);
    throw failure;
  }
  on({ type: "connected", peer: channel.peer });
  return connected;
}

/** Of what answers in the place of others, an address may be nobody's. */
async function abortUnlessReached(channel: Channel): Promise<void> {
  if (await within(REACHING, channel.established)) return;
  const { peer } = channel;
  const seconds = REACHING / 1000;
  channel.abort(new Failure({ code: "no-answer", peer, seconds }));
}

function isUnreachable({ code }: Failure): boolean {
  return code === "no-answer" || code === "peer-silent" ||
    code === "unknown-connection";
}
