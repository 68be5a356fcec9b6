import { assertEquals } from "@std/assert";
import { decodeAnswer, MeetKind } from "../../../lib/meet/messages.ts";
import { receive, send } from "../../../lib/mod.ts";
import { hostMeeting } from "../../../lib/session/meeting/host.ts";
import { Relay } from "../../net/relay.ts";
import "../../support/libraries.ts";

const SECURITY = { mode: "code", code: "17-walnut-copper-lagoon" } as const;

/**
 * Sends a text by a meeting point.
 *
 * @param loses whether its answers of this kind are lost
 * @returns what arrived
 */
async function sentBy(
  loses: (kind: number | undefined) => boolean,
): Promise<string> {
  const hostname = "127.0.0.1";
  const stop = new AbortController();
  const { promise: port, resolve } = Promise.withResolvers<number>();
  const hosting = hostMeeting({
    port: 0,
    bind: hostname,
    signal: stop.signal,
    on: (event) => event.type === "meeting" && resolve(event.port),
  });
  await using relay = Relay.start({
    to: { hostname, port: await port },
    onDatagram: (datagram, direction) =>
      direction === "up" || !loses(decodeAnswer(datagram)?.kind),
  });
  const meet = { host: hostname, port: relay.port };
  const common = { meet, security: SECURITY, timeout: 20_000 };
  const through = new TransformStream<Uint8Array, Uint8Array>();
  const arriving = new Response(through.readable).text();
  await Promise.all([
    receive({ ...common, port: 0, to: through.writable }),
    send(undefined, {
      ...common,
      content: new Blob(["to be met"]).stream(),
    }),
  ]);
  stop.abort();
  await hosting;
  return await arriving;
}

Deno.test("a sender may come before its receiver hears that it has a place", async () => {
  const end = performance.now() + 500;
  const arrived = await sentBy((kind) =>
    (kind === MeetKind.PLACE || kind === MeetKind.BOUND) &&
    performance.now() < end
  );
  assertEquals(arrived, "to be met");
});

Deno.test("a receiver that never hears that it has a place takes the sender that is brought to it", async () => {
  const arrived = await sentBy((kind) => kind === MeetKind.PLACE);
  assertEquals(arrived, "to be met");
});
