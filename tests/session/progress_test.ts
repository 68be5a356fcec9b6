import { assertEquals } from "@std/assert";
import { RateMeter } from "../../lib/session/progress.ts";

Deno.test("a rate is that of the last three seconds", () => {
  const meter = new RateMeter();
  assertEquals(meter.sample(0, 0), 0);
  assertEquals(meter.sample(1000, 1000), 1);
  assertEquals(meter.sample(2000, 2000), 1);
  assertEquals(meter.sample(3000, 2000), 2 / 3);
  assertEquals(meter.sample(4000, 2000), 1 / 3);
  assertEquals(meter.sample(5000, 2000), 0);
  assertEquals(meter.sample(6000, 2000), 0);
});

Deno.test("two samples at the same time make no rate", () => {
  const meter = new RateMeter();
  meter.sample(5, 0);
  assertEquals(meter.sample(5, 100), 0);
});
