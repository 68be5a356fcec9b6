import { assert, assertEquals } from "@std/assert";
import { Reset } from "../../../lib/protocol/wire/segment.ts";
import { Pair, readAll, summaryOf } from "../support/pair.ts";
import { draftOf } from "../../support/packets.ts";

const TIMEOUT = 30_000;
const HOUR = 3_600_000;

/** An established connection with a timeout. */
function established(timeout = TIMEOUT) {
  const pair = new Pair({ timeout });
  return { pair, ...pair.establish() };
}

for (const timeout of [TIMEOUT, 20 * TIMEOUT]) {
  Deno.test(`a connection that says nothing lives for hours, for a few datagrams a minute, with a timeout of ${timeout} ms`, () => {
    const { pair, near, far } = established(timeout);
    const { datagramsSent } = near.counters;
    pair.advance(HOUR);
    assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
    const perMinute = (near.counters.datagramsSent - datagramsSent) / 60;
    assert(perMinute >= 2 && perMinute <= 30, `${perMinute} a minute`);
  });
}

Deno.test("a peer that is asked for a sign of life gives one", () => {
  const { pair, near, far } = established();
  pair.drive();
  const { datagramsReceived } = near.counters;
  near.ping();
  pair.drive();
  assertEquals(near.counters.datagramsReceived, datagramsReceived + 1);
  assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
});

Deno.test("a peer that falls silent is given up exactly at the timeout", () => {
  const { pair, near, far } = established();
  const lastHeard = pair.now;
  pair.advance(TIMEOUT - 100, { drop: () => true });
  assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
  pair.advance(101, { drop: () => true });
  assertEquals([near.closeReason, far.closeReason], ["silence", "silence"]);
  assert(pair.now <= lastHeard + TIMEOUT + 1);
  assertEquals(pair.deadline, Infinity);
});

Deno.test("it is given up just so with data in flight, with a closed window, and while closing", () => {
  const setUps: Record<string, (side: ReturnType<typeof established>) => void> =
    {
      "data in flight": ({ near }) => near.write(new Uint8Array(50_000)),
      "a closed window": ({ pair, near }) => {
        near.write(new Uint8Array(1_000_000));
        pair.advance(1_000);
      },
      "a FIN in flight": ({ near }) => near.close(),
      "half closed": ({ pair, near }) => {
        near.close();
        pair.drive();
      },
    };
  for (const [what, setUp] of Object.entries(setUps)) {
    const side = established();
    const { pair, near } = side;
    setUp(side);
    const start = pair.now;
    pair.advance(TIMEOUT + 2_000, { drop: () => true });
    assertEquals(near.closeReason, "silence", what);
    assert(near.counters.datagramsSent < 500, what);
    assert(pair.now - start <= TIMEOUT + 2_000, what);
    assertEquals(pair.deadline, Infinity, what);
  }
});

Deno.test("who gives up says so, in case only one direction is dead", () => {
  const { pair, near, far } = established();
  const last: Uint8Array[] = [];
  // The client hears nothing, the server everything.
  pair.advance(2 * TIMEOUT, {
    drop: (from, datagram) => {
      if (from === pair.client) last.push(datagram);
      return from === pair.server;
    },
  });
  assertEquals([near.closeReason, far.closeReason], ["silence", "silence"]);
  const reset = last.at(-1)!;
  assertEquals([summaryOf(reset), draftOf(reset).payload[0]], [
    "RST 1",
    Reset.TIMEOUT,
  ]);
});

Deno.test("a blackout shorter than the timeout costs about a second more than itself", () => {
  const { pair, near, far } = established();
  near.write(new Uint8Array(100_000));
  pair.advance(10);
  pair.advance(TIMEOUT * 0.9, { drop: () => true });
  pair.advance(2_500);
  assertEquals(far.readable, 100_000);
});

Deno.test("a process that was stopped for longer than the timeout goes on", () => {
  const { pair, near, far } = established();
  near.write(new Uint8Array(10_000));
  pair.advance(1_000);
  pair.stall(10 * TIMEOUT);
  pair.advance(2_000);
  assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
  near.write(new Uint8Array(10_000));
  pair.advance(2_000);
  assertEquals(readAll(far).length, 20_000);
});

Deno.test("a peer that was stopped while the other went on is heard in time", () => {
  const { pair, near, far } = established();
  near.write(new Uint8Array(100_000));
  pair.advance(8);
  // The server's process stands still for 10 s, and its timers fire late.
  const end = pair.now + 10_000;
  while (pair.now < end) {
    pair.now = Math.min(
      end,
      Math.max(pair.now + 1, pair.client.demultiplexer.deadline),
    );
    pair.client.demultiplexer.wake(pair.now);
    pair.collect(pair.client);
  }
  pair.wake();
  pair.advance(3_000);
  assertEquals(readAll(far).length, 100_000);
  assertEquals(near.state, "ESTABLISHED");
});

Deno.test("datagrams of strangers and damaged ones are no sign of life", () => {
  const { pair, near, far } = established();
  far.write(new Uint8Array(10));
  const datagram = pair.collectFirst(pair.server);
  datagram[40]! ^= 1;
  for (let time = 0; time < TIMEOUT; time += 1_000) {
    pair.deliver(pair.client, [datagram]);
    pair.advance(1_000, { drop: () => true });
  }
  assertEquals(near.closeReason, "silence");
});

Deno.test("a segment in violation of the protocol is no sign of life", () => {
  const { pair, near } = established();
  for (let time = 0; time < TIMEOUT; time += 1_000) {
    // Beyond any window: it is dropped, and answered.
    const beyond = { seq: 2 ** 40, payload: Uint8Array.of(1) };
    pair.deliver(pair.client, [pair.forge(near, beyond)]);
    pair.advance(1_000, { drop: () => true });
  }
  assertEquals(near.counters.dropped, TIMEOUT / 1_000);
  assertEquals(near.closeReason, "silence");
});

Deno.test("a question or an answer without data repeats nothing, even after a repetition", () => {
  const { pair, near, far } = established();
  near.write(new Uint8Array(100));
  far.write(new Uint8Array(100));
  pair.advance(1_000, { drop: () => true });
  pair.advance(60_000);
  for (const { events } of [pair.client, pair.server]) {
    const sent = events.filter(({ what }) => what === "SEND");
    assert(sent.some(({ length, duplicate }) => length > 0 && duplicate));
    assert(!sent.some(({ length, duplicate }) => length === 0 && duplicate));
  }
});

Deno.test("a short timeout is kept alive by questions as well", () => {
  const { pair, near, far } = established(1_000);
  pair.advance(60_000);
  assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
});
