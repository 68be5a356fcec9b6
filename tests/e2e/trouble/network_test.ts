import { assert } from "@std/assert";
import type { Conditions } from "../../net/link.ts";
import { assertDone } from "../../support/assertions.ts";
import { Meter } from "../../support/meter.ts";
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
    await using network = new Meter({ up, seed: 7 });
    const ended = await runPair({
      cwd,
      security,
      via: network.start,
      send: { shell: 'exec "$@" < in' },
      receive: { shell: 'exec "$@" > out' },
    });
    assertDone(ended);
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
