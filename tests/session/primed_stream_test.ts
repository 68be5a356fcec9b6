import { assertEquals } from "@std/assert";
import { PrimedStream } from "../../lib/session/primed_stream.ts";
import { memoryPair } from "../transfer/memory_stream.ts";

Deno.test("what was read ahead comes first, then the rest and the end", async () => {
  const [near, far] = memoryPair();
  const priming = PrimedStream.of(far);
  await near.write(Uint8Array.of(1, 2, 3));
  const primed = await priming;
  await near.write(Uint8Array.of(4, 5));
  await near.closeWrite();
  const into = new Uint8Array(2);
  const got: number[] = [];
  for (;;) {
    const count = await primed.read(into);
    if (count === null) break;
    got.push(...into.subarray(0, count));
  }
  assertEquals(got, [1, 2, 3, 4, 5]);
});

Deno.test("a stream that ends at once has ended when it is primed, too", async () => {
  const [near, far] = memoryPair();
  await near.closeWrite();
  const primed = await PrimedStream.of(far);
  assertEquals(await primed.read(new Uint8Array(1)), null);
  assertEquals(await primed.read(new Uint8Array(1)), null);
});

Deno.test("what is written to a primed stream reaches the other side", async () => {
  const [near, far] = memoryPair();
  await near.write(Uint8Array.of(1));
  const primed = await PrimedStream.of(far);
  await primed.write(Uint8Array.of(9));
  await primed.closeWrite();
  const into = new Uint8Array(1);
  assertEquals([await near.read(into), into[0]], [1, 9]);
  assertEquals(await near.read(into), null);
});
