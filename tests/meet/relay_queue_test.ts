import { assert, assertEquals } from "@std/assert";
import { RelayQueue } from "../../lib/meet/relay_queue.ts";

const SIZE = 1000;
/** Bytes per millisecond. */
const RATE = 100;
/** Room for all, at this rate. */
const ROOM = 2 ** 16;

/** Datagrams, each filled with its number. */
function datagrams(count: number, first = 0) {
  const bytes = new Uint8Array(count * SIZE);
  for (let i = 0; i < count; i++) {
    bytes.fill(first + i, i * SIZE, (i + 1) * SIZE);
  }
  return { bytes, size: SIZE };
}

/** All that leaves until then: when, where to, and the number of each datagram. */
function passed(
  queue: RelayQueue<string>,
  until: number,
): [number, string, number][] {
  const all: [number, string, number][] = [];
  for (let now = 0; now <= until; now = Math.max(now, queue.deadline)) {
    for (let next = queue.poll(now); next; next = queue.poll(now)) {
      for (let at = 0; at < next.bytes.length; at += SIZE) {
        all.push([now, next.target, next.bytes[at]!]);
      }
    }
  }
  return all;
}

Deno.test("what exceeds the rate waits, and leaves whole, in order and at the rate", () => {
  const queue = new RelayQueue<string>(RATE);
  assertEquals(queue.deadline, Infinity);
  assertEquals(queue.push("a", datagrams(20)), 20 * SIZE);
  const all = passed(queue, 1000);
  assertEquals(all.map(([, , number]) => number), [...Array(20).keys()]);
  for (const [index, [time]] of all.entries()) {
    assert(Math.abs(time - index * SIZE / RATE) < 0.1, `${index} at ${time}`);
  }
  assertEquals(queue.deadline, Infinity);
});

Deno.test("a datagram passes at any rate, be it larger than the rate's burst", () => {
  const queue = new RelayQueue<string>(0.1);
  queue.push("a", datagrams(2));
  assertEquals(passed(queue, 11_000).map(([time]) => time), [0, 10_000]);
});

Deno.test("one target gets half of the room, and another what it needs of the rest, in turn", () => {
  const queue = new RelayQueue<string>(RATE);
  assertEquals(queue.push("a", datagrams(100)), 32 * SIZE);
  assertEquals(queue.push("a", datagrams(1)), 0);
  assertEquals(queue.push("b", datagrams(5)), 5 * SIZE);
  const first = passed(queue, 99).map(([, target]) => target);
  assertEquals(first.join(""), "ababababab");
});

Deno.test("however many targets there are, no more bytes wait than there is room", () => {
  const queue = new RelayQueue<number>(RATE);
  let waiting = 0;
  for (let target = 0; target < 1000; target++) {
    waiting += queue.push(target, datagrams(50));
  }
  assert(waiting > 0.9 * ROOM - SIZE && waiting <= ROOM, `${waiting}`);
  // What is given up makes room
  for (let target = 0; target < 1000; target++) queue.delete(target);
  assertEquals(queue.deadline, Infinity);
  assertEquals(queue.push(0, datagrams(100)), 32 * SIZE);
});
