import { assert, assertEquals } from "@std/assert";
import { KeepAlive } from "../../../lib/protocol/connection/keep_alive.ts";

const TIMEOUT = 8_000;

/** Wakes it whenever it wants, up to `end`; returns when it asked, and when it gave up. */
function silence(keepAlive: KeepAlive, end: number) {
  const asked: number[] = [];
  while (keepAlive.deadline <= end) {
    const now = keepAlive.deadline;
    const due = keepAlive.wake(now);
    if (due === "timeout") return { asked, gaveUp: now };
    if (due === "ping") asked.push(now);
  }
  return { asked, gaveUp: undefined };
}

Deno.test("a silent peer is asked several times and then given up at the timeout", () => {
  const { asked, gaveUp } = silence(new KeepAlive(100, TIMEOUT), 100_000);
  assertEquals(gaveUp, 100 + TIMEOUT);
  assert(asked.length >= 2 && asked[0]! <= 100 + TIMEOUT / 2);
});

Deno.test("a long timeout does not mean that a peer is rarely asked", () => {
  const { asked } = silence(new KeepAlive(0, 600_000), 10_000);
  assert(asked.length > 0);
});

Deno.test("whoever says something is not asked, and not given up", () => {
  const keepAlive = new KeepAlive(0, TIMEOUT);
  for (let now = 0; now < 100_000; now += 1_000) {
    assert(keepAlive.deadline > now);
    keepAlive.onReceived(now);
  }
  assertEquals(silence(keepAlive, 1_000_000).gaveUp, 99_000 + TIMEOUT);
});

Deno.test("it is never woken for nothing twice", () => {
  const keepAlive = new KeepAlive(0, TIMEOUT);
  for (let i = 0; i < 20; i++) {
    const now = keepAlive.deadline;
    if (keepAlive.wake(now) === "timeout") return;
    assert(keepAlive.deadline > now);
  }
});

Deno.test("time in which this side stood still is not held against the peer", () => {
  const keepAlive = new KeepAlive(0, TIMEOUT);
  assertEquals(keepAlive.wake(1_000), "nothing");
  // Stopped for a minute; the timer fires before any datagram is read.
  assertEquals(keepAlive.wake(61_000), "ping");
  const { gaveUp } = silence(keepAlive, 1_000_000);
  assert(gaveUp !== undefined);
  assert(gaveUp > 61_000 + TIMEOUT / 2 && gaveUp <= 61_000 + TIMEOUT);
});
