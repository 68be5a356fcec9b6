import { assert, assertEquals } from "@std/assert";
import type { Conditions } from "../../net/link.ts";
import { Relay } from "../../net/relay.ts";
import { runPair } from "../../support/ferry.ts";
import { inDirectory, sameFiles, writeRandomFile } from "../../support/fs.ts";

/** Sends `size` random bytes through such a network, both ways alike, and compares. */
function assertCarried(
  size: number,
  up: Conditions,
  security?: string[],
): Promise<void> {
  return inDirectory(async (cwd) => {
    await writeRandomFile(`${cwd}/in`, size);
    let relay: Relay | undefined;
    const ended = await runPair({
      cwd,
      security,
      via: (port) => {
        relay = Relay.start({
          to: { hostname: "127.0.0.1", port },
          up,
          seed: 7,
        });
        return relay.port;
      },
      send: { shell: 'exec "$@" < in' },
      receive: { shell: 'exec "$@" > out' },
    });
    await relay?.close();
    assertEquals(
      ended.map(({ code }) => code),
      [0, 0],
      ended.map(({ stderr }) => stderr).join(""),
    );
    assert(await sameFiles(`${cwd}/in`, `${cwd}/out`));
  });
}

Deno.test("5 MB arrive through 20% loss, 10% duplication, 20% reordering and 1% damage", () =>
  assertCarried(5_000_000, {
    loss: 0.2,
    duplicate: 0.1,
    reorder: 0.2,
    corrupt: 0.01,
  }));

Deno.test("200 kB arrive through 50% loss", () =>
  assertCarried(200_000, { loss: 0.5 }));

for (const security of [["--plain"], ["--code=17-walnut-copper-lagoon"]]) {
  Deno.test(`50 kB arrive through 30% loss with ${security}`, () =>
    assertCarried(50_000, { loss: 0.3 }, security));
}

Deno.test("1 MB arrives over a path of 100 ms and 20 Mbit/s with a short queue", () =>
  assertCarried(1_000_000, { delay: 50, rate: 2500, queue: 100_000 }));
