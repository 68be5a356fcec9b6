import type { Channel } from "../../lib/endpoint/channel.ts";
import type { Endpoint } from "../../lib/endpoint/endpoint.ts";

/** Accepts the first connection that comes. */
export async function acceptOne(
  endpoint: Endpoint,
  signal?: AbortSignal,
): Promise<Channel> {
  for await (const incoming of endpoint.incoming(signal)) {
    await incoming.accept();
    return incoming.channel;
  }
  throw new TypeError("Nobody came");
}
