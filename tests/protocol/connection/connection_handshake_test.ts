import { assert, assertEquals } from "@std/assert";
import { Flag, SYN_SIZE } from "../../../lib/protocol/wire/segment.ts";
import {
  HOP,
  Pair,
  readAll,
  summaryOf,
  TestEndpoint,
} from "../support/pair.ts";
import { peersOver } from "../support/peer.ts";
import { type Fate, ScriptedLink } from "../support/scripted_link.ts";
import { datagramOf, draftOf } from "../../support/packets.ts";

const TIMEOUT = 30_000;

Deno.test("SYN, SYN ACK and ACK open a connection", () => {
  const pair = new Pair();
  const near = pair.connect();
  assertEquals(near.state, "SYN-SENT");

  const syn = pair.collectOne(pair.client);
  assertEquals(summaryOf(syn), "SYN PSH");
  assertEquals(draftOf(syn).seq, 0);

  pair.deliver(pair.server, [syn]);
  assertEquals(
    pair.server.demultiplexer.nextAccepted(),
    undefined,
    "nothing is proved yet",
  );
  const [synAck, ...moreFromServer] = pair.collect(pair.server);
  assertEquals(summaryOf(synAck!), "SYN ACK PSH");
  assertEquals(moreFromServer, []);
  assertEquals([draftOf(synAck!).seq, draftOf(synAck!).ack], [0, 1]);

  pair.deliver(pair.client, [synAck!]);
  assertEquals(near.state, "ESTABLISHED");
  const [ack, ...rest] = pair.collect(pair.client);
  assertEquals(summaryOf(ack!), "ACK");
  assertEquals(rest, []);
  assertEquals([draftOf(ack!).seq, draftOf(ack!).ack], [1, 1]);

  pair.deliver(pair.server, [ack!]);
  assertEquals(pair.server.demultiplexer.nextAccepted()?.state, "ESTABLISHED");
  assertEquals(pair.collect(pair.server), []);
});

Deno.test("what was written before the handshake rides on the SYN", () => {
  const pair = new Pair();
  const near = pair.connect();
  near.write(new TextEncoder().encode("hello"));
  near.close();
  const syn = pair.collectFirst(pair.client);
  assertEquals(summaryOf(syn), "SYN FIN PSH BLOCKED 5");
  pair.deliver(pair.server, [syn]);
  pair.drive();
  const far = pair.server.demultiplexer.nextAccepted()!;
  assertEquals(new TextDecoder().decode(readAll(far)), "hello");
  assert(far.readEnded);
});

Deno.test("a SYN is as large as its answer can be, whatever it carries", () => {
  for (const length of [0, 5, 1_000, 100_000]) {
    const pair = new Pair();
    pair.connect().write(new Uint8Array(length));
    const datagrams = pair.collect(pair.client);
    assertEquals(datagrams.map((datagram) => datagram.length), [SYN_SIZE]);
  }
});

Deno.test("a server sends no more than it got until the address is proved", () => {
  const pair = new Pair();
  pair.connect();
  const syn = pair.collectFirst(pair.client);
  pair.deliver(pair.server, [syn]);
  let bytes = 0;
  for (let i = 0; i < 1_000; i++) {
    for (const datagram of pair.collect(pair.server)) bytes += datagram.length;
    pair.stall(100);
  }
  assert(bytes > 0 && bytes <= SYN_SIZE, `${bytes} bytes`);
});

Deno.test("who is turned away after a long wait is not sent more than it sent either", () => {
  const pair = new Pair();
  pair.connect();
  pair.deliver(pair.server, pair.collect(pair.client));
  let bytes = 0;
  for (let i = 0; i < 20; i++, pair.stall(1_000)) {
    for (const datagram of pair.collect(pair.server)) bytes += datagram.length;
  }
  // Somebody else takes the only place.
  const rival = new TestEndpoint("rival", 3);
  rival.demultiplexer.connect(pair.now, pair.server.address);
  for (let turn = 0; turn < 3; turn++) {
    for (const { datagram } of rival.pollAll(pair.now)) {
      pair.server.demultiplexer.receive(pair.now, datagram, rival.address);
    }
    for (const { datagram, to } of pair.server.pollAll(pair.now)) {
      if (to.hostname === "client") bytes += datagram.length;
      else rival.demultiplexer.receive(pair.now, datagram, pair.server.address);
    }
  }
  assertEquals(pair.server.demultiplexer.nextAccepted()?.state, "ESTABLISHED");
  assert(bytes <= SYN_SIZE, `${bytes} bytes`);
});

Deno.test("a SYN that comes again is answered with SYN and ACK, however often the answer is lost", () => {
  const pair = new Pair({ timeout: 10 * TIMEOUT });
  const near = pair.connect();
  let answers = 0;
  pair.advance(5 * TIMEOUT, {
    drop: (from, datagram) => {
      if (from === pair.client) return false;
      assertEquals(summaryOf(datagram), "SYN ACK PSH");
      answers++;
      return true;
    },
  });
  assert(answers > 5 * TIMEOUT / 1_100);
  pair.advance(2_000);
  assertEquals(near.state, "ESTABLISHED");
});

Deno.test("a SYN that comes again brings the lost answer without waiting for a timer", () => {
  const pair = new Pair();
  const near = pair.connect();
  pair.deliver(pair.server, pair.collect(pair.client));
  pair.collect(pair.server);
  pair.client.demultiplexer.wake(pair.now += near.deadline - pair.now);
  pair.deliver(pair.server, pair.collect(pair.client));
  pair.deliver(pair.client, pair.collect(pair.server));
  assertEquals(near.state, "ESTABLISHED");
});

Deno.test("a duplicate SYN opens nothing more, and its data counts once", () => {
  const pair = new Pair();
  const near = pair.connect();
  near.write(Uint8Array.of(1, 2, 3));
  const syn = pair.collectFirst(pair.client);
  pair.deliver(pair.server, [syn, syn]);
  pair.drive();
  const far = pair.server.demultiplexer.nextAccepted()!;
  pair.deliver(pair.server, [syn]);
  pair.drive();
  assertEquals(far.counters.duplicatesReceived, 2);
  assertEquals([...readAll(far)], [1, 2, 3]);
  assertEquals(pair.server.demultiplexer.nextAccepted(), undefined);
  assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
});

Deno.test("a SYN that comes once more when all is over delivers nothing and leaves nothing", () => {
  const pair = new Pair({ timeout: TIMEOUT });
  const near = pair.connect();
  near.write(Uint8Array.of(1, 2, 3));
  near.close();
  const syns = pair.collect(pair.client);
  pair.deliver(pair.server, syns);
  pair.drive();
  const far = pair.server.demultiplexer.nextAccepted()!;
  readAll(far);
  far.close();
  pair.advance(10_000);
  assertEquals([near.closeReason, far.closeReason], ["done", "done"]);

  pair.deliver(pair.server, syns);
  pair.advance(2 * TIMEOUT);
  assertEquals(pair.server.demultiplexer.nextAccepted(), undefined);
  assertEquals(pair.deadline, Infinity);
});

Deno.test("nothing but an answer to the SYN is believed before it came", () => {
  const pair = new Pair();
  const near = pair.connect();
  const { packetNumber } = draftOf(pair.collect(pair.client)[0]!);
  const blocks = [[packetNumber, packetNumber + 1]] as const;
  const early = [
    { seq: 1, payload: Uint8Array.of(1) },
    { flags: Flag.ACK, seq: 1, ack: 1, blocks },
    { flags: Flag.SYN },
    // Of sequence number 0 nothing is acknowledged.
    { flags: Flag.SYN | Flag.ACK, ack: 0, blocks },
  ].map((draft) => pair.forge(near, draft));
  pair.deliver(pair.client, early);
  assertEquals(near.state, "SYN-SENT");
  assertEquals(near.readable, 0);
  assertEquals(near.counters.dropped, early.length);
});

Deno.test("only the packet number of what was sent proves an address, the sequence number does not", () => {
  const pair = new Pair();
  pair.connect();
  const syn = pair.collectFirst(pair.client);
  pair.deliver(pair.server, [syn]);
  const synAck = pair.collectFirst(pair.server);
  const { id, packetNumber } = draftOf(synAck);
  const common = { id, flags: Flag.ACK, seq: 1, ack: 1 };
  for (let guess = 0; guess < 10; guess++) {
    const start = guess * 400_000_000;
    const blocks = [[start, start + 1]] as const;
    const packet = draftOf(syn).packetNumber + 1 + guess;
    const forged = datagramOf({ ...common, packetNumber: packet, blocks });
    pair.deliver(pair.server, [forged]);
  }
  // A block that holds all packets there could be acknowledges some never sent.
  const blocks = [[0, 2 ** 32]] as const;
  const all = { ...common, packetNumber: 2 ** 40, blocks };
  const none = { ...common, packetNumber: 2 ** 40 };
  pair.deliver(pair.server, [datagramOf(all), datagramOf(none)]);
  assertEquals(pair.server.demultiplexer.nextAccepted(), undefined);

  const right = [[packetNumber, packetNumber + 1]] as const;
  const proof = { ...common, packetNumber: 2 ** 40 + 1, blocks: right };
  pair.deliver(pair.server, [datagramOf(proof)]);
  assert(pair.server.demultiplexer.nextAccepted());
});

Deno.test("a SYN that nobody answers is repeated, at most about a second apart, until the timeout", () => {
  const pair = new Pair({ timeout: TIMEOUT });
  const near = pair.connect();
  const times: number[] = [];
  pair.advance(2 * TIMEOUT, {
    drop: (_, datagram) => {
      assert(summaryOf(datagram).startsWith("SYN"));
      times.push(pair.now);
      return true;
    },
  });
  assertEquals(near.closeReason, "no answer");
  const moments = [...new Set(times)];
  assert(moments.length >= TIMEOUT / 1_100 && moments.length < TIMEOUT / 500);
  assert(times.length <= 2 * moments.length);
  assert(moments[1]! - moments[0]! < 500, "the first time soon");
  assertEquals(pair.client.demultiplexer.deadline, Infinity);
});

Deno.test("the smaller of both datagram sizes holds", () => {
  for (const [ours, theirs] of [[9_000, 1_300], [1_300, 9_000]] as const) {
    const pair = new Pair({ maxDatagramSize: ours }, {
      maxDatagramSize: theirs,
    });
    const { near, far } = pair.establish();
    near.write(new Uint8Array(20_000));
    far.write(new Uint8Array(20_000));
    let largest = 0;
    pair.advance(1_000, {
      drop: (_, { length }) => {
        largest = Math.max(largest, length);
        return false;
      },
    });
    assertEquals([near.readable, far.readable], [20_000, 20_000]);
    assertEquals(largest, 1_300);
  }
});

/** Two sides that each send some bytes and close, over links that follow a script. */
function runScripted(
  forward: ReadonlyMap<number, Fate>,
  backward: ReadonlyMap<number, Fate>,
) {
  const bytes = 3_000;
  const there = new ScriptedLink(HOP, forward);
  const back = new ScriptedLink(HOP, backward);
  const peers = peersOver(there, back, { bytes }, { bytes });
  const { client, server } = peers;
  peers.network.run(60_000, () => client.ended && server.ended);
  const counts = [there.counters.entered, back.counters.entered];
  return { ...peers, counts };
}

const FATES: readonly Fate[] = ["lost", "doubled", 12, 700];
const NOTHING: ReadonlyMap<number, Fate> = new Map();

function check(
  forward: ReadonlyMap<number, Fate>,
  backward: ReadonlyMap<number, Fate>,
): void {
  const { client, server, network } = runScripted(forward, backward);
  const what = JSON.stringify([[...forward], [...backward]]);
  const endings = [client, server].map(({ connection }) =>
    connection?.closeReason
  );
  assertEquals(endings, ["done", "done"], what);
  assertEquals([client.read, server.read], [3_000, 3_000], what);
  assertEquals([client.wrongAt, server.wrongAt], [undefined, undefined], what);
  assert(network.now < 5_000, `${network.now} ms for ${what}`);
}

// From here on, each message of whole connections is lost, doubled and late.

Deno.test("any one message from the SYN to the last word may be lost, doubled or late", () => {
  const { counts } = runScripted(NOTHING, NOTHING);
  for (const fate of FATES) {
    for (let n = 0; n < counts[0]! + 2; n++) {
      check(new Map([[n, fate]]), NOTHING);
    }
    for (let n = 0; n < counts[1]! + 2; n++) {
      check(NOTHING, new Map([[n, fate]]));
    }
  }
});

Deno.test("any two messages from the SYN to the last word may be lost, doubled or late", () => {
  const { counts } = runScripted(NOTHING, NOTHING);
  for (let there = 0; there < counts[0]!; there++) {
    for (let back = 0; back < counts[1]!; back++) {
      for (const one of FATES) {
        for (const other of FATES) {
          check(new Map([[there, one]]), new Map([[back, other]]));
        }
      }
    }
    for (let later = there + 1; later < counts[0]!; later++) {
      check(new Map([[there, "lost"], [later, "lost"]]), NOTHING);
    }
  }
});
