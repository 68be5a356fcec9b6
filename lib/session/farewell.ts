import type { Channel } from "../endpoint/channel.ts";
import { within } from "../base/async.ts";

/** How long the last words of a transfer that failed may take to arrive, in milliseconds. */
const LIMIT = 2000;

/** Lets what a channel has still to say arrive before its endpoint is closed. */
export async function farewell(channel: Channel): Promise<void> {
  await within(LIMIT, channel.closed);
}
