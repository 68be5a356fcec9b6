import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RttEstimator } from "../../../lib/protocol/recovery/rtt.ts";

Deno.test("the first sample is taken as it is", () => {
  const rtt = new RttEstimator();
  assert(!rtt.sampled);
  rtt.sample(100, 80, 0);
  assert(rtt.sampled);
  assertEquals([rtt.minRtt, rtt.adjustedRtt], [80, 80]);
  assertEquals([rtt.smoothedRtt, rtt.rttvar], [80, 40]);
});

Deno.test("further samples are smoothed as RFC 9002 says", () => {
  const rtt = new RttEstimator();
  rtt.sample(0, 80, 0);
  rtt.sample(100, 120, 0);
  assertEquals(rtt.rttvar, 40 * 3 / 4 + 40 / 4);
  assertEquals(rtt.smoothedRtt, 80 * 7 / 8 + 120 / 8);
  assertEquals([rtt.adjustedRtt, rtt.minRtt], [120, 80]);
});

Deno.test("what the peer held back is taken off, but never below the minimum", () => {
  const rtt = new RttEstimator();
  rtt.sample(0, 80, 50);
  assertEquals(rtt.smoothedRtt, 80, "nothing is known that could be less");
  rtt.sample(1, 120, 30);
  assertEquals(rtt.adjustedRtt, 90);
  rtt.sample(2, 120, 60);
  assertEquals(rtt.adjustedRtt, 120, "such a delay is not believed");
});

Deno.test("an absurd delay of the peer changes nothing", () => {
  const rtt = new RttEstimator();
  rtt.sample(0, 80, 0);
  rtt.sample(1, 80, 4_294_967);
  assertEquals([rtt.smoothedRtt, rtt.minRtt], [80, 80]);
});

Deno.test("a minimum that has grown old gives way to the path as it is now", () => {
  const rtt = new RttEstimator();
  rtt.sample(0, 10, 0);
  rtt.sample(5_000, 100, 0);
  assertEquals(rtt.minRtt, 10);
  rtt.sample(60_000, 100, 0);
  assertEquals(rtt.minRtt, 100);
});

Deno.test("the probe timeout covers the variation, and is never finer than a timer", () => {
  const rtt = new RttEstimator();
  rtt.sample(0, 100, 0);
  assertEquals(rtt.pto, 100 + 4 * 50);
  for (let now = 1; now < 200; now++) rtt.sample(now, 100, 0);
  assertAlmostEquals(rtt.smoothedRtt, 100, 0.001);
  assert(rtt.rttvar < 0.001);
  assert(rtt.pto >= 101 && rtt.pto <= 120);
});

Deno.test("before any sample a probe leaves within half a second", () => {
  const { pto } = new RttEstimator();
  assert(pto > 100 && pto <= 500);
});
