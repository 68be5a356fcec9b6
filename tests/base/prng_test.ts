import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Prng } from "../../lib/base/prng.ts";

function firstNumbers(seed: number): number[] {
  const random = new Prng(seed);
  return Array.from({ length: 8 }, () => random.uint32());
}

Deno.test("a seed gives the same numbers every time", () => {
  assertEquals(firstNumbers(7), firstNumbers(7));
  assertEquals(new Prng(7).bytes(20), new Prng(7).bytes(20));
});

Deno.test("seeds that differ in any of 53 bits give other numbers", () => {
  const seen = new Set<string>();
  for (let bit = 0; bit < 53; bit++) {
    seen.add(firstNumbers(2 ** bit).join());
  }
  assertEquals(seen.size, 53);
  assertNotEquals(firstNumbers(0), firstNumbers(1));
});

Deno.test("numbers fill their range evenly", () => {
  const random = new Prng(1);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) counts[random.int(10)]!++;
  for (const count of counts) assert(count > 9_500 && count < 10_500);
  let sum = 0;
  for (let i = 0; i < 100_000; i++) {
    const value = random.next();
    assert(value >= 0 && value < 1);
    sum += value;
  }
  assert(sum > 49_500 && sum < 50_500);
});
