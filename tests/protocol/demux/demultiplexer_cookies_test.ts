import { assert, assertEquals } from "@std/assert";
import type { Address } from "../../../lib/protocol/connection/address.ts";
import { Pair, readAll, summaryOf } from "../support/pair.ts";
import {
  MAX_HALF_OPEN,
  MAX_HALF_OPEN_IN_ALL,
  spoofedSyn,
  TestNetwork,
  TIMEOUT,
} from "./test_network.ts";
import { cookieRequest, draftOf } from "../../support/packets.ts";

Deno.test("no cookie is needed while few connections are half open", () => {
  const network = new TestNetwork();
  network.openHalf(MAX_HALF_OPEN - 1);
  const { connection } = network.client("client");
  const summaries = network.drive().map(({ datagram }) => summaryOf(datagram));
  assert(!summaries.includes("COOKIE"));
  assertEquals(connection.state, "ESTABLISHED");
});

Deno.test("when many connections are half open, a client that returns its cookie is served", () => {
  const network = new TestNetwork();
  network.openHalf(100);
  const { connection } = network.client("client");
  connection.write(new Uint8Array(5_000));
  const summaries = network.drive().filter(({ to }) => to.hostname === "client")
    .map(({ datagram }) => summaryOf(datagram));
  assertEquals(summaries[0], "COOKIE");
  assertEquals(connection.state, "ESTABLISHED");
  const far = network.server.demultiplexer.nextAccepted()!;
  network.advance(100);
  assertEquals(readAll(far).length, 5_000);
});

Deno.test("nothing is kept of a SYN that is answered with a cookie", () => {
  const network = new TestNetwork();
  network.openHalf(MAX_HALF_OPEN);
  network.drive();
  const { deadline } = network.server.demultiplexer;
  for (let i = 100; i < 1_000; i++) {
    const from = { hostname: `peer ${i}`, port: 1 };
    network.server.demultiplexer.receive(network.now, spoofedSyn(i), from);
    const answers = network.server.pollAll(network.now);
    assertEquals(answers.map(({ datagram }) => summaryOf(datagram)), [
      "COOKIE",
    ]);
  }
  assertEquals(network.server.demultiplexer.deadline, deadline);
  // Nothing is repeated to any of them.
  network.now += 1_000;
  network.server.demultiplexer.wake(network.now);
  const named = network.server.pollAll(network.now).map(({ to }) =>
    to.hostname
  );
  assertEquals(new Set(named).size, MAX_HALF_OPEN);
});

Deno.test("a cookie is good only for its address and connection, until it expires", () => {
  const network = new TestNetwork();
  network.openHalf(MAX_HALF_OPEN);
  network.drive();
  const here = { hostname: "here", port: 1 };
  const there = { hostname: "there", port: 1 };
  const { demultiplexer } = network.server;
  const ask = (id: number, from: Address, cookie?: Uint8Array) => {
    demultiplexer.receive(network.now, spoofedSyn(id, cookie), from);
    return network.server.pollAll(network.now).at(-1)!.datagram;
  };
  const { cookie } = draftOf(ask(500, here));
  assertEquals(summaryOf(ask(500, there, cookie)), "COOKIE");
  assertEquals(summaryOf(ask(501, here, cookie)), "COOKIE");
  assertEquals(summaryOf(ask(500, here, cookie)), "SYN ACK PSH");
  network.now += 31_000;
  assertEquals(summaryOf(ask(502, here, cookie)), "COOKIE");
});

Deno.test("half-open connections are bounded, with good cookies too", () => {
  const network = new TestNetwork();
  const { demultiplexer } = network.server;
  for (let i = 0; i < 1_000; i++) {
    const from = { hostname: `peer ${i}`, port: 1 };
    demultiplexer.receive(network.now, spoofedSyn(i), from);
    const { datagram } = network.server.pollAll(network.now).at(-1)!;
    if (summaryOf(datagram) !== "COOKIE") continue;
    demultiplexer.receive(
      network.now,
      spoofedSyn(i, draftOf(datagram).cookie),
      from,
    );
    network.server.pollAll(network.now);
    assert(demultiplexer.size <= MAX_HALF_OPEN_IN_ALL);
  }
  assertEquals(demultiplexer.size, MAX_HALF_OPEN_IN_ALL);
});

Deno.test("half-open connections time out and make room", () => {
  const network = new TestNetwork();
  network.openHalf(MAX_HALF_OPEN);
  network.advance(TIMEOUT + 1_000);
  assertEquals(network.server.demultiplexer.deadline, Infinity);
  network.client("client");
  const summaries = network.drive().map(({ datagram }) => summaryOf(datagram));
  assert(!summaries.includes("COOKIE"));
});

// P-11
Deno.test("a client returns some cookies, and not without end", () => {
  const pair = new Pair();
  const near = pair.connect();
  let syns = 0;
  for (let i = 0; i < 100; i++) {
    syns += pair.collect(pair.client).length;
    const cookie = new Uint8Array(20).fill(i);
    const request = pair.forge(near, cookieRequest(cookie));
    pair.deliver(pair.client, [request]);
  }
  assert(syns > 2 && syns < 20, `${syns}`);
  assertEquals(near.state, "SYN-SENT");
});
