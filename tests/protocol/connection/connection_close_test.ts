import { assert, assertEquals } from "@std/assert";
import type { Connection } from "../../../lib/protocol/connection/connection.ts";
import { Flag, Reset } from "../../../lib/protocol/wire/segment.ts";
import type { State } from "../../../lib/protocol/connection/state.ts";
import { Duo, gist, HOP, readAll } from "../support/pair.ts";
import { datagramOf, draftOf } from "../../support/packets.ts";

const TIMEOUT = 30_000;

Deno.test("each side goes through the states of RFC 9293 as both directions end", () => {
  const duo = new Duo();
  const { near, far } = duo.establish();
  near.close();
  assertEquals(near.state, "FIN-WAIT-1");
  const [fin] = duo.collect(duo.client);
  assertEquals(gist(fin), "FIN ACK PSH");
  duo.deliver(duo.server, [fin]);
  assertEquals(far.state, "CLOSE-WAIT");
  duo.deliver(duo.client, duo.collect(duo.server));
  assertEquals(near.state, "FIN-WAIT-2");

  far.close();
  const lastFin = duo.collect(duo.server);
  assertEquals(far.state, "LAST-ACK");
  duo.deliver(duo.client, lastFin);
  assertEquals(near.state, "TIME-WAIT");
  duo.deliver(duo.server, duo.collect(duo.client));
  assertEquals([far.state, far.ending], ["CLOSED", "done"]);

  // The last to leave says so, and nobody waits for nothing.
  const [done, ...rest] = duo.collect(duo.server);
  assertEquals([gist(done), draftOf(done).payload[0]], ["RST 1", Reset.DONE]);
  assertEquals(rest, []);
  duo.deliver(duo.client, [done]);
  assertEquals([near.state, near.ending], ["CLOSED", "done"]);
  assertEquals(duo.deadline, Infinity);
});

Deno.test("who leaves tells the peer several times, and waits for nothing", () => {
  for (const early of [true, false]) {
    const duo = new Duo();
    const { near, far } = duo.establish();
    near.close();
    duo.deliver(duo.server, duo.collect(duo.client));
    duo.deliver(duo.client, duo.collect(duo.server));
    far.close();
    const fin = duo.collect(duo.server);
    if (early) near.leave();
    assertEquals([near.state, far.state], ["FIN-WAIT-2", "LAST-ACK"]);
    duo.deliver(duo.client, fin);
    if (!early) near.leave();
    assertEquals(near.ending, "done");
    const words = duo.collect(duo.client);
    assert(words.length > 10);
    assert(words.every((word) => draftOf(word).payload[0] === Reset.DONE));
    assert(near.finished);
    duo.deliver(duo.server, words.slice(-1));
    assertEquals(far.ending, "done");
    assertEquals(duo.deadline, Infinity);
  }
});

Deno.test("one direction ends while the other goes on", () => {
  const duo = new Duo({ timeout: TIMEOUT });
  const { near, far } = duo.establish();
  near.write(Uint8Array.of(1, 2));
  near.close();
  duo.talk();
  assertEquals([...readAll(far)], [1, 2]);
  assert(far.readEnded);
  for (let i = 0; i < 5; i++) {
    far.write(new Uint8Array(10_000));
    duo.pass(TIMEOUT / 2);
    assertEquals(readAll(near).length, 10_000);
  }
  assertEquals([near.state, far.state], ["FIN-WAIT-2", "CLOSE-WAIT"]);
  far.close();
  duo.talk();
  assertEquals([near.ending, far.ending], ["done", "done"]);
});

Deno.test("a side that has ended its direction takes no more", () => {
  const { near } = new Duo().establish();
  assertEquals(near.write(Uint8Array.of(1)), 1);
  near.close();
  assertEquals(near.write(Uint8Array.of(1)), 0);
});

Deno.test("what came before the end can be read after it", () => {
  const duo = new Duo();
  const { near, far } = duo.establish();
  near.write(new Uint8Array(5_000));
  near.close();
  far.close();
  duo.pass(5_000);
  assertEquals([near.ending, far.ending], ["done", "done"]);
  assert(!far.readEnded);
  assertEquals(readAll(far).length, 5_000);
  assert(far.readEnded);
});

Deno.test("both may close at the same time", () => {
  const duo = new Duo();
  const { near, far } = duo.establish();
  near.close();
  far.close();
  const fins = [duo.collect(duo.client), duo.collect(duo.server)];
  duo.deliver(duo.server, fins[0]);
  duo.deliver(duo.client, fins[1]);
  assertEquals([near.state, far.state], ["CLOSING", "CLOSING"]);
  const acks = [duo.collect(duo.client), duo.collect(duo.server)];
  duo.deliver(duo.server, acks[0]);
  duo.deliver(duo.client, acks[1]);
  assertEquals([near.state, far.state], ["TIME-WAIT", "TIME-WAIT"]);
  duo.pass(1_000);
  assertEquals([near.ending, far.ending], ["done", "done"]);
  assertEquals(duo.deadline, Infinity);
});

/** A connection whose client waits in TIME-WAIT, its last word lost. */
function inTimeWait() {
  const duo = new Duo({ timeout: TIMEOUT });
  const { near, far } = duo.establish();
  near.close();
  duo.talk();
  far.close();
  duo.deliver(duo.client, duo.collect(duo.server));
  duo.collect(duo.client);
  assertEquals([near.state, far.state], ["TIME-WAIT", "LAST-ACK"]);
  return { duo, near, far };
}

Deno.test("TIME-WAIT hears the FIN again when its acknowledgement was lost", () => {
  const { duo, near, far } = inTimeWait();
  duo.pass(1_000);
  assertEquals([near.ending, far.ending], ["done", "done"]);
  assertEquals(far.counters.probes, 1);
});

Deno.test("TIME-WAIT ends by itself, after a few probe timeouts, and says so", () => {
  const { duo, near } = inTimeWait();
  const start = duo.now;
  const last: [what: string, after: number][] = [];
  duo.pass(TIMEOUT, (from, datagram) => {
    if (from === duo.client) last.push([gist(datagram), duo.now - start]);
    return true;
  });
  assertEquals(near.ending, "done");
  const said = last.filter(([what]) => what.startsWith("RST"));
  assert(said.length > 1 && said.length < 5);
  assert(said[0][1] > 2 * near.smoothedRtt! && said[0][1] < 1_000);
});

Deno.test("who waits for the last acknowledgement is content when the peer is gone", () => {
  for (const code of [Reset.DONE, Reset.UNKNOWN]) {
    const { duo, far } = inTimeWait();
    duo.deliver(duo.server, [resetFor(far, code)]);
    assertEquals(far.ending, "done");
  }
});

Deno.test("who has not said all yet is not content when the peer is gone", () => {
  const duo = new Duo();
  const { near, far } = duo.establish();
  near.close();
  duo.talk();
  far.write(new Uint8Array(1_000));
  far.close();
  duo.deliver(duo.server, [resetFor(far, Reset.UNKNOWN)]);
  assertEquals(far.ending, "unknown");
});

Deno.test("who has only acknowledged an end is not content when the peer is gone", () => {
  const duo = new Duo();
  const { near, far } = duo.establish();
  near.close();
  duo.talk();
  duo.deliver(duo.server, [resetFor(far, Reset.UNKNOWN)]);
  duo.deliver(duo.client, [resetFor(near, Reset.UNKNOWN)]);
  assertEquals([near.ending, far.ending], ["unknown", "unknown"]);
});

/** A reset of `connection` as its peer might send it. */
function resetFor(connection: Connection, code: number): Uint8Array {
  const { idHigh, idLow } = connection;
  const payload = Uint8Array.of(code);
  return datagramOf({ idHigh, idLow, flags: Flag.RST, payload });
}

/** Brings the client of a new connection into `state`. */
function clientIn(state: State) {
  const duo = new Duo();
  if (state === "SYN-SENT") {
    const near = duo.connect();
    duo.collect(duo.client);
    return { duo, near, far: undefined };
  }
  const { near, far } = duo.establish();
  if (state === "CLOSE-WAIT" || state === "LAST-ACK") {
    far.close();
    duo.talk();
  }
  if (state === "CLOSING") far.close();
  if (state !== "ESTABLISHED" && state !== "CLOSE-WAIT") near.close();
  const fin = duo.collect(duo.client);
  if (state === "CLOSING") duo.deliver(duo.client, duo.collect(duo.server));
  if (state === "FIN-WAIT-2" || state === "TIME-WAIT") {
    duo.deliver(duo.server, fin);
    duo.talk();
  }
  if (state === "TIME-WAIT") {
    far.close();
    duo.deliver(duo.client, duo.collect(duo.server));
    duo.collect(duo.client);
  }
  assertEquals(near.state, state);
  return { duo, near, far };
}

Deno.test("an abort ends a connection at once from any state, and tells the peer", () => {
  const states = ["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"]
    .concat("CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT") as State[];
  for (const state of states) {
    const { duo, near, far } = clientIn(state);
    near.abort(Reset.ABORTED);
    assertEquals([near.state, near.ending], ["CLOSED", "stopped"], state);
    const resets = duo.collect(duo.client);
    // Nothing acknowledges a reset, so there are copies.
    assertEquals(new Set(resets.map(gist)), new Set(["RST 1"]), state);
    assert(resets.length > 1 && resets.length < 5, state);
    assertEquals(near.deadline, Infinity, state);
    if (far === undefined) continue;
    duo.deliver(duo.server, resets.slice(1));
    assertEquals([far.state, far.ending], ["CLOSED", "aborted"], state);
    assertEquals(duo.collect(duo.server), [], state);
  }
});

Deno.test("an abort of the client ends a half-open connection of the server", () => {
  const duo = new Duo();
  const near = duo.connect();
  duo.deliver(duo.server, duo.collect(duo.client));
  near.abort(Reset.ABORTED);
  duo.deliver(duo.server, duo.collect(duo.client));
  assertEquals(duo.collect(duo.server).map(gist), []);
  assertEquals(duo.server.host.deadline, Infinity);
});

Deno.test("an address that was proved stays so, however soon the end comes", () => {
  const duo = new Duo();
  const near = duo.connect();
  duo.deliver(duo.server, duo.collect(duo.client));
  duo.deliver(duo.client, duo.collect(duo.server));
  const proof = duo.collect(duo.client);
  near.abort(Reset.ABORTED);
  duo.deliver(duo.server, [...proof, ...duo.collect(duo.client)]);
  const far = duo.server.host.accept()!;
  assert(far.established);
  assertEquals([far.state, far.ending], ["CLOSED", "aborted"]);
});

Deno.test("a second abort, and what comes after the end, change nothing", () => {
  const duo = new Duo();
  const { near, far } = duo.establish();
  far.write(new Uint8Array(100));
  const late = duo.collect(duo.server);
  near.abort(Reset.ABORTED);
  near.abort(Reset.BUSY);
  duo.deliver(duo.client, late);
  assertEquals([near.ending, near.readable], ["stopped", 0]);
  for (const reset of duo.collect(duo.client)) {
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
  for (const [code, ending] of Object.entries(meanings)) {
    const duo = new Duo();
    const { near } = duo.establish();
    const reset = resetFor(near, Reset[code as keyof typeof Reset]);
    duo.deliver(duo.client, [reset]);
    assertEquals([near.ending, near.deadline], [ending, Infinity]);
    assertEquals(duo.collect(duo.client), [], "a reset is not answered");
  }
});

Deno.test("a reset without a code breaks the connection all the same", () => {
  const duo = new Duo();
  const { near } = duo.establish();
  const { idHigh, idLow } = near;
  duo.deliver(duo.client, [datagramOf({ idHigh, idLow, flags: Flag.RST })]);
  assertEquals(near.ending, "protocol");
});

Deno.test("a reset of another connection breaks nothing", () => {
  const duo = new Duo();
  const { near } = duo.establish();
  const { idHigh, idLow } = near;
  const others = [{ idHigh: idHigh ^ 1, idLow }, { idHigh, idLow: idLow ^ 1 }];
  for (const id of others) {
    const payload = Uint8Array.of(Reset.ABORTED);
    const flags = Flag.RST;
    duo.deliver(duo.client, [datagramOf({ ...id, flags, payload })]);
  }
  assertEquals(near.state, "ESTABLISHED");
  assertEquals(duo.client.host.strays, 2);
  assertEquals(duo.collect(duo.client), []);
});

Deno.test("a close costs no more than a round trip and a half after the last byte", () => {
  const duo = new Duo();
  const { near, far } = duo.establish();
  near.write(new Uint8Array(3_000));
  near.close();
  const start = duo.now;
  duo.deliver(duo.server, duo.collect(duo.client));
  readAll(far);
  far.close();
  duo.talk();
  assertEquals([near.ending, far.ending], ["done", "done"]);
  assert(duo.now - start <= 4 * HOP);
});
