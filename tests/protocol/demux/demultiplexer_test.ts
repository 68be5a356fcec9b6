import { assert, assertEquals } from "@std/assert";
import { Prng } from "../../../lib/base/prng.ts";
import { DEFAULT_CONFIG } from "../../../lib/protocol/connection/config.ts";
import type { Address } from "../../../lib/protocol/connection/address.ts";
import { Demultiplexer } from "../../../lib/protocol/demux/demultiplexer.ts";
import { Flag, Reset } from "../../../lib/protocol/wire/segment.ts";
import { SideMark } from "../../../lib/protocol/wire/side_datagram.ts";
import {
  type Datagram,
  HOP,
  Pair,
  readAll,
  summaryOf,
} from "../support/pair.ts";
import { spoofedSyn, TestNetwork } from "./test_network.ts";
import { datagramOf, draftOf, mend } from "../../support/packets.ts";

Deno.test("a second client is told at once that the server is busy, and the first is not affected", () => {
  const network = new TestNetwork();
  const first = network.client("first");
  network.drive();
  const second = network.client("second");
  network.drive();
  assertEquals(second.connection.closeReason, "busy");
  assertEquals(first.connection.state, "ESTABLISHED");
  assert(network.server.demultiplexer.nextAccepted());
  assertEquals(network.server.demultiplexer.nextAccepted(), undefined);
});

Deno.test("a half-open connection is refused when another one takes the last place", () => {
  const network = new TestNetwork();
  const slow = network.client("slow");
  const [syn] = slow.endpoint.pollAll(network.now);
  network.deliver(syn!, slow.endpoint.address);
  const quick = network.client("quick");
  const isToSlow = ({ to }: Datagram) => to.hostname === "slow";
  const late = network.drive(isToSlow).filter(isToSlow);
  assertEquals(quick.connection.state, "ESTABLISHED");
  network.deliver(late.at(-1)!, network.server.address);
  assertEquals(slow.connection.closeReason, "busy");
});

Deno.test("when a connection has ended the next client is served", () => {
  const network = new TestNetwork();
  const first = network.client("first");
  network.drive();
  assert(network.server.demultiplexer.nextAccepted());
  first.connection.abort(Reset.ABORTED);
  network.drive();
  const second = network.client("second");
  network.drive();
  assertEquals(second.connection.state, "ESTABLISHED");
  const accepted = network.server.demultiplexer.nextAccepted()!;
  assertEquals(accepted.id, second.connection.id);
  assertEquals(network.server.demultiplexer.nextAccepted(), undefined);
});

Deno.test("several connections may be served, each with its own bytes", () => {
  const pair = new Pair({ maxConnections: 3 });
  const nears = [1, 2, 3].map((value) => {
    const near = pair.connect();
    near.write(new Uint8Array(10).fill(value));
    return near;
  });
  pair.drive();
  for (const near of nears) assertEquals(near.state, "ESTABLISHED");
  const values = nears.map(() =>
    readAll(pair.server.demultiplexer.nextAccepted()!)[0]
  );
  assertEquals(values.sort(), [1, 2, 3]);
});

Deno.test("what is announced and sent to a peer may be as large as its path takes", () => {
  const demultiplexer = new Demultiplexer<Address>({
    config: { ...DEFAULT_CONFIG, maxDatagramSize: 1_472 },
    random: () => 1,
    limitsTo: ({ hostname }) => ({
      maxDatagramSize: hostname === "far" ? 1_300 : 9_000,
      socketMemory: 100_000,
    }),
  });
  const into = new Uint8Array(9_000);
  for (const [hostname, size] of [["far", 1_300], ["near", 9_000]] as const) {
    const connection = demultiplexer.connect(1_000, { hostname, port: 1 });
    const { length } = demultiplexer.poll(1_000, into)!;
    const syn = draftOf(into.subarray(0, length));
    assertEquals(syn.maxDatagramSize, size);
    assertEquals(syn.socketMemory, 100_000);
    connection.abort(Reset.ABORTED);
    while (demultiplexer.poll(1_000, into) !== undefined);
  }
});

Deno.test("datagrams that a kernel has joined are told apart, and one that is damaged spoils no other", () => {
  const pair = new Pair({ initialDatagramSize: 1_472 });
  const { near, far } = pair.establish();
  near.write(new Uint8Array(6_000).fill(7));
  const datagrams = pair.collect(pair.client);
  assertEquals(datagrams.map(({ length }) => length === 1_472), [
    ...Array(4).fill(true),
    false,
  ]);
  const joined = new Uint8Array(datagrams.flatMap((one) => [...one]));
  joined[1_472 + 100]! ^= 1;
  const before = far.counters.datagramsReceived;
  pair.deliver(pair.server, [joined]);
  assertEquals(far.counters.datagramsReceived - before, 4);
  assertEquals(pair.server.drops, ["damaged"]);
  pair.stall(HOP);
  pair.drive();
  assertEquals(readAll(far), new Uint8Array(6_000).fill(7));
});

Deno.test("a server that does not listen answers that it knows no connection", () => {
  const pair = new Pair();
  pair.server.demultiplexer.listening = false;
  const near = pair.connect();
  pair.drive();
  assertEquals(near.closeReason, "unknown");
});

Deno.test("a SYN of another version is answered with a reset, if it is large enough", () => {
  const pair = new Pair();
  const near = pair.connect();
  const syn = pair.collectFirst(pair.client);
  // The version of the SYN part
  syn[19]!++;
  mend(syn);
  pair.deliver(pair.server, [syn, syn.subarray(0, 100)]);
  const answers = pair.collect(pair.server);
  assertEquals(answers.map(summaryOf), ["RST 1"]);
  pair.deliver(pair.client, answers);
  assertEquals(near.closeReason, "version");
});

// P-14
Deno.test("foreign and damaged datagrams and resets are not answered", () => {
  const pair = new Pair();
  const syn = spoofedSyn(1);
  const foreign = syn.slice();
  foreign[6] = SideMark.NEAR;
  mend(foreign);
  const damaged = syn.slice();
  damaged[100]! ^= 1;
  const reset = datagramOf({ flags: Flag.RST, payload: Uint8Array.of(0) });
  const empty = new Uint8Array(0);
  pair.deliver(pair.server, [
    foreign,
    damaged,
    reset,
    empty,
    syn.subarray(0, 9),
  ]);
  assertEquals(pair.collect(pair.server), []);
  assertEquals(pair.server.demultiplexer.unrouted, 5);
});

// P-13
Deno.test("a stateless response is never larger than what it answers", () => {
  const random = new Prng(1);
  for (const halfOpen of [0, 100]) {
    const network = new TestNetwork();
    network.openHalf(halfOpen);
    network.drive();
    for (let i = 0; i < 5_000; i++) {
      const datagram = datagramOf({
        flags: random.int(256),
        id: 5_000 + i,
        payload: random.bytes(random.int(30)),
        padding: random.int(4) === 0 ? random.int(1_200) : 0,
      });
      const from = { hostname: "peer", port: 1 + i };
      network.server.demultiplexer.receive(network.now, datagram, from);
      const answers = network.server.pollAll(network.now);
      const bytes = answers.reduce((sum, one) => sum + one.datagram.length, 0);
      assert(bytes <= datagram.length);
    }
  }
});

Deno.test("the smallest segment that a reset can answer is answered", () => {
  const pair = new Pair();
  const smallest = datagramOf({ payload: Uint8Array.of(1) });
  pair.deliver(pair.server, [smallest, smallest.subarray(0, 19)]);
  const answers = pair.collect(pair.server);
  assertEquals(answers.map(({ length }) => length), [smallest.length]);
});

Deno.test("stateless responses that wait to be sent are bounded", () => {
  const pair = new Pair();
  const flags = Flag.ACK;
  for (let id = 0; id < 10_000; id++) {
    pair.deliver(pair.server, [datagramOf({ flags, id })]);
  }
  const { length } = pair.collect(pair.server);
  assert(length > 0 && length <= 1_000);
});

Deno.test("a datagram against the rules does not move the peer", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  const payload = new Uint8Array(10);
  const beyond = pair.forge(near, { seq: 2 ** 50, payload });
  const ahead = pair.forge(near, { flags: Flag.ACK, ack: 2 ** 50 });
  const damaged = pair.forge(near, { seq: 1, payload });
  damaged[40]! ^= 1;
  const elsewhere = { hostname: "client, elsewhere", port: 6000 };
  pair.deliver(pair.server, [beyond, ahead, damaged], elsewhere);
  assertEquals(pair.server.demultiplexer.peerOf(far), pair.client.address);
});

Deno.test("the peer of a connection that is not established yet does not move", () => {
  const pair = new Pair();
  pair.connect();
  const syns = pair.collect(pair.client);
  pair.deliver(pair.server, syns);
  pair.collect(pair.server);
  pair.stall(1_000);
  const again = pair.collect(pair.client);
  pair.deliver(pair.server, again, { hostname: "elsewhere", port: 1 });
  const addresses = pair.server.pollAll(pair.now).map(({ to }) => to.hostname);
  assertEquals(new Set(addresses), new Set(["client"]));
});

Deno.test("the deadline is the first of all connections", () => {
  const pair = new Pair({ maxConnections: 2 });
  const one = pair.connect();
  pair.drive();
  pair.stall(HOP);
  const other = pair.connect();
  pair.collect(pair.client);
  const { deadline } = pair.client.demultiplexer;
  assertEquals(deadline, Math.min(one.deadline, other.deadline));
  pair.now = deadline;
  pair.client.demultiplexer.wake(deadline);
  pair.collect(pair.client);
  assert(pair.client.demultiplexer.deadline > deadline);
});

Deno.test("each datagram is traced: sent, received, dropped and why", () => {
  const pair = new Pair();
  const { near } = pair.establish();
  const stray = datagramOf({ flags: Flag.ACK, id: 77 });
  pair.deliver(pair.server, [stray]);
  const told = pair.server.events.map(({ what, reason }) => [what, reason]);
  assertEquals(told, [
    ["RECV", undefined],
    ["SEND", undefined],
    ["RECV", undefined],
    ["DROP", "no such connection"],
  ]);
  const syn = pair.client.events[0]!;
  const hex = near.id.toString(16).padStart(8, "0");
  assert(syn.connection === hex);
  assertEquals([syn.what, syn.seq, syn.flags & Flag.SYN], [
    "SEND",
    0,
    Flag.SYN,
  ]);
});
