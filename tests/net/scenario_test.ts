import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Conditions } from "./link.ts";
import { randomScenario } from "./scenario.ts";

const scenarios = Array.from({ length: 1_000 }, (_, i) => randomScenario(i));

function anyDirection(is: (conditions: Conditions) => unknown): boolean {
  return scenarios.some(({ forward, backward }) => is(forward) || is(backward));
}

Deno.test("a seed stands for one scenario", () => {
  assertEquals(randomScenario(7), randomScenario(7));
  assertNotEquals(randomScenario(7), { ...randomScenario(8), seed: 7 });
});

Deno.test("a thousand seeds bring every kind of trouble", () => {
  assert(anyDirection(({ loss = 0 }) => loss > 0.45 && loss <= 0.5));
  assert(anyDirection(({ burst }) => burst));
  assert(anyDirection(({ reorder = 0 }) => reorder > 0.3));
  assert(anyDirection(({ duplicate = 0 }) => duplicate > 0.3));
  assert(anyDirection(({ corrupt = 0 }) => corrupt > 0.05));
  assert(anyDirection(({ blackouts }) => blackouts));
  assert(anyDirection(({ rate = Infinity }) => rate < 10));
  assert(anyDirection(({ mtu = Infinity }) => mtu < 1_300));
  assert(anyDirection(({ mtu = 0 }) => mtu > 8_000));
  assert(scenarios.some(({ initialDatagram }) => initialDatagram > 1_472));
  assert(scenarios.some(({ initialDatagram }) => initialDatagram === 1_200));
  assert(scenarios.some(({ accepting }) => accepting.window < 10));
  assert(scenarios.some(({ accepting }) => accepting.window > 2 ** 25));
  assert(
    scenarios.some(({ connecting, accepting }) =>
      Math.min(connecting.bytes, accepting.bytes) > 50_000
    ),
  );
  assert(scenarios.some(({ deadFrom }) => deadFrom < Infinity));
});

Deno.test("a network that lives has no blackout near the timeout", () => {
  for (const { deadFrom, forward, backward, timeout } of scenarios) {
    if (deadFrom < Infinity) continue;
    for (const { blackouts = [] } of [forward, backward]) {
      for (const [start, end] of blackouts) assert(end - start < timeout / 5);
    }
  }
});
