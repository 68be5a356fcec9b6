import { assert, assertEquals } from "@std/assert";
import { Flag, Reset } from "../../../lib/protocol/wire/segment.ts";
import type { State } from "../../../lib/protocol/connection/lifecycle.ts";
import { HOP, Pair, readAll, summaryOf } from "../support/pair.ts";
import { type Draft, draftOf } from "../../support/packets.ts";

const TIMEOUT = 30_000;

Deno.test("each side goes through the states of RFC 9293 as both directions end", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  near.close();
  assertEquals(near.state, "FIN-WAIT-1");
  const fin = pair.collectFirst(pair.client);
  assertEquals(summaryOf(fin), "FIN ACK PSH");
  pair.deliver(pair.server, [fin]);
  assertEquals(far.state, "CLOSE-WAIT");
  pair.deliver(pair.client, pair.collect(pair.server));
  assertEquals(near.state, "FIN-WAIT-2");

  far.close();
  const lastFin = pair.collect(pair.server);
  assertEquals(far.state, "LAST-ACK");
  pair.deliver(pair.client, lastFin);
  assertEquals(near.state, "TIME-WAIT");
  pair.deliver(pair.server, pair.collect(pair.client));
  assertEquals([far.state, far.closeReason], ["CLOSED", "done"]);

  // The last to leave says so, and nobody waits for nothing.
  const done = pair.collectOne(pair.server);
  assertEquals([summaryOf(done), draftOf(done).payload[0]], [
    "RST 1",
    Reset.DONE,
  ]);
  pair.deliver(pair.client, [done]);
  assertEquals([near.state, near.closeReason], ["CLOSED", "done"]);
  assertEquals(pair.deadline, Infinity);
});

Deno.test("who leaves tells the peer several times, and waits for nothing", () => {
  for (const early of [true, false]) {
    const pair = new Pair();
    const { near, far } = pair.establish();
    near.close();
    pair.deliver(pair.server, pair.collect(pair.client));
    pair.deliver(pair.client, pair.collect(pair.server));
    far.close();
    const fin = pair.collect(pair.server);
    if (early) near.leave();
    assertEquals([near.state, far.state], ["FIN-WAIT-2", "LAST-ACK"]);
    pair.deliver(pair.client, fin);
    if (!early) near.leave();
    assertEquals(near.closeReason, "done");
    const words = pair.collect(pair.client);
    assert(words.length > 10);
    assert(words.every((word) => draftOf(word).payload[0] === Reset.DONE));
    assert(near.finished);
    pair.deliver(pair.server, words.slice(-1));
    assertEquals(far.closeReason, "done");
    assertEquals(pair.deadline, Infinity);
  }
});

Deno.test("one direction ends while the other goes on", () => {
  const pair = new Pair({ timeout: TIMEOUT });
  const { near, far } = pair.establish();
  near.write(Uint8Array.of(1, 2));
  near.close();
  pair.drive();
  assertEquals([...readAll(far)], [1, 2]);
  assert(far.readEnded);
  for (let i = 0; i < 5; i++) {
    far.write(new Uint8Array(10_000));
    pair.advance(TIMEOUT / 2);
    assertEquals(readAll(near).length, 10_000);
  }
  assertEquals([near.state, far.state], ["FIN-WAIT-2", "CLOSE-WAIT"]);
  far.close();
  pair.drive();
  assertEquals([near.closeReason, far.closeReason], ["done", "done"]);
});

Deno.test("a side that has ended its direction takes no more", () => {
  const { near } = new Pair().establish();
  assertEquals(near.write(Uint8Array.of(1)), 1);
  near.close();
  assertEquals(near.write(Uint8Array.of(1)), 0);
});

Deno.test("what came before the end can be read after it", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  near.write(new Uint8Array(5_000));
  near.close();
  far.close();
  pair.advance(5_000);
  assertEquals([near.closeReason, far.closeReason], ["done", "done"]);
  assert(!far.readEnded);
  assertEquals(readAll(far).length, 5_000);
  assert(far.readEnded);
});

Deno.test("both may close at the same time", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  near.close();
  far.close();
  const fins = [pair.collect(pair.client), pair.collect(pair.server)];
  pair.deliver(pair.server, fins[0]!);
  pair.deliver(pair.client, fins[1]!);
  assertEquals([near.state, far.state], ["CLOSING", "CLOSING"]);
  const acks = [pair.collect(pair.client), pair.collect(pair.server)];
  pair.deliver(pair.server, acks[0]!);
  pair.deliver(pair.client, acks[1]!);
  assertEquals([near.state, far.state], ["TIME-WAIT", "TIME-WAIT"]);
  pair.advance(1_000);
  assertEquals([near.closeReason, far.closeReason], ["done", "done"]);
  assertEquals(pair.deadline, Infinity);
});

/** A connection whose client waits in TIME-WAIT, its last word lost. */
function inTimeWait() {
  const pair = new Pair({ timeout: TIMEOUT });
  const { near, far } = pair.establish();
  near.close();
  pair.drive();
  far.close();
  pair.deliver(pair.client, pair.collect(pair.server));
  pair.collect(pair.client);
  assertEquals([near.state, far.state], ["TIME-WAIT", "LAST-ACK"]);
  return { pair, near, far };
}

Deno.test("TIME-WAIT hears the FIN again when its acknowledgement was lost", () => {
  const { pair, near, far } = inTimeWait();
  pair.advance(1_000);
  assertEquals([near.closeReason, far.closeReason], ["done", "done"]);
  assertEquals(far.counters.probes, 1);
});

Deno.test("TIME-WAIT ends by itself, after a few probe timeouts, and says so", () => {
  const { pair, near } = inTimeWait();
  const start = pair.now;
  const last: [what: string, after: number][] = [];
  pair.advance(TIMEOUT, {
    drop: (from, datagram) => {
      if (from === pair.client) {
        last.push([summaryOf(datagram), pair.now - start]);
      }
      return true;
    },
  });
  assertEquals(near.closeReason, "done");
  const said = last.filter(([what]) => what.startsWith("RST"));
  assert(said.length > 1 && said.length < 5);
  assert(said[0]![1] > 2 * near.smoothedRtt! && said[0]![1] < 1_000);
});

Deno.test("who waits for the last acknowledgement is content when the peer is gone", () => {
  for (const code of [Reset.DONE, Reset.UNKNOWN]) {
    const { pair, far } = inTimeWait();
    pair.deliver(pair.server, [pair.forge(far, resetOf(code))]);
    assertEquals(far.closeReason, "done");
  }
});

Deno.test("who has not said all yet is not content when the peer is gone", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  near.close();
  pair.drive();
  far.write(new Uint8Array(1_000));
  far.close();
  pair.deliver(pair.server, [pair.forge(far, resetOf(Reset.UNKNOWN))]);
  assertEquals(far.closeReason, "unknown");
});

Deno.test("who has only acknowledged an end is not content when the peer is gone", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  near.close();
  pair.drive();
  pair.deliver(pair.server, [pair.forge(far, resetOf(Reset.UNKNOWN))]);
  pair.deliver(pair.client, [pair.forge(near, resetOf(Reset.UNKNOWN))]);
  assertEquals([near.closeReason, far.closeReason], ["unknown", "unknown"]);
});

/** A reset with this code. */
function resetOf(code: number): Draft {
  return { flags: Flag.RST, payload: Uint8Array.of(code) };
}

/** Brings the client of a new connection into `state`. */
function clientIn(state: State) {
  const pair = new Pair();
  if (state === "SYN-SENT") {
    const near = pair.connect();
    pair.collect(pair.client);
    return { pair, near, far: undefined };
  }
  const { near, far } = pair.establish();
  if (state === "CLOSE-WAIT" || state === "LAST-ACK") {
    far.close();
    pair.drive();
  }
  if (state === "CLOSING") far.close();
  if (state !== "ESTABLISHED" && state !== "CLOSE-WAIT") near.close();
  const fin = pair.collect(pair.client);
  if (state === "CLOSING") pair.deliver(pair.client, pair.collect(pair.server));
  if (state === "FIN-WAIT-2" || state === "TIME-WAIT") {
    pair.deliver(pair.server, fin);
    pair.drive();
  }
  if (state === "TIME-WAIT") {
    far.close();
    pair.deliver(pair.client, pair.collect(pair.server));
    pair.collect(pair.client);
  }
  assertEquals(near.state, state);
  return { pair, near, far };
}

Deno.test("an abort ends a connection at once from any state, and tells the peer", () => {
  const states = ["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"]
    .concat("CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT") as State[];
  for (const state of states) {
    const { pair, near, far } = clientIn(state);
    near.abort(Reset.ABORTED);
    assertEquals([near.state, near.closeReason], ["CLOSED", "stopped"], state);
    const resets = pair.collect(pair.client);
    // Nothing acknowledges a reset, so there are copies.
    assertEquals(new Set(resets.map(summaryOf)), new Set(["RST 1"]), state);
    assert(resets.length > 1 && resets.length < 5, state);
    assertEquals(near.deadline, Infinity, state);
    if (far === undefined) continue;
    pair.deliver(pair.server, resets.slice(1));
    assertEquals([far.state, far.closeReason], ["CLOSED", "aborted"], state);
    assertEquals(pair.collect(pair.server), [], state);
  }
});

Deno.test("an abort of the client ends a half-open connection of the server", () => {
  const pair = new Pair();
  const near = pair.connect();
  pair.deliver(pair.server, pair.collect(pair.client));
  near.abort(Reset.ABORTED);
  pair.deliver(pair.server, pair.collect(pair.client));
  assertEquals(pair.collect(pair.server).map(summaryOf), []);
  assertEquals(pair.server.demultiplexer.deadline, Infinity);
});

Deno.test("an address that was proved stays so, however soon the end comes", () => {
  const pair = new Pair();
  const near = pair.connect();
  pair.deliver(pair.server, pair.collect(pair.client));
  pair.deliver(pair.client, pair.collect(pair.server));
  const proof = pair.collect(pair.client);
  near.abort(Reset.ABORTED);
  pair.deliver(pair.server, [...proof, ...pair.collect(pair.client)]);
  const far = pair.server.demultiplexer.nextAccepted()!;
  assert(far.established);
  assertEquals([far.state, far.closeReason], ["CLOSED", "aborted"]);
});

Deno.test("a second abort, and what comes after the end, change nothing", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  far.write(new Uint8Array(100));
  const late = pair.collect(pair.server);
  near.abort(Reset.ABORTED);
  near.abort(Reset.BUSY);
  pair.deliver(pair.client, late);
  assertEquals([near.closeReason, near.readable], ["stopped", 0]);
  for (const reset of pair.collect(pair.client)) {
    assertEquals(draftOf(reset).payload[0], Reset.ABORTED);
  }
});

Deno.test("what the reset of a peer means depends on its code", () => {
  const meanings = {
    BUSY: "busy",
    ABORTED: "aborted",
    UNKNOWN: "unknown",
    PROTOCOL: "protocol",
    VERSION: "version",
    TIMEOUT: "silence",
  };
  for (const [code, closeReason] of Object.entries(meanings)) {
    const pair = new Pair();
    const { near } = pair.establish();
    const reset = pair.forge(near, resetOf(Reset[code as keyof typeof Reset]));
    pair.deliver(pair.client, [reset]);
    assertEquals([near.closeReason, near.deadline], [closeReason, Infinity]);
    assertEquals(pair.collect(pair.client), [], "a reset is not answered");
  }
});

Deno.test("a reset without a code breaks the connection all the same", () => {
  const pair = new Pair();
  const { near } = pair.establish();
  pair.deliver(pair.client, [pair.forge(near, { flags: Flag.RST })]);
  assertEquals(near.closeReason, "protocol");
});

Deno.test("a reset of another connection breaks nothing", () => {
  const pair = new Pair();
  const { near } = pair.establish();
  const others = [{ id: near.id ^ 1 }, { id: near.id ^ 2 ** 30 }];
  for (const id of others) {
    const reset = { ...resetOf(Reset.ABORTED), ...id };
    pair.deliver(pair.client, [pair.forge(near, reset)]);
  }
  assertEquals(near.state, "ESTABLISHED");
  assertEquals(pair.client.demultiplexer.unrouted, 2);
  assertEquals(pair.collect(pair.client), []);
});

Deno.test("a close costs no more than a round trip and a half after the last byte", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  near.write(new Uint8Array(3_000));
  near.close();
  const start = pair.now;
  pair.deliver(pair.server, pair.collect(pair.client));
  readAll(far);
  far.close();
  pair.drive();
  assertEquals([near.closeReason, far.closeReason], ["done", "done"]);
  assert(pair.now - start <= 4 * HOP);
});
