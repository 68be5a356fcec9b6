import { assertEquals } from "@std/assert";
import { Prng } from "../../lib/base/prng.ts";
import { CandidateExchange } from "../../lib/meet/candidate_exchange.ts";
import type { Address } from "../../lib/protocol/connection/address.ts";
import {
  encodeSideDatagram,
  SideMark,
} from "../../lib/protocol/wire/side_datagram.ts";

const RELAY = { hostname: "203.0.113.9", port: 5050 };
const CONNECTION = 2 ** 31 + 9;
const OURS: Address[] = [
  { hostname: "198.51.100.2", port: 40_001 },
  { hostname: "2001:db8::7", port: 40_001 },
];
const THEIRS: Address[] = [{ hostname: "10.2.0.2", port: 5000 }];

/** Both sides, and what each has heard. */
function exchange() {
  const secret = new Prng(1).bytes(32);
  const heard: { client: Address[][]; server: Address[][] } = {
    client: [],
    server: [],
  };
  const side = (role: "client" | "server", candidates: Address[]) =>
    new CandidateExchange<Address>({
      role,
      secret,
      connection: CONNECTION,
      relay: RELAY,
      candidates,
      onCandidates: (told) => heard[role].push([...told]),
    });
  return {
    client: side("client", OURS),
    server: side("server", THEIRS),
    heard,
  };
}

type Exchange = ReturnType<typeof exchange>;

type Side = CandidateExchange<Address>;

/** What these sides send in so many milliseconds, each time. */
function* sentBy<S extends Side>(
  sides: readonly S[],
  time: number,
): Generator<{ now: number; side: S; datagram: Uint8Array }> {
  for (let now = 0; now < time; now += 50) {
    for (const side of sides) {
      for (let next = side.poll(now); next; next = side.poll(now)) {
        yield { now, side, datagram: next.bytes };
      }
    }
  }
}

/** Runs both; `meddle` sees each datagram and says what arrives in its place. */
function run(
  { client, server }: Exchange,
  meddle: (datagram: Uint8Array, from: "client" | "server") => Uint8Array[],
): number {
  let sent = 0;
  for (const { now, side, datagram } of sentBy([client, server], 600_000)) {
    sent++;
    const [from, other] = side === client
      ? ["client", server] as const
      : ["server", client] as const;
    for (const passed of meddle(datagram, from)) {
      other.receive(now, passed, RELAY);
    }
  }
  return sent;
}

Deno.test("each side hears the other's addresses once, and then it is quiet", () => {
  const both = exchange();
  const sent = run(both, (datagram) => [datagram]);
  assertEquals(both.heard, { client: [THEIRS], server: [OURS] });
  assertEquals(sent <= 4, true);
});

Deno.test("addresses arrive although every second datagram is lost, doubled or late", () => {
  for (const seed of [1, 2, 3]) {
    const both = exchange();
    const prng = new Prng(seed);
    let late: Uint8Array[] = [];
    run(both, (datagram) => {
      const copy = datagram.slice();
      switch (prng.uint32() % 4) {
        case 0:
          return [];
        case 1:
          return [copy, copy.slice()];
        case 2: {
          const due = late;
          late = [copy];
          return due;
        }
        default:
          return [copy];
      }
    });
    assertEquals(both.heard, { client: [THEIRS], server: [OURS] });
  }
});

Deno.test("a relay that changes candidates has none of them taken (M-9)", () => {
  const both = exchange();
  const prng = new Prng(4);
  run(both, (datagram) => {
    const changed = datagram.slice();
    changed[20 + prng.uint32() % (changed.length - 20)]! ^= 1;
    return [withRightChecksum(changed)];
  });
  assertEquals(both.heard, { client: [], server: [] });
});

Deno.test("a relay that reflects candidates has none of them taken (M-9)", () => {
  const both = exchange();
  const { client, server } = both;
  for (const { now, side, datagram } of sentBy([client, server], 10_000)) {
    side.receive(now, datagram, RELAY);
  }
  assertEquals(both.heard, { client: [], server: [] });
});

Deno.test("a relay that swaps candidates for those of another connection has none of them taken (M-9)", () => {
  const both = exchange();
  const other = new CandidateExchange<Address>({
    role: "client",
    secret: new Prng(2).bytes(32),
    connection: CONNECTION,
    relay: RELAY,
    candidates: [{ hostname: "192.0.2.66", port: 666 }],
    onCandidates: () => {},
  });
  const { bytes } = other.poll(0)!;
  run(both, (datagram, from) => [from === "client" ? bytes : datagram]);
  assertEquals(both.heard.server, []);
});

Deno.test("a relay that replays candidates has them taken once, and answered a bounded number of times", () => {
  const both = exchange();
  const first = both.client.poll(0)!.bytes.slice();
  let answers = 0;
  for (let index = 0; index < 1000; index++) {
    both.server.receive(0, first, RELAY);
    while (both.server.poll(0) !== undefined) answers++;
  }
  assertEquals(both.heard.server, [OURS]);
  assertEquals(answers <= 40, true);
});

Deno.test("no two datagrams of a side have the same count (M-8)", () => {
  const { client } = exchange();
  const counts = Array.from(
    sentBy([client], 600_000),
    ({ datagram }) => datagram.slice(12, 16).join(),
  );
  assertEquals(counts.length, 10);
  assertEquals(new Set(counts).size, 10);
});

function withRightChecksum(datagram: Uint8Array<ArrayBuffer>): Uint8Array {
  const { kind, body } = { kind: datagram[7]!, body: datagram.slice(8) };
  return encodeSideDatagram(SideMark.CANDIDATES, { kind, body });
}
