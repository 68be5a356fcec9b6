import { assert, assertEquals } from "@std/assert";
import { Reset } from "../../../lib/protocol/wire/segment.ts";
import { Duo, gist, readAll } from "../support/pair.ts";
import { draftOf } from "../../support/packets.ts";

const TIMEOUT = 30_000;
const HOUR = 3_600_000;

/** An established connection with a timeout. */
function established(timeout = TIMEOUT) {
  const duo = new Duo({ timeout });
  return { duo, ...duo.establish() };
}

Deno.test("a connection that says nothing lives for hours, for a few datagrams a minute", () => {
  const { duo, near, far } = established();
  const { datagramsSent } = near.counters;
  duo.pass(HOUR);
  assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
  const perMinute = (near.counters.datagramsSent - datagramsSent) / 60;
  assert(perMinute >= 2 && perMinute <= 30, `${perMinute} a minute`);
});

Deno.test("a peer that is asked for a sign of life gives one", () => {
  const { duo, near, far } = established();
  duo.talk();
  const { datagramsReceived } = near.counters;
  near.ask();
  duo.talk();
  assertEquals(near.counters.datagramsReceived, datagramsReceived + 1);
  assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
});

Deno.test("a peer that falls silent is given up exactly at the timeout", () => {
  const { duo, near, far } = established();
  const lastHeard = duo.now;
  duo.pass(TIMEOUT - 100, () => true);
  assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
  duo.pass(101, () => true);
  assertEquals([near.ending, far.ending], ["silence", "silence"]);
  assert(duo.now <= lastHeard + TIMEOUT + 1);
  assertEquals(duo.deadline, Infinity);
});

Deno.test("it is given up just so with data in flight, with a closed window, and while closing", () => {
  const setUps: Record<string, (side: ReturnType<typeof established>) => void> =
    {
      "data in flight": ({ near }) => near.write(new Uint8Array(50_000)),
      "a closed window": ({ duo, near }) => {
        near.write(new Uint8Array(1_000_000));
        duo.pass(1_000);
      },
      "a FIN in flight": ({ near }) => near.close(),
      "half closed": ({ duo, near }) => {
        near.close();
        duo.talk();
      },
    };
  for (const [what, setUp] of Object.entries(setUps)) {
    const side = established();
    const { duo, near } = side;
    setUp(side);
    const start = duo.now;
    duo.pass(TIMEOUT + 2_000, () => true);
    assertEquals(near.ending, "silence", what);
    assert(near.counters.datagramsSent < 500, what);
    assert(duo.now - start <= TIMEOUT + 2_000, what);
    assertEquals(duo.deadline, Infinity, what);
  }
});

Deno.test("who gives up says so, in case only one direction is dead", () => {
  const { duo, near, far } = established();
  const last: Uint8Array[] = [];
  // The client hears nothing, the server everything.
  duo.pass(2 * TIMEOUT, (from, datagram) => {
    if (from === duo.client) last.push(datagram);
    return from === duo.server;
  });
  assertEquals([near.ending, far.ending], ["silence", "silence"]);
  const reset = last.at(-1)!;
  assertEquals([gist(reset), draftOf(reset).payload[0]], [
    "RST 1",
    Reset.TIMEOUT,
  ]);
});

Deno.test("a blackout shorter than the timeout costs about a second more than itself", () => {
  const { duo, near, far } = established();
  near.write(new Uint8Array(100_000));
  duo.pass(10);
  duo.pass(TIMEOUT * 0.9, () => true);
  duo.pass(2_500);
  assertEquals(far.readable, 100_000);
});

Deno.test("a process that was stopped for longer than the timeout goes on", () => {
  const { duo, near, far } = established();
  near.write(new Uint8Array(10_000));
  duo.pass(1_000);
  duo.pause(10 * TIMEOUT);
  duo.pass(2_000);
  assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
  near.write(new Uint8Array(10_000));
  duo.pass(2_000);
  assertEquals(readAll(far).length, 20_000);
});

Deno.test("a peer that was stopped while the other went on is heard in time", () => {
  const { duo, near, far } = established();
  near.write(new Uint8Array(100_000));
  duo.pass(8);
  // The server's process stands still for 10 s, and its timers fire late.
  const end = duo.now + 10_000;
  while (duo.now < end) {
    duo.now = Math.min(end, Math.max(duo.now + 1, duo.client.host.deadline));
    duo.client.host.wake(duo.now);
    duo.collect(duo.client);
  }
  duo.wake();
  duo.pass(3_000);
  assertEquals(readAll(far).length, 100_000);
  assertEquals(near.state, "ESTABLISHED");
});

Deno.test("datagrams of strangers and damaged ones are no sign of life", () => {
  const { duo, near, far } = established();
  far.write(new Uint8Array(10));
  const [datagram] = duo.collect(duo.server);
  datagram[40] ^= 1;
  for (let time = 0; time < TIMEOUT; time += 1_000) {
    duo.deliver(duo.client, [datagram]);
    duo.pass(1_000, () => true);
  }
  assertEquals(near.ending, "silence");
});

Deno.test("a segment against the rules is no sign of life either", () => {
  const { duo, near, far } = established();
  far.write(new Uint8Array(10));
  far.close();
  duo.talk();
  readAll(near);
  assertEquals(far.state, "FIN-WAIT-2");
  far.abort(Reset.ABORTED);
  duo.collect(duo.server);
  assertEquals(near.state, "CLOSE-WAIT");
  duo.pass(TIMEOUT, () => true);
  assertEquals(near.ending, "silence");
});

Deno.test("a question or an answer without data repeats nothing, even after a repetition", () => {
  const { duo, near, far } = established();
  near.write(new Uint8Array(100));
  far.write(new Uint8Array(100));
  duo.pass(1_000, () => true);
  duo.pass(60_000);
  for (const { events } of [duo.client, duo.server]) {
    const sent = events.filter(({ what }) => what === "SEND");
    assert(sent.some(({ length, duplicate }) => length > 0 && duplicate));
    assert(!sent.some(({ length, duplicate }) => length === 0 && duplicate));
  }
});

Deno.test("a short timeout is kept alive by questions as well", () => {
  const { duo, near, far } = established(1_000);
  duo.pass(60_000);
  assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
});
