import { within } from "../base/async.ts";
import type { Channel } from "../endpoint/channel.ts";

/** Milliseconds that the last data of a connection may take to arrive. */
const LINGER_TIMEOUT = 2000;

/** Channels over which all has been received, and whether it is stored. */
const completions = new WeakMap<Channel, () => boolean>();

/**
 * Lets `signal` end a channel for as long as it is open: at once, or where all is
 * stored a short time later, in which the peer hears of that.
 *
 * @returns a signal that is aborted when the channel has broken for any reason,
 * even while nothing is read
 */
export function bindAbort(channel: Channel, signal: AbortSignal): AbortSignal {
  const broken = new AbortController();
  const stop = async () => {
    if (completions.get(channel)?.()) await linger(channel);
    channel.abort(signal.reason);
    broken.abort(signal.reason);
  };
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  channel.closed.catch((failure) => broken.abort(failure))
    .finally(() => signal.removeEventListener("abort", stop));
  return broken.signal;
}

/** From when `isStored` holds, a signal leaves a channel the time to close in order. */
export function closeInOrder(channel: Channel, isStored: () => boolean): void {
  completions.set(channel, isStored);
}

/** Waits a short time for a channel to close in order, before its endpoint is closed. */
export async function linger(channel: Channel): Promise<void> {
  await within(LINGER_TIMEOUT, channel.closed);
}
