import { assert, assertEquals } from "@std/assert";
import { Prng } from "../../lib/base/prng.ts";
import type { NatKind } from "../net/nat.ts";
import { Internet, RELAY } from "./internet.ts";

const KINDS: readonly NatKind[] = ["none", "cone", "full", "hard", "shut"];
/** Pairs without a direct path. */
const RELAYED = new Set(["cone hard", "hard hard"]);

/** Both, once they are connected by the relay and have told each other their addresses. */
function connected(a: NatKind, b: NatKind): Internet {
  const internet = new Internet([a, b]);
  internet.client.write(new Uint8Array(100));
  internet.pass(200);
  assertEquals(internet.client.state, "ESTABLISHED");
  assertEquals(internet.received, 100);
  internet.tell();
  return internet;
}

/** Sends this much for `time` milliseconds, as far as it is taken. */
function send(internet: Internet, bytes: number, time: number): number {
  let rest = bytes;
  const end = internet.now + time;
  while (internet.now < end) {
    const part = new Uint8Array(Math.min(rest, 2 ** 16));
    rest -= internet.client.write(part);
    internet.pass(20);
  }
  return bytes - rest;
}

for (const a of KINDS) {
  for (const b of KINDS) {
    const isDirect = a !== "shut" && b !== "shut" &&
      !RELAYED.has(`${a} ${b}`) && !RELAYED.has(`${b} ${a}`);
    Deno.test(`behind NATs ${a} and ${b} two connect ${isDirect ? "directly" : "by the relay"}, and all arrives`, () => {
      const internet = connected(a, b);
      const sent = send(internet, 300_000, 3000);
      assertEquals(internet.isDirect, isDirect);
      assertEquals(sent, 300_000);
      assertEquals(internet.received, 300_100);
    });
  }
}

Deno.test("a direct path that falls silent gives way to the relay, and is taken again", () => {
  const internet = connected("cone", "cone");
  send(internet, 100_000, 2000);
  assert(internet.isDirect);
  internet.blocked = true;
  send(internet, 100_000, 8000);
  assertEquals(internet.paths, [RELAY, RELAY]);
  assertEquals(internet.received, 200_100);
  internet.blocked = false;
  internet.pass(12_000);
  assert(internet.isDirect);
});

Deno.test("a direct path that comes up later is taken", () => {
  const internet = connected("cone", "cone");
  internet.blocked = true;
  internet.pass(30_000);
  assertEquals(internet.paths, [RELAY, RELAY]);
  internet.blocked = false;
  internet.pass(12_000);
  assert(internet.isDirect);
});

Deno.test("a relay that is gone does not disturb a direct pair", () => {
  const internet = connected("cone", "none");
  send(internet, 10_000, 2000);
  internet.relays = false;
  const sent = send(internet, 500_000, 60_000);
  assertEquals(internet.received, 10_100 + sent);
  assertEquals(sent, 500_000);
  assert(internet.isDirect);
});

Deno.test("a pair without a direct path tries for one seldom, with few bytes", () => {
  const internet = connected("hard", "hard");
  internet.pass(2000);
  internet.direct = 0;
  internet.pass(60_000);
  assert(internet.direct <= 2 * 2 * 7, `${internet.direct}`);
});

Deno.test("an address that only reflects is not taken for the peer", () => {
  const internet = connected("none", "none");
  const echo = { hostname: "192.0.2.7", port: 7 };
  internet.blocked = true;
  const [demultiplexer] = internet.demultiplexers;
  demultiplexer.tryDirectly(internet.now, internet.client, [echo]);
  const into = new Uint8Array(65_536);
  let echoed = 0;
  for (let turn = 0; turn < 2000; turn++) {
    for (;;) {
      const sent = demultiplexer.poll(internet.now, into);
      if (sent === undefined) break;
      const datagram = into.slice(0, sent.length);
      if (sent.to.hostname === echo.hostname) {
        echoed++;
        demultiplexer.receive(internet.now, datagram, echo);
      }
    }
    internet.now += 10;
    demultiplexer.wake(internet.now);
  }
  assert(echoed > 0);
  assert(internet.paths[0].hostname !== echo.hostname);
});

/** What a hostile relay does to datagrams, by what it is called. */
const HOSTILE: Record<string, (prng: Prng) => Internet["meddle"]> = {
  changes: (prng) => (datagram) => {
    const changed = datagram.slice();
    changed[prng.int(changed.length)]! ^= 1 + prng.int(255);
    return prng.int(3) === 0 ? [changed] : [datagram];
  },
  replays: (prng) => {
    const seen: Uint8Array[] = [];
    return (datagram) => {
      seen.push(datagram);
      return [datagram, seen[prng.int(seen.length)]!];
    };
  },
  swaps: () => {
    let held: Uint8Array | undefined;
    return (datagram) => {
      const passed = held === undefined ? [] : [datagram, held];
      held = held === undefined ? datagram : undefined;
      return passed;
    };
  },
};

for (const [what, meddler] of Object.entries(HOSTILE)) {
  Deno.test(`a relay that ${what} datagrams breaks the connection at worst: no byte is wrong, and nobody else is written to`, () => {
    for (let seed = 1; seed <= 5; seed++) {
      const internet = new Internet(["none", "hard"], seed);
      internet.meddle = meddler(new Prng(seed));
      internet.client.write(new Uint8Array(100));
      internet.pass(2000);
      if (internet.server?.established) internet.tell();
      send(internet, 100_000, 10_000);
      assert(internet.received <= 100_100);
      for (const { hostname } of internet.paths) {
        assert(
          ["198.51.100.1", "198.51.100.2", RELAY.hostname].includes(hostname),
        );
      }
    }
  });
}

Deno.test("a relay that reflects datagrams breaks the connection at worst", () => {
  const internet = connected("cone", "cone");
  internet.meddle = (datagram, from) => {
    internet.inject(RELAY, internet.seen(from), datagram.slice());
    return [datagram];
  };
  send(internet, 100_000, 10_000);
  assert(internet.received <= 100_100);
});
