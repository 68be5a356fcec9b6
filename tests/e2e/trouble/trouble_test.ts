import { assert } from "@std/assert";
import { Relay } from "../../net/relay.ts";
import { assertDone } from "../../support/assertions.ts";
import { FULL, type Pair, startPair } from "../../support/ferry.ts";
import {
  inDirectory,
  sameFiles,
  staged,
  writeRandomFile,
} from "../../support/fs.ts";
import { grown, pause } from "../../support/wait.ts";

const SIZE = FULL ? 10_000_000 : 4_000_000;
/** How long the network is gone, in milliseconds. */
const DARK = FULL ? 20_000 : 1000;

/** A transfer through `relay` that is in its middle when `trouble` comes, and completes all the same. */
async function assertRidesOut(
  relayTo: (port: number) => number,
  trouble: () => Promise<void>,
): Promise<void> {
  await inDirectory(async (cwd) => {
    await writeRandomFile(`${cwd}/in`, SIZE);
    await Deno.mkdir(`${cwd}/dir`);
    const pair: Pair = await startPair({
      cwd,
      via: relayTo,
      send: { args: ["in", "--rate", "40"] },
      receive: { args: ["-d", "dir"] },
    });
    await grown(() => staged(`${cwd}/dir`, "in"), SIZE / 4, pair);
    await trouble();
    assertDone(await pair.ended);
    assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
  });
}

Deno.test(`a network that is gone for ${DARK} ms costs nothing but the time`, async () => {
  let relay: Relay;
  await assertRidesOut((port) => {
    relay = Relay.start({ to: { hostname: "127.0.0.1", port } });
    return relay.port;
  }, async () => {
    relay.darken();
    await pause(DARK);
    relay.lighten();
  });
  await relay!.close();
});

Deno.test("a sender whose port and address change in the middle carries on", async () => {
  let relay: Relay;
  await assertRidesOut((port) => {
    relay = Relay.start({ to: { hostname: "127.0.0.1", port } });
    return relay.port;
  }, () => {
    relay.move("127.0.0.2");
    return Promise.resolve();
  });
  await relay!.close();
});
