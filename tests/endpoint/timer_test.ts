import { assert, assertEquals } from "@std/assert";
import { Timer } from "../../lib/endpoint/timer.ts";

/** A timer, and the times at which it fired. */
function timerOf() {
  const fired: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = new Timer(() => {
    fired.push(performance.now());
    resolve();
  });
  return { timer, fired, first: promise };
}

Deno.test("a timer fires once, at its time or a little earlier", async () => {
  const { timer, fired, first } = timerOf();
  const now = performance.now();
  timer.set(now + 30, now);
  await first;
  assert(fired[0] !== undefined && fired[0] >= now + 28, `${fired[0]}`);
  await new Promise((resolve) => setTimeout(resolve, 40));
  assertEquals(fired.length, 1);
});

Deno.test("a timer that is set to an earlier time fires then, and to a later time as before", async () => {
  const { timer, fired, first } = timerOf();
  const now = performance.now();
  timer.set(now + 60_000, now);
  timer.set(now + 5, now);
  timer.set(now + 90_000, now);
  await first;
  assert(performance.now() < now + 30_000);
  assertEquals(fired.length, 1);
});

Deno.test("a time that is over fires in the next turn, not at once", async () => {
  const { timer, fired, first } = timerOf();
  timer.set(1, 2);
  assertEquals(fired.length, 0);
  await first;
});

Deno.test("a timer that is cleared or set to infinity does not fire", async () => {
  const { timer, fired } = timerOf();
  timer.set(1, 2);
  timer.clear();
  timer.set(Infinity, 0);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(fired.length, 0);
});
