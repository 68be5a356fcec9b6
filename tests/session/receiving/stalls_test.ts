import { assertEquals } from "@std/assert";
import {
  makeRoom,
  Stall,
  type Stalls,
} from "../../../lib/session/receiving/stalls.ts";

/** Transfers by name, and which of them were ended. */
function transfers(stalls: Stalls) {
  const ended: string[] = [];
  const offer = (name: string, source: string, now: number) =>
    new Stall(stalls, { abort: () => ended.push(name) }, source, now);
  const begin = (name: string, now: number) => {
    const stall = offer(name, "192.0.2.1", now);
    stall.accept(now);
    return stall;
  };
  return { ended, offer, begin };
}

Deno.test("a transfer that stands still gives way, the one that does for longest first", () => {
  const stalls: Stalls = new Set();
  const { ended, begin } = transfers(stalls);
  begin("one", 0);
  const two = begin("two", 1000);
  const three = begin("three", 2000);
  two.progressed(9000);
  assertEquals(makeRoom(stalls, 9999), false);
  assertEquals(makeRoom(stalls, 15_000), true);
  assertEquals(makeRoom(stalls, 15_000), true);
  assertEquals(ended, ["one", "three"]);
  three.progressed(15_000);
  assertEquals(makeRoom(stalls, 18_999), false);
  assertEquals(makeRoom(stalls, 19_000), true);
  assertEquals(ended, ["one", "three", "two"]);
});

Deno.test("a transfer that has ended, or goes on, does not give way", () => {
  const stalls: Stalls = new Set();
  const { ended, begin } = transfers(stalls);
  begin("over", 0)[Symbol.dispose]();
  const going = begin("going", 0);
  for (let now = 0; now < 60_000; now += 5000) going.progressed(now);
  assertEquals(makeRoom(stalls, 60_000), false);
  assertEquals(ended, []);
});

Deno.test("an offer that a person decides on keeps its place, but not many from one address", () => {
  const stalls: Stalls = new Set();
  const { ended, offer } = transfers(stalls);
  offer("alone", "192.0.2.1", 0);
  offer("first", "192.0.2.2", 1000);
  offer("second", "192.0.2.2", 2000);
  assertEquals(makeRoom(stalls, 10_999), false);
  assertEquals(makeRoom(stalls, 30_000), true);
  assertEquals(ended, ["first"]);
  assertEquals(makeRoom(stalls, 60_000), false);
});
