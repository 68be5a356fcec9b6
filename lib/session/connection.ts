import { within } from "../base/async.ts";
import type { Channel } from "../endpoint/channel.ts";

/** Milliseconds that the last data of a transfer may take to arrive. */
const LINGER_LIMIT = 2000;

/**
 * Binds the abort of a channel and of a signal to each other: `signal` ends the
 * channel for as long as it is open.
 *
 * @returns a signal that is aborted when the channel has broken for any reason,
 * even while nothing is read
 */
export function bindAbort(channel: Channel, signal: AbortSignal): AbortSignal {
  const broken = new AbortController();
  const stop = () => {
    channel.abort(signal.reason);
    broken.abort(signal.reason);
  };
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  channel.closed.catch((failure) => broken.abort(failure))
    .finally(() => signal.removeEventListener("abort", stop));
  return broken.signal;
}

/** Waits for a channel to close in order, for a short time, before its endpoint is closed. */
export async function linger(channel: Channel): Promise<void> {
  await within(LINGER_LIMIT, channel.closed);
}
