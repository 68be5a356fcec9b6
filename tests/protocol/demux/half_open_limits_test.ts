import { assert, assertEquals } from "@std/assert";
import { Prng } from "../../../lib/base/prng.ts";
import {
  type Config,
  DEFAULT_CONFIG,
} from "../../../lib/protocol/connection/config.ts";
import type { Connection } from "../../../lib/protocol/connection/connection.ts";
import type { Address } from "../../../lib/protocol/connection/address.ts";
import { Demultiplexer } from "../../../lib/protocol/demux/demultiplexer.ts";
import { Flag, PathKind, Reset } from "../../../lib/protocol/wire/segment.ts";
import { type Datagram, pollAll, TestEndpoint } from "../support/pair.ts";
import { spoofedSyn } from "./test_network.ts";
import { datagramOf, type Draft, draftOf } from "../../support/packets.ts";

const WHOLE = DEFAULT_CONFIG.initialWindow;
const SMALL = 4_096;
const BLOCK = 2 ** 16;

/** A server that accepts only what a test accepts. */
class TestServer {
  now = 1_000;
  readonly demultiplexer: Demultiplexer<Address>;

  constructor(config: Partial<Config> = {}) {
    const random = new Prng(5);
    this.demultiplexer = new Demultiplexer({
      config: { ...DEFAULT_CONFIG, ...config },
      random: () => random.uint32(),
    });
    this.demultiplexer.listening = true;
  }

  /** Delivers a datagram. @returns what the server sends then */
  receive(datagram: Uint8Array, from: Address): Datagram[] {
    this.demultiplexer.receive(this.now, datagram, from);
    return this.pollAll();
  }

  pollAll(): Datagram[] {
    return pollAll(this.demultiplexer, this.now);
  }

  advance(milliseconds: number): Datagram[] {
    const datagrams: Datagram[] = [];
    const end = this.now + milliseconds;
    while (this.now < end) {
      this.now = Math.min(end, Math.max(this.now, this.demultiplexer.deadline));
      this.demultiplexer.wake(this.now);
      datagrams.push(...this.pollAll());
    }
    return datagrams;
  }
}

/** A peer that opens a connection and then sends what a test likes. */
class RawPeer {
  #packet = 0;
  /** Sequence number after the last that may be sent. */
  edge = 0;
  /** The number of the packet with the SYN ACK, whose acknowledgement validates the address. */
  ackable = 0;
  connection: Connection | undefined;
  syns = 0;

  constructor(
    readonly server: TestServer,
    readonly id: number,
    readonly address: Address = { hostname: `peer ${id}`, port: 1 },
  ) {}

  /** Opens, with a cookie where one is asked for. */
  open(): this {
    this.#take(this.server.receive(spoofedSyn(this.id), this.address));
    this.connection = this.server.demultiplexer.nextIncoming();
    return this;
  }

  send(draft: Draft): Datagram[] {
    const common = { id: this.id, packetNumber: ++this.#packet };
    const { ackable } = this;
    const proof = ackable > 0
      ? { flags: Flag.ACK, ack: 1, blocks: [[ackable, ackable + 1]] as const }
      : {};
    const flags = (proof.flags ?? 0) | (draft.flags ?? 0);
    const datagram = datagramOf({ ...proof, ...common, ...draft, flags });
    const datagrams = this.server.receive(datagram, this.address);
    this.#take(datagrams);
    return datagrams;
  }

  #take(datagrams: Datagram[]): void {
    for (const { datagram, to } of datagrams) {
      const { id, flags, pathKind, cookie, ...rest } = draftOf(datagram);
      if (id !== this.id || to.hostname !== this.address.hostname) continue;
      if (pathKind === PathKind.COOKIE) {
        this.#take(
          this.server.receive(spoofedSyn(this.id, cookie), this.address),
        );
      } else if (flags & Flag.SYN) {
        this.syns++;
        this.ackable = rest.packetNumber;
        this.edge = Math.max(this.edge, 1 + rest.initialWindow);
      }
      if (flags & Flag.ACK) {
        this.edge = Math.max(this.edge, rest.ack + rest.window);
      }
    }
  }
}

/** The last of so many peers that opened a connection. */
function lastPeer(server: TestServer, count: number): RawPeer {
  return rawPeers(server, count).at(-1)!;
}

function rawPeers(server: TestServer, count: number): RawPeer[] {
  return Array.from({ length: count }, (_, i) => {
    return new RawPeer(server, i + 1).open();
  });
}

Deno.test("two peers at a time may send a whole window before they are accepted, all others a small one", () => {
  const server = new TestServer();
  const edges = rawPeers(server, 40).map(({ edge }) => edge - 1);
  assertEquals(edges.slice(0, 2), [WHOLE, WHOLE]);
  assertEquals(new Set(edges.slice(2)), new Set([SMALL]));
  // Who leaves, leaves it to the next.
  server.advance(DEFAULT_CONFIG.timeout + 5_000);
  const [again] = [new RawPeer(server, 100).open()];
  assertEquals(again.edge - 1, WHOLE);
});

Deno.test("the window of a half-open connection does not grow, whatever its peer asks for and wherever it writes", () => {
  for (const index of [1, 6]) {
    const server = new TestServer();
    const peer = lastPeer(server, index);
    const { edge } = peer;
    for (let i = 0; i < 20; i++) {
      peer.send({
        flags: Flag.BLOCKED | Flag.PSH,
        seq: peer.edge - 1,
        payload: Uint8Array.of(1),
      });
    }
    assertEquals(peer.edge, edge);
  }
});

Deno.test("the window moves on as the application reads, and grows only with that once the connection is accepted", () => {
  const server = new TestServer();
  const peer = lastPeer(server, 3);
  const connection = peer.connection!;
  const into = new Uint8Array(2_000);
  const write = () => {
    const seq = 1 + sent;
    sent += 1_000;
    peer.send({
      flags: Flag.BLOCKED | Flag.PSH,
      seq,
      payload: new Uint8Array(1_000),
    });
  };
  let sent = 0;
  for (let i = 0; i < 3; i++) write();
  while (connection.read(into) > 0);
  write();
  assertEquals(peer.edge, 1 + 3_000 + SMALL);
  assert(server.demultiplexer.accept(connection));
  write();
  const granted = peer.edge;
  assert(granted >= WHOLE, "at once");
  // One byte at the edge uses nothing up.
  peer.send({
    flags: Flag.BLOCKED | Flag.PSH,
    seq: granted - 1,
    payload: Uint8Array.of(1),
  });
  assertEquals(peer.edge, granted);
  for (let i = 0; i < 100; i++) {
    write();
    while (connection.read(into) > 0);
  }
  write();
  assert(peer.edge > 2 * WHOLE, "what was read does");
});

Deno.test("a peer is told of its whole window as soon as it is accepted", () => {
  const server = new TestServer();
  const peer = lastPeer(server, 3);
  peer.send({ flags: Flag.PSH, seq: 1, payload: Uint8Array.of(1) });
  assert(server.demultiplexer.accept(peer.connection!));
  const windows = server.pollAll().map(({ datagram }) => draftOf(datagram))
    .filter(({ id }) => id === peer.id)
    .map(({ ack, window }) => ack + window);
  assertEquals(windows, [1 + WHOLE]);
});

Deno.test("few holes are kept in what a half-open connection received, some thousands in an accepted one", () => {
  for (const [admitted, most] of [[false, 8], [true, 4_096]] as const) {
    const server = new TestServer();
    const peer = lastPeer(server, 1);
    if (admitted) server.demultiplexer.accept(peer.connection!);
    let acked = 0;
    for (let i = 1; i <= 5_000; i++) {
      const datagrams = peer.send({
        flags: Flag.PSH,
        seq: 1 + 2 * i,
        payload: Uint8Array.of(1),
      });
      const [newest] = draftOf(datagrams.at(-1)!.datagram).blocks;
      if (newest![1] === i + 1) acked++;
    }
    assertEquals(acked, most, "what is not kept is not acknowledged");
    // The hole itself is always taken.
    peer.send({ flags: Flag.PSH, seq: 1, payload: new Uint8Array(2) });
    assertEquals(peer.connection!.readable, 3);
  }
});

Deno.test("bytes far apart in half-open connections take little memory", () => {
  const server = new TestServer();
  const before = Deno.memoryUsage();
  const all = rawPeers(server, 200);
  for (const peer of all) {
    for (let at = 1; at < peer.edge; at += BLOCK) {
      const payload = Uint8Array.of(1);
      peer.send({ flags: Flag.BLOCKED, seq: at, payload });
      peer.send({ flags: Flag.BLOCKED, seq: peer.edge - 1, payload });
    }
  }
  const after = Deno.memoryUsage();
  const grown = after.external + after.heapUsed - before.external -
    before.heapUsed;
  // With what is not collected yet; a window that grew, with a block for each byte, would be gigabytes.
  assert(grown < 40e6, `${grown} bytes`);
});

Deno.test("SYN and RST in turn are soon answered with a cookie", () => {
  const server = new TestServer();
  let begun = 0;
  for (let id = 1; id <= 1_000; id++) {
    const from = { hostname: `forged ${id}`, port: 1 };
    server.receive(spoofedSyn(id), from);
    if (server.demultiplexer.nextIncoming() !== undefined) begun++;
    const payload = Uint8Array.of(Reset.ABORTED);
    const reset = { flags: Flag.RST, id, payload };
    server.receive(datagramOf({ ...reset, packetNumber: 2 }), from);
    server.advance(1);
  }
  // In one second.
  assert(begun > 0 && begun < 50, `${begun} handshakes begun`);
});

Deno.test("an accepted connection is not displaced", () => {
  const server = new TestServer({ maxHalfOpen: 10, maxConnections: 2 });
  const first = lastPeer(server, 1);
  first.send({});
  assert(server.demultiplexer.accept(first.connection!));
  for (let id = 10; id < 100; id++) new RawPeer(server, id).open();
  assertEquals(first.connection!.closeReason, undefined);
  assertEquals(server.demultiplexer.size, 11);
});

Deno.test("a displaced connection begins anew when its SYN is repeated", () => {
  const server = new TestServer({ maxHalfOpen: 10 });
  const first = lastPeer(server, 1);
  for (let id = 10; id < 40; id++) new RawPeer(server, id).open();
  assertEquals(first.connection!.closeReason, "displaced");
  first.open();
  assertEquals([first.syns, first.connection?.closeReason], [2, undefined]);
});

for (const rate of [20, 100, 400, 1_000]) {
  for (const where of ["one address", "the sender's address", "many"]) {
    for (const says of ["nothing", "that it is there"]) {
      Deno.test(`an honest sender 100 ms away gets in beside ${rate} SYNs a second that answer cookies, from ${where}, and then say ${says}`, () => {
        getsInBeside({ rate, where, answers: says !== "nothing" });
      });
    }
  }
}

/** A sender begins some seconds after a flood, and completes its handshake within five. */
function getsInBeside(
  { rate, where, answers }: { rate: number; where: string; answers: boolean },
): void {
  const server = new TestServer();
  const honest = new TestEndpoint("honest", 77);
  const addressOf = (id: number) => {
    if (where === "many") return `127.0.${id >> 8 & 255}.${id & 255}`;
    return where === "one address" ? "attacker" : "honest";
  };
  const delayed: { at: number; deliver: () => void }[] = [];
  const later = (deliver: () => void) =>
    delayed.push({ at: server.now + 50, deliver });
  const post = (datagrams: Datagram[]) => {
    for (const { datagram, to } of datagrams) {
      if (to.hostname !== "honest" || to.port !== 5000) continue;
      later(() =>
        honest.demultiplexer.receive(server.now, datagram, {
          hostname: "server",
          port: 5000,
        })
      );
    }
  };
  const start = server.now;
  const begin = start + (rate < 100 ? 10_000 : 2_000);
  let near: Connection | undefined;
  let id = 0;
  const seen = new Set<Connection>();
  for (; server.now < begin + 5_000;) {
    server.now++;
    server.demultiplexer.wake(server.now);
    post(server.pollAll());
    while (id < (server.now - start) * rate / 1_000) {
      const address = { hostname: addressOf(++id), port: 10_000 + id % 50_000 };
      const peer = new RawPeer(server, id, address);
      peer.open();
      if (peer.connection) seen.add(peer.connection);
      if (answers) peer.send({});
    }
    if (server.now >= begin && near === undefined) {
      const to = { hostname: "server", port: 5000 };
      near = honest.demultiplexer.connect(server.now, to);
      near.write(new Uint8Array(100));
    }
    honest.demultiplexer.wake(server.now);
    for (const { datagram } of honest.pollAll(server.now)) {
      later(() => {
        server.demultiplexer.receive(server.now, datagram, honest.address);
        post(server.pollAll());
      });
    }
    while (delayed.length > 0 && delayed[0]!.at <= server.now) {
      delayed.shift()!.deliver();
    }
    // The handshake above: a HELLO is answered, and then FINISHED makes it.
    for (;;) {
      const connection = server.demultiplexer.nextIncoming();
      if (connection === undefined) break;
      seen.add(connection);
    }
    for (const connection of seen) {
      if (connection.closeReason !== undefined) seen.delete(connection);
      else if (connection.id === near?.id) {
        const length = connection.read(new Uint8Array(1_000));
        if (length === 100) connection.write(new Uint8Array(100));
        if (length === 50) {
          return assert(server.demultiplexer.accept(connection));
        }
      }
    }
    if (near && near.read(new Uint8Array(100)) === 100) {
      near.write(new Uint8Array(50));
    }
    post(server.pollAll());
  }
  throw new Error("It did not get in");
}
