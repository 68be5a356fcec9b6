import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
} from "@std/assert";
import { type Conditions, Link } from "./link.ts";

/** Sends datagrams of 1,000 bytes, one a millisecond. Returns when each copy comes out. */
function passThrough(link: Link, count = 10_000): number[][] {
  return Array.from({ length: count }, (_, now) => {
    const copies = link.enter(now, 1_000);
    return [...link.exits.subarray(0, copies)];
  });
}

function shareThatPasses(conditions: Conditions): number {
  const link = new Link(conditions, 1);
  return passThrough(link).filter((exits) => exits.length > 0).length / 10_000;
}

Deno.test("a link without conditions passes everything at once", () => {
  const exits = passThrough(new Link({}, 1), 3);
  assertEquals(exits, [[0], [1], [2]]);
});

Deno.test("a link passes everything after its delay", () => {
  const exits = passThrough(new Link({ delay: 25 }, 1), 3);
  assertEquals(exits, [[25], [26], [27]]);
});

Deno.test("the same seed makes the same decisions, another seed others", () => {
  const all: Conditions = {
    rate: 900,
    queue: 20_000,
    jitter: 5,
    loss: 0.1,
    burst: { enter: 0.01, leave: 0.3 },
    reorder: 0.1,
    duplicate: 0.1,
    corrupt: 0.1,
  };
  const once = passThrough(new Link(all, 7));
  assertEquals(passThrough(new Link(all, 7)), once);
  assertNotEquals(passThrough(new Link(all, 8)), once);
});

Deno.test("a bottleneck spaces datagrams and drops what its queue cannot hold", () => {
  const link = new Link({ rate: 100, queue: 2_500, delay: 5 }, 1);
  const exits = [1, 2, 3, 4].map(() =>
    link.enter(0, 1_000) ? link.exits[0] : Infinity
  );
  assertEquals(exits, [15, 25, Infinity, Infinity]);
  assertEquals(link.counters.overflowed, 2);
  assertEquals(link.enter(10, 1_000), 1);
  assertEquals(link.exits[0], 35);
});

Deno.test("flows through one link share its rate", () => {
  const link = new Link({ rate: 100 }, 1);
  link.enter(0, 1_000);
  link.enter(0, 1_000);
  assertEquals(link.exits[0], 20);
});

Deno.test("random loss takes its share", () => {
  assertAlmostEquals(shareThatPasses({ loss: 0.2 }), 0.8, 0.02);
  assertEquals(shareThatPasses({ loss: 1 }), 0);
});

Deno.test("burst loss takes its share in bursts of the mean length", () => {
  const link = new Link({ burst: { enter: 0.01, leave: 0.1 } }, 3);
  const lost = passThrough(link, 100_000).map((exits) => exits.length === 0);
  const losses = lost.filter(Boolean).length;
  const bursts = lost.filter((is, i) => is && !lost[i - 1]).length;
  assertAlmostEquals(losses / lost.length, 0.01 / 0.11, 0.02);
  assertAlmostEquals(losses / bursts, 10, 1);
  assertEquals(link.counters.burstLost, losses);
});

Deno.test("one kind of trouble leaves the decisions of another as they were", () => {
  const lost = (conditions: Conditions) =>
    passThrough(new Link(conditions, 5)).map((exits) => exits.length === 0);
  assertEquals(
    lost({ loss: 0.3, jitter: 3, reorder: 0.2, duplicate: 0.2, corrupt: 0.2 }),
    lost({ loss: 0.3 }),
  );
});

Deno.test("reordered datagrams are overtaken, the others keep their order", () => {
  const link = new Link({ reorder: 0.1, reorderBy: 20 }, 1);
  const exits = passThrough(link).map(([exit]) => exit);
  const overtaken = exits.filter((exit, i) => exit! > exits[i + 1]!).length;
  assertAlmostEquals(link.counters.reordered / 10_000, 0.1, 0.02);
  assert(overtaken > 0 && overtaken <= link.counters.reordered);
});

Deno.test("jitter stays below its bound", () => {
  const exits = passThrough(new Link({ delay: 10, jitter: 5 }, 1));
  const delays = exits.map(([exit = 0], now) => exit - now);
  assert(Math.min(...delays) >= 10 && Math.max(...delays) < 15);
});

Deno.test("duplicated datagrams come out twice", () => {
  const link = new Link({ duplicate: 0.1 }, 1);
  const twice = passThrough(link).filter((exits) => exits.length === 2).length;
  assertAlmostEquals(twice / 10_000, 0.1, 0.02);
  assertEquals(link.counters.duplicated, twice);
});

Deno.test("damage always changes a datagram, now and then its length", () => {
  const link = new Link({ corrupt: 0.5 }, 1);
  const whole = new Uint8Array(40).fill(0x55);
  let shortened = 0;
  for (let i = 0; i < 1_000; i++) {
    const datagram = whole.slice();
    const length = link.damage(datagram);
    assert(length <= whole.length);
    if (length < whole.length) shortened++;
    else assertNotEquals(datagram, whole);
  }
  assertAlmostEquals(shortened / 1_000, 0.25, 0.05);
  assertEquals(link.damage(new Uint8Array(0)), 0);
});

Deno.test("nothing passes in a blackout or in the dark", () => {
  const link = new Link({ blackouts: [[10, 20], [50, Infinity]] }, 1);
  const passes = (now: number) => link.enter(now, 100) > 0;
  assertEquals([9, 10, 19, 20, 49, 50, 1e9].map(passes), [
    true,
    false,
    false,
    true,
    true,
    false,
    false,
  ]);
  link.dark = true;
  assert(!passes(30));
  assertEquals(link.counters.darkened, 5);
});

Deno.test("what is larger than the MTU vanishes", () => {
  const link = new Link({ mtu: 1_472 }, 1);
  assertEquals(link.enter(0, 1_472), 1);
  assertEquals(link.enter(0, 1_473), 0);
  assertEquals(link.counters.oversized, 1);
});

Deno.test("every datagram that enters is counted once, as passed or as dropped", () => {
  const link = new Link({
    rate: 900,
    queue: 20_000,
    mtu: 1_000,
    loss: 0.1,
    burst: { enter: 0.01, leave: 0.3 },
    blackouts: [[100, 900]],
  }, 1);
  passThrough(link);
  const { entered, passed, darkened, oversized, lost, burstLost, overflowed } =
    link.counters;
  assertEquals(
    passed + darkened + oversized + lost + burstLost + overflowed,
    entered,
  );
});
