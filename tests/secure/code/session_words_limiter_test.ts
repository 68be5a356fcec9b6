import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import { SessionWordsLimiter } from "../../../lib/secure/code/session_words_limiter.ts";

/** Milliseconds that timers may be early by. */
const EARLY = 2;

/** The limiter's timers keep no process alive; sockets do, where it is used. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test(name, async () => {
    const alive = setInterval(() => {}, 1000);
    await fn().finally(() => clearInterval(alive));
  });
}

test("the first handshakes are finished at once, and counted", async () => {
  const limiter = new SessionWordsLimiter({ interval: 1e6 });
  for (let i = 0; i < 8; i++) await limiter.admit("192.0.2.1");
  assertEquals(limiter.count, 8);
});

test("whoever tries for session words more often gets one at a time, from however many addresses", async () => {
  const interval = 20;
  const limiter = new SessionWordsLimiter({ free: 2, interval });
  const start = performance.now();
  const addresses = Array.from({ length: 7 }, (_, at) => `192.0.2.${at}`);
  await Promise.all(addresses.map((address) => limiter.admit(address)));
  assertEquals(limiter.count, 7);
  // The first two come for nothing, and the others after them.
  assert(performance.now() - start >= 5 * (interval - EARLY));
});

test("an honest sender does not stand behind one who tries again and again", async () => {
  const limiter = new SessionWordsLimiter({ free: 1, interval: 5 });
  await limiter.admit("192.0.2.1");
  const order: string[] = [];
  const admit = async (source: string) => {
    await limiter.admit(source);
    order.push(source);
  };
  const tries = Array.from({ length: 10 }, () => admit("192.0.2.1"));
  await Promise.all([...tries, admit("192.0.2.2")]);
  assertEquals(order[0], "192.0.2.2");
  assertEquals(order.length, 11);
});

test("a handshake that leads to something is no try", async () => {
  const limiter = new SessionWordsLimiter({ free: 1, interval: 1e6 });
  for (let i = 0; i < 20; i++) {
    await limiter.admit("192.0.2.1");
    limiter.excuse("192.0.2.1");
  }
  assertEquals(limiter.count, 0);
  limiter.excuse("192.0.2.1");
  assertEquals(limiter.count, 0);
});

test("nobody waits longer than a client does", async () => {
  const limiter = new SessionWordsLimiter({
    free: 1,
    interval: 1e6,
    patience: 10,
  });
  await limiter.admit("192.0.2.1");
  const waiting = [1, 2, 3].map(() => limiter.admit("192.0.2.1"));
  for (const one of waiting) {
    const failure = await assertRejects(() => one, Failure);
    assertEquals(failure.code, "too-many-handshakes");
  }
  // A handshake that was turned away is not counted
  assertEquals(limiter.count, 1);
});
