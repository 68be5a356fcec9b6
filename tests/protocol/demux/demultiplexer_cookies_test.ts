import { assert, assertEquals } from "@std/assert";
import type { Address } from "../../../lib/protocol/connection/address.ts";
import { Flag } from "../../../lib/protocol/wire/segment.ts";
import { Pair, readAll, summaryOf } from "../support/pair.ts";
import {
  knock,
  MAX_HALF_OPEN,
  PLACES,
  TIMEOUT,
  Town,
} from "./network_of_demultiplexers.ts";
import { datagramOf, draftOf } from "../../support/packets.ts";

Deno.test("as long as few are half open nobody needs a cookie", () => {
  const town = new Town();
  town.crowd(MAX_HALF_OPEN - 1);
  const { connection } = town.caller("client");
  const summaries = town.talk().map(({ datagram }) => summaryOf(datagram));
  assert(!summaries.includes("COOKIE"));
  assertEquals(connection.state, "ESTABLISHED");
});

Deno.test("when many are half open, whoever shows the cookie comes in", () => {
  const town = new Town();
  town.crowd(100);
  const { connection } = town.caller("client");
  connection.write(new Uint8Array(5_000));
  const summaries = town.talk().filter(({ to }) => to.hostname === "client")
    .map(({ datagram }) => summaryOf(datagram));
  assertEquals(summaries[0], "COOKIE");
  assertEquals(connection.state, "ESTABLISHED");
  const far = town.server.demultiplexer.nextAccepted()!;
  town.pass(100);
  assertEquals(readAll(far).length, 5_000);
});

Deno.test("of a SYN that is answered with a cookie nothing is kept", () => {
  const town = new Town();
  town.crowd(MAX_HALF_OPEN);
  town.talk();
  const { deadline } = town.server.demultiplexer;
  for (let i = 100; i < 1_000; i++) {
    const from = { hostname: `stranger ${i}`, port: 1 };
    town.server.demultiplexer.receive(town.now, knock(i), from);
    const answers = town.server.pollAll(town.now);
    assertEquals(answers.map(({ datagram }) => summaryOf(datagram)), [
      "COOKIE",
    ]);
  }
  assertEquals(town.server.demultiplexer.deadline, deadline);
  // Nothing is repeated to any of them.
  town.now += 1_000;
  town.server.demultiplexer.wake(town.now);
  const named = town.server.pollAll(town.now).map(({ to }) => to.hostname);
  assertEquals(new Set(named).size, MAX_HALF_OPEN);
});

Deno.test("a cookie is of no use from another address, for another connection, or when it is old", () => {
  const town = new Town();
  town.crowd(MAX_HALF_OPEN);
  town.talk();
  const here = { hostname: "here", port: 1 };
  const there = { hostname: "there", port: 1 };
  const { demultiplexer } = town.server;
  const ask = (id: number, from: Address, cookie?: Uint8Array) => {
    demultiplexer.receive(town.now, knock(id, cookie), from);
    return town.server.pollAll(town.now).at(-1)!.datagram;
  };
  const { cookie } = draftOf(ask(500, here));
  assertEquals(summaryOf(ask(500, there, cookie)), "COOKIE");
  assertEquals(summaryOf(ask(501, here, cookie)), "COOKIE");
  assertEquals(summaryOf(ask(500, here, cookie)), "SYN ACK PSH");
  town.now += 31_000;
  assertEquals(summaryOf(ask(502, here, cookie)), "COOKIE");
});

Deno.test("even with good cookies the half-open connections are bounded", () => {
  const town = new Town();
  const { demultiplexer } = town.server;
  for (let i = 0; i < 1_000; i++) {
    const from = { hostname: `stranger ${i}`, port: 1 };
    demultiplexer.receive(town.now, knock(i), from);
    const { datagram } = town.server.pollAll(town.now).at(-1)!;
    if (summaryOf(datagram) !== "COOKIE") continue;
    demultiplexer.receive(town.now, knock(i, draftOf(datagram).cookie), from);
    town.server.pollAll(town.now);
    assert(demultiplexer.size <= PLACES);
  }
  assertEquals(demultiplexer.size, PLACES);
});

Deno.test("half-open connections that are not taken up are given up, and their places are free again", () => {
  const town = new Town();
  town.crowd(MAX_HALF_OPEN);
  town.pass(TIMEOUT + 1_000);
  assertEquals(town.server.demultiplexer.deadline, Infinity);
  town.caller("client");
  const summaries = town.talk().map(({ datagram }) => summaryOf(datagram));
  assert(!summaries.includes("COOKIE"));
});

Deno.test("a client answers some cookies, and not without end", () => {
  const pair = new Pair();
  const near = pair.connect();
  let syns = 0;
  const { idHigh, idLow } = near;
  for (let i = 0; i < 100; i++) {
    syns += pair.collect(pair.client).length;
    const cookie = new Uint8Array(20).fill(i);
    const flags = Flag.COOKIE;
    pair.deliver(pair.client, [datagramOf({ flags, idHigh, idLow, cookie })]);
  }
  assert(syns > 2 && syns < 20, `${syns}`);
  assertEquals(near.state, "SYN-SENT");
});
