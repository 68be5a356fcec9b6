import type { Channel } from "../endpoint/channel.ts";

/**
 * Ends a channel with `signal`, for as long as it is open.
 *
 * @returns a signal that is aborted when the channel has broken, for whatever
 * reason: heard even while nothing is read
 */
export function attend(channel: Channel, signal: AbortSignal): AbortSignal {
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
