import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { EventQueue } from "./event_queue.ts";

Deno.test("events leave by time, those of one time as they came, whenever they come", () => {
  const steps = fc.array(fc.option(fc.integer({ min: 0, max: 99 })));
  fc.assert(fc.property(steps, (steps) => {
    const queue = new EventQueue();
    const waiting: { time: number; item: number }[] = [];
    steps.forEach((time, item) => {
      if (time !== null) {
        queue.push(time, item);
        waiting.push({ time, item });
        waiting.sort((a, b) => a.time - b.time || a.item - b.item);
      } else if (waiting.length > 0) {
        assertEquals(queue.pop(), waiting.shift()?.item);
      }
      assertEquals(queue.size, waiting.length);
      assertEquals(queue.nextTime, waiting[0]?.time ?? Infinity);
    });
    for (const { item } of waiting) assertEquals(queue.pop(), item);
  }));
});

Deno.test("the queue grows beyond its first capacity", () => {
  const queue = new EventQueue();
  for (let i = 0; i < 10_000; i++) queue.push(10_000 - i, i);
  const left = Array.from({ length: 10_000 }, () => queue.pop());
  assertEquals(left, Array.from({ length: 10_000 }, (_, i) => 9_999 - i));
});
