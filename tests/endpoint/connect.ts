import type { Channel } from "../../lib/endpoint/channel.ts";
import type { Endpoint } from "../../lib/endpoint/endpoint.ts";

/** Opens a connection to a host. */
export async function connect(
  endpoint: Endpoint,
  port: number,
  host = "127.0.0.1",
): Promise<Channel> {
  return endpoint.connectTo(await endpoint.resolve(host, port));
}

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
