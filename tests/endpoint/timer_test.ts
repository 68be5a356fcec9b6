import { assert, assertEquals } from "@std/assert";
import { Timer } from "../../lib/endpoint/timer.ts";
import { udpSocket } from "../net/udp.ts";
import { pause } from "../support/wait.ts";

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
  await pause(40);
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
  await pause(10);
  assertEquals(fired.length, 0);
});

/** Milliseconds after which all that the tests below set has fired. */
const LONG = 60;

/** Lets time pass without a turn of the event loop. */
function block(time: number): void {
  const end = performance.now() + time;
  while (performance.now() < end);
}

/** Lets datagrams arrive in the turn in which a timer is due, again and again. */
async function withArrivals(
  onArrival: () => void,
  beforeEach: () => void,
): Promise<void> {
  const [far, near] = [udpSocket(), udpSocket()];
  for (let i = 0; i < 20; i++) {
    beforeEach();
    const arriving = near.receive().then(onArrival);
    await Promise.all([far.send(new Uint8Array(1), near.addr), arriving]);
  }
  far.close();
  near.close();
}

Deno.test("a timer that is cleared as it is due does not call, unless it has", async () => {
  let [calls, before] = [0, 0];
  const timer = new Timer(() => calls++);
  await withArrivals(
    () => {
      before = calls;
      timer.clear();
    },
    () => {
      assertEquals(calls, before);
      const now = performance.now();
      timer.set(now + 5, now);
      block(10);
    },
  );
  await pause(LONG);
  assertEquals(calls, before);
});

Deno.test("a timer that is set anew as it is due does not call the more often", async () => {
  let calls = 0;
  let ended = false;
  const timer = new Timer(() => {
    calls++;
    setTimer();
  });
  const setTimer = () => {
    if (ended) return;
    const now = performance.now();
    timer.set(now + 5, now);
  };
  await withArrivals(
    () => {
      timer.clear();
      setTimer();
    },
    () => block(10),
  );
  const before = calls;
  await pause(LONG);
  ended = true;
  timer.clear();
  assert(calls - before <= LONG / 4, `${calls - before} calls`);
});
