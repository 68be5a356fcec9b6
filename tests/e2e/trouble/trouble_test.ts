import { assert } from "@std/assert";
import type { Relay } from "../../net/relay.ts";
import { Meter } from "../../support/meter.ts";
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

/** A transfer over a network to which something happens in its middle, and which completes all the same. */
async function assertRidesOut(
  trouble: (relay: Relay) => Promise<void> | void,
): Promise<void> {
  await inDirectory(async (cwd) => {
    await writeRandomFile(`${cwd}/in`, SIZE);
    await using network = new Meter();
    const pair: Pair = await startPair({
      cwd,
      via: network.start,
      send: { args: ["in", "--rate", "40"] },
      receive: { args: ["-d", "dir"] },
    });
    await grown(() => staged(`${cwd}/dir`, "in"), SIZE / 4, pair);
    await trouble(network.relay!);
    assertDone(await pair.ended);
    assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
  });
}

Deno.test(`a network that is gone for ${DARK} ms costs nothing but the time`, () =>
  assertRidesOut(async (relay) => {
    relay.darken();
    await pause(DARK);
    relay.lighten();
  }));

Deno.test("a sender whose port and address change in the middle carries on", () =>
  assertRidesOut((relay) => relay.move("127.0.0.2")));
