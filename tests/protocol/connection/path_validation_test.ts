import { assert, assertEquals } from "@std/assert";
import type { Address } from "../../../lib/protocol/connection/address.ts";
import { Flag, PathKind } from "../../../lib/protocol/wire/segment.ts";
import { type Datagram, HOP, Pair, readAll } from "../support/pair.ts";
import { type Draft, draftOf } from "../../support/packets.ts";

const ELSEWHERE = { hostname: "client, elsewhere", port: 6000 };
const OTHER_PORT = { hostname: "client", port: 6000 };
const VICTIM = { hostname: "victim", port: 7000 };

/**
 * An established connection whose client's datagrams, and whose address, a test
 * decides about.
 */
class Moving {
  readonly pair = new Pair();
  readonly near;
  readonly far;
  /** Where the client is, and where else it still hears. */
  client: Address = this.pair.client.address;
  readonly hears = new Set<string>();
  /** Bytes that were sent to each address. */
  readonly sentTo = new Map<string, number>();
  readonly challenged: string[] = [];

  constructor() {
    const { near, far } = this.pair.establish();
    this.near = near;
    this.far = far;
  }

  get peer(): Address | undefined {
    return this.pair.server.demultiplexer.peerOf(this.far);
  }

  /** Lets both talk for a while. */
  pass(milliseconds: number): void {
    const { pair } = this;
    const end = pair.now + milliseconds;
    for (; pair.now < end; pair.stall(HOP)) {
      pair.deliver(pair.server, pair.client.pollAll(pair.now), this.client);
      this.#answer(pair.server.pollAll(pair.now));
    }
  }

  #answer(datagrams: Datagram[]): void {
    for (const { datagram, to } of datagrams) {
      const sent = this.sentTo.get(to.hostname) ?? 0;
      this.sentTo.set(to.hostname, sent + datagram.length);
      const { flags, pathKind } = draftOf(datagram);
      if (flags & Flag.PATH && pathKind === PathKind.CHALLENGE) {
        this.challenged.push(`${to.hostname}:${to.port}`);
      }
      const here = to.hostname === this.client.hostname &&
        to.port === this.client.port;
      if (here || this.hears.has(to.hostname)) {
        this.pair.deliver(this.pair.client, [datagram]);
      }
    }
  }

  /** A datagram of this connection that somebody else made up. */
  forge(from: Address, draft?: Draft): void {
    const forged = this.pair.forge(this.near, draft);
    this.pair.deliver(this.pair.server, [forged], from);
  }

  /**
   * The victim says that the client is there, and answers the challenges that it
   * gets.
   *
   * @returns what was sent to others
   */
  impersonate(draft: Draft = {}): Datagram[] {
    const { pair } = this;
    this.forge(VICTIM, { flags: Flag.PSH, ...draft });
    return pair.server.pollAll(pair.now).filter(({ datagram, to }) => {
      if (to.hostname !== VICTIM.hostname) return true;
      const { flags, pathHigh, pathLow } = draftOf(datagram);
      const pathKind = PathKind.RESPONSE;
      const response = { flags: Flag.PATH, pathKind, pathHigh, pathLow };
      if (flags & Flag.PATH) this.forge(VICTIM, response);
      return false;
    });
  }
}

Deno.test("a connection follows its peer to an address that answers a challenge, and loses nothing", () => {
  const moving = new Moving();
  moving.near.write(new Uint8Array(50_000).fill(7));
  moving.pass(3 * HOP);
  moving.client = ELSEWHERE;
  moving.near.write(new Uint8Array(50_000).fill(7));
  moving.pass(3_000);
  assertEquals(moving.peer, ELSEWHERE);
  assertEquals(readAll(moving.far), new Uint8Array(100_000).fill(7));
  assertEquals(moving.challenged[0], "client:5000", "both are asked");
  assert(moving.challenged.includes("client, elsewhere:6000"));
});

Deno.test("what was measured of the old path is forgotten, unless only the port is another one", () => {
  for (
    const [to, forgets] of [[ELSEWHERE, true], [OTHER_PORT, false]] as const
  ) {
    const moving = new Moving();
    moving.far.write(new Uint8Array(1_000));
    moving.pass(100);
    const before = moving.far.smoothedRtt;
    assert(before !== undefined);
    moving.client = to;
    moving.near.write(Uint8Array.of(1));
    let forgot = false;
    for (let i = 0; i < 400; i++) {
      moving.pass(HOP);
      if (moving.far.smoothedRtt === undefined) forgot = true;
    }
    assertEquals(moving.peer, to);
    assertEquals(forgot, forgets);
    // What was on its way to the old address is sent again to the new one.
    moving.far.write(new Uint8Array(5_000));
    moving.pass(1_000);
    assertEquals(moving.near.readable, 6_000);
  }
});

// P-12
Deno.test("who names a third party as its address has it sent three times what came from there at most, and nothing but challenges", () => {
  const moving = new Moving();
  moving.far.write(new Uint8Array(200_000));
  let bytes = 0;
  for (let i = 0; i < 200; i++) {
    // As an honest client that says so: acknowledging, from there.
    moving.forge(VICTIM, { flags: Flag.PSH });
    bytes += 30;
    moving.pass(HOP);
  }
  assertEquals(moving.peer, moving.pair.client.address);
  const sent = moving.sentTo.get("victim")!;
  assert(sent > 0 && sent <= 3 * bytes, `${sent} for ${bytes}`);
  assertEquals(moving.near.readable, 200_000, "the transfer went on");
});

Deno.test("a forged datagram with a huge packet number takes nothing from the peer, which may move later", () => {
  const moving = new Moving();
  moving.forge(VICTIM, { seq: 1, payload: new Uint8Array(10).fill(9) });
  moving.pass(100);
  moving.near.write(new Uint8Array(10).fill(1));
  moving.pass(2_000);
  assertEquals(readAll(moving.far), new Uint8Array(10).fill(1));
  moving.client = ELSEWHERE;
  moving.near.write(new Uint8Array(10).fill(2));
  moving.pass(2_000);
  assertEquals(moving.peer, ELSEWHERE);
  assertEquals(readAll(moving.far), new Uint8Array(10).fill(2));
});

Deno.test("who saw a datagram and answers the challenge does not get the connection while the peer is where it was", () => {
  const moving = new Moving();
  moving.hears.add(VICTIM.hostname);
  const honest = moving.client;
  for (let i = 0; i < 100; i++) {
    moving.pair.deliver(moving.pair.client, moving.impersonate());
    moving.pass(HOP);
    assertEquals(moving.peer, honest);
  }
});

Deno.test("a peer that was robbed of its connection while it was silent takes it back", () => {
  const moving = new Moving();
  const honest = moving.client;
  // It hears nothing for a while, and somebody answers in its place.
  for (let i = 0; i < 200 && moving.peer === honest; i++) {
    moving.impersonate({ packetNumber: 100 + i });
    moving.pair.stall(HOP);
  }
  assertEquals(moving.peer, VICTIM);
  moving.near.write(Uint8Array.of(1));
  moving.pass(1_000);
  assertEquals(moving.peer, honest);
});

Deno.test("a response from elsewhere, or to another challenge, proves nothing", () => {
  const moving = new Moving();
  moving.forge(VICTIM, { flags: Flag.PSH });
  const challenges = moving.pair.server.pollAll(moving.pair.now)
    .filter(({ to }) => to.hostname === VICTIM.hostname)
    .map(({ datagram }) => draftOf(datagram));
  assertEquals(challenges.length, 1);
  const { pathHigh, pathLow } = challenges[0]!;
  const response = { flags: Flag.PATH, pathKind: PathKind.RESPONSE };
  moving.forge(ELSEWHERE, { ...response, pathHigh, pathLow });
  moving.forge(VICTIM, { ...response, pathHigh, pathLow: pathLow ^ 1 });
  moving.pair.stall(5_000);
  assertEquals(moving.peer, moving.pair.client.address);
});

Deno.test("a reset from another address ends nothing", () => {
  const moving = new Moving();
  moving.forge(VICTIM, { flags: Flag.RST, payload: Uint8Array.of(2) });
  assertEquals(moving.far.state, "ESTABLISHED");
});

Deno.test("an answer to a challenge is no larger than the challenge", () => {
  const moving = new Moving();
  const { near, pair } = moving;
  const challenge = pair.forge(near, { flags: Flag.PATH, pathLow: 5 });
  pair.deliver(pair.client, [challenge]);
  const answers = pair.collect(pair.client);
  assertEquals(answers.map(({ length }) => length), [challenge.length]);
  const { pathKind, pathLow } = draftOf(answers[0]!);
  assertEquals([pathKind, pathLow], [PathKind.RESPONSE, 5]);
});

Deno.test("a server that answers from another of its addresses is understood", () => {
  const pair = new Pair();
  const near = pair.connect();
  near.write(new Uint8Array(3_000));
  const other = { hostname: "server, otherwise", port: 5000 };
  for (let i = 0; i < 20; i++) {
    pair.deliver(pair.server, pair.collect(pair.client));
    pair.deliver(pair.client, pair.collect(pair.server), other);
    pair.stall(HOP);
  }
  assertEquals(near.unacknowledged, 0);
  assertEquals(pair.client.demultiplexer.peerOf(near), pair.server.address);
});
