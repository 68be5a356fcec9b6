import { assert, assertEquals } from "@std/assert";
import type { Connection } from "../../../lib/protocol/connection/connection.ts";
import { Flag, Reset } from "../../../lib/protocol/wire/segment.ts";
import {
  HOP,
  Pair,
  readAll,
  summaryOf,
  type TestEndpoint,
} from "../support/pair.ts";
import { cookieRequest, type Draft, draftOf } from "../../support/packets.ts";

/** An established connection, and forged segments of its client. */
class ForgedClient {
  readonly pair = new Pair();
  readonly near: Connection;
  readonly far: Connection;

  constructor() {
    const { near, far } = this.pair.establish();
    this.near = near;
    this.far = far;
  }

  /** Gives the server a segment of this connection. */
  readonly give = (draft: Draft): Uint8Array => {
    const datagram = this.pair.forge(this.near, draft);
    this.pair.deliver(this.pair.server, [datagram]);
    return datagram;
  };

  /** What the server answers. */
  readonly answers = (): string[] =>
    this.pair.collect(this.pair.server).map(summaryOf);

  /** Gives a segment that must be dropped for `reason` and change nothing. */
  readonly refuse = (draft: Draft, reason: string): void => {
    const { far, pair } = this;
    const before = stateOf(far);
    const { dropped } = far.counters;
    this.give(draft);
    assertEquals(pair.server.events.at(-1)?.reason, reason);
    assertEquals(stateOf(far), before);
    assertEquals(far.counters.dropped, dropped + 1);
  };
}

function stateOf(
  { state, readable, writable, readEnded, closeReason }: Connection,
) {
  return { state, readable, writable, readEnded, closeReason };
}

function bytes(length: number, value = 7): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** Sends `length` bytes and ends the stream, all of which arrives. */
function sendAll(pair: Pair, from: Connection, length: number): void {
  from.write(bytes(length));
  from.close();
  pair.drive();
}

Deno.test("an acknowledgement of what was never sent is dropped, with all that comes with it", () => {
  const { pair, far, refuse } = new ForgedClient();
  far.write(bytes(100));
  const sent = draftOf(pair.collect(pair.server)[0]!);
  const last = sent.packetNumber;
  const first = last - 10_000;
  const why = "acknowledges what was never sent";
  const flags = Flag.ACK | Flag.FIN;
  const payload = bytes(10);
  const bytesAhead = { flags, payload, seq: 1, ack: 102 };
  refuse(bytesAhead, why);
  refuse({ ...bytesAhead, ack: 101, blocks: [[last, last + 2]] }, why);
  refuse({ ...bytesAhead, ack: 101, blocks: [[first, first + 1]] }, why);
});

Deno.test("data past the FIN, and a FIN elsewhere, are refused and answered with what is held", () => {
  const { pair, near, answers, refuse } = new ForgedClient();
  sendAll(pair, near, 100);
  answers();
  const why = "past the FIN";
  refuse({ seq: 101, payload: bytes(1) }, why);
  refuse({ seq: 102, payload: bytes(1) }, why);
  refuse({ seq: 91, payload: bytes(20) }, why);
  refuse({ seq: 51, flags: Flag.FIN }, why);
  refuse({ seq: 101, flags: Flag.FIN, payload: bytes(1) }, why);
  assertEquals(answers(), ["ACK"]);
});

// P-4
Deno.test("data beyond the window is refused and answered with where it ends", () => {
  const { pair, far, refuse } = new ForgedClient();
  refuse({ seq: 2 ** 40, payload: bytes(1_000) }, "beyond the window");
  const answer = pair.collectFirst(pair.server);
  const { ack, window } = draftOf(answer);
  assert(ack === 1 && window > 0);
  // The window's last byte is taken, the one after it is not.
  const edge = ack + window;
  refuse({ seq: edge, payload: bytes(1) }, "beyond the window");
  assertEquals(far.counters.dropped, 2);
});

Deno.test("segments of an earlier connection change nothing and are told off", () => {
  const pair = new Pair();
  const old = pair.establish();
  old.near.write(bytes(100));
  const stale = pair.collect(pair.client);
  stale.push(...keepalivesOf(pair, old.near));
  old.near.abort(Reset.ABORTED);
  pair.drive();
  assertEquals(old.far.closeReason, "aborted");

  const { near, far } = pair.establish();
  pair.deliver(pair.server, stale);
  assertEquals([far.readable, far.state], [0, "ESTABLISHED"]);
  const told = pair.collect(pair.server);
  assertEquals(told.length, stale.length);
  for (const datagram of told) {
    const { flags, id, payload } = draftOf(datagram);
    assertEquals([flags, id, payload[0]], [
      Flag.RST,
      old.near.id,
      Reset.UNKNOWN,
    ]);
  }
  pair.deliver(pair.client, told);
  assertEquals(near.state, "ESTABLISHED");
});

/** What a connection says while nothing is heard. */
function keepalivesOf(
  pair: Pair,
  connection: Connection,
): Uint8Array<ArrayBuffer>[] {
  const said: Uint8Array<ArrayBuffer>[] = [];
  const isNear = (from: TestEndpoint) => from === pair.client;
  pair.advance(6_000, {
    drop: (from, datagram) => {
      if (isNear(from)) said.push(datagram.slice());
      return true;
    },
  });
  assert(connection.counters.probes > 0);
  return said;
}

Deno.test("a segment that comes twice counts once, and is acknowledged again", () => {
  const { far, pair, give, answers } = new ForgedClient();
  const datagram = give({ seq: 1, flags: Flag.PSH, payload: bytes(100) });
  assertEquals(answers(), ["ACK"]);
  pair.deliver(pair.server, [datagram]);
  assertEquals(answers(), ["ACK"], "the acknowledgement may have been lost");
  assertEquals(far.counters.duplicatesReceived, 1);
  // The same bytes in a packet of their own are no news either.
  give({ seq: 1, payload: bytes(100) });
  assertEquals(far.counters.duplicatesReceived, 2);
  assertEquals(readAll(far), bytes(100));
});

Deno.test("of bytes that come twice the first count", () => {
  const { far, give } = new ForgedClient();
  give({ seq: 1, payload: bytes(10, 1) });
  give({ seq: 6, payload: bytes(10, 2) });
  assertEquals([...readAll(far)], [...bytes(10, 1), ...bytes(5, 2)]);
});

Deno.test("a cookie that comes late is dropped", () => {
  const { refuse } = new ForgedClient();
  refuse(cookieRequest(bytes(20)), "late cookie");
});

Deno.test("a SYN that comes again in the middle does no harm", () => {
  const { pair, near, far, give } = new ForgedClient();
  near.write(bytes(50));
  pair.drive();
  give({ flags: Flag.SYN, seq: 0, payload: bytes(10) });
  assertEquals(far.readable, 50);
  near.write(bytes(50));
  pair.drive();
  assertEquals(readAll(far), bytes(100));
});

Deno.test("damaged datagrams are dropped and counted, and belong to nobody", () => {
  const { pair, far, give } = new ForgedClient();
  const datagram = give({ seq: 1, payload: bytes(10) });
  const { datagramsReceived } = far.counters;
  datagram[datagram.length - 1]! ^= 1;
  pair.deliver(pair.server, [datagram]);
  assertEquals(far.counters.datagramsReceived, datagramsReceived);
  assertEquals(pair.server.demultiplexer.unrouted, 1);
  assertEquals(pair.server.events.at(-1)?.reason, "damaged");
});

Deno.test("data in order waits for company, up to 25 ms, before it is acknowledged", () => {
  const { pair, give, answers } = new ForgedClient();
  give({ seq: 1, payload: bytes(100) });
  assertEquals(answers().length, 1, "after a gap of packet numbers, at once");
  give({ seq: 101, payload: bytes(100) });
  assertEquals(answers(), []);
  assertEquals(pair.server.demultiplexer.deadline, pair.now + 25);
  give({ seq: 201, payload: bytes(100) });
  pair.stall(25);
  assertEquals(answers(), ["ACK"]);
});

Deno.test("everything that crosses is counted, on both sides alike", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  near.write(bytes(50_000));
  far.write(bytes(20_000));
  pair.advance(1_000);
  readAll(near);
  readAll(far);
  sendAll(pair, near, 1);
  sendAll(pair, far, 1);
  pair.advance(1_000);
  assertEquals([near.closeReason, far.closeReason], ["done", "done"]);
  for (const [one, other] of [[near, far], [far, near]]) {
    assertEquals(
      one!.counters.datagramsSent,
      other!.counters.datagramsReceived,
    );
    assertEquals(one!.counters.bytesSent, other!.counters.bytesReceived);
    assertEquals(one!.counters.retransmissions, 0);
    assertEquals(one!.counters.datagramsLost, 0);
    assertEquals(one!.counters.dropped, 0);
  }
  assert(near.counters.bytesSent > 50_000);
  assertEquals(near.smoothedRtt, 2 * HOP);
});

Deno.test("what is lost is counted, with what is sent again for it", () => {
  const pair = new Pair({ initialDatagramSize: 1_472 });
  const { near, far } = pair.establish();
  near.write(bytes(8_000));
  const [first, ...others] = pair.collect(pair.client);
  pair.stall(HOP);
  pair.deliver(pair.server, others);
  pair.drive();
  assertEquals(readAll(far), bytes(8_000));
  assertEquals(near.counters.datagramsLost, 1);
  assertEquals(near.counters.retransmissions, 1);
  const { length } = draftOf(first!).payload;
  assertEquals(near.counters.retransmittedBytes, length);
});
