import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  DeadlineHeap,
  type HeapItem,
} from "../../../lib/protocol/demux/deadline_heap.ts";

const change = fc.record({
  item: fc.nat(9),
  due: fc.oneof(fc.nat(20), fc.constant(Infinity)),
});

Deno.test("the earliest is first, however often the times change", () => {
  fc.assert(fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
    const queue = new DeadlineHeap<HeapItem>();
    const items = Array.from(
      { length: 10 },
      (): HeapItem => ({ deadline: Infinity, heapIndex: -1 }),
    );
    for (const { item, due } of changes) {
      queue.set(items[item]!, due);
      const earliest = Math.min(...items.map(({ deadline }) => deadline));
      assertEquals(queue.first?.deadline ?? Infinity, earliest);
    }
    const order: number[] = [];
    for (let first = queue.first; first !== undefined; first = queue.first) {
      order.push(first.deadline);
      queue.remove(first);
    }
    assertEquals(order, order.toSorted((a, b) => a - b));
  }));
});
