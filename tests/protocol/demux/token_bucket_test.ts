import { assertEquals } from "@std/assert";
import { TokenBucket } from "../../../lib/protocol/demux/token_bucket.ts";

/** How often of `tries` something may happen at `now`. */
function taken(bucket: TokenBucket, now: number, tries: number): number {
  let count = 0;
  for (let i = 0; i < tries; i++) if (bucket.take(now)) count++;
  return count;
}

Deno.test("after a pause there is a burst, and then the rate", () => {
  const bucket = new TokenBucket({ rate: 2_000, burst: 10 });
  assertEquals(taken(bucket, 1_000, 100), 10);
  assertEquals(taken(bucket, 1_000, 100), 0);
  assertEquals(taken(bucket, 1_001, 100), 2);
  assertEquals(taken(bucket, 1_003.5, 100), 5);
  assertEquals(taken(bucket, 9_000, 100), 10);
});

Deno.test("what is asked for often comes at the rate", () => {
  const bucket = new TokenBucket({ rate: 500, burst: 4 });
  let count = 0;
  for (let now = 1_000; now < 2_000; now += 0.1) count += taken(bucket, now, 3);
  assertEquals(Math.abs(count - 504) <= 1, true);
});
