import { assert, assertEquals } from "@std/assert";
import { Flag } from "../../../lib/protocol/wire/segment.ts";
import { HOP, Pair, readAll, summaryOf } from "../support/pair.ts";
import { cookieRequest, draftOf } from "../../support/packets.ts";

const MSS = 1_472;

/** The flags of each of these datagrams that carries data. */
function dataFlags(datagrams: readonly Uint8Array[]): number[] {
  return datagrams.map(draftOf).filter(({ payload }) => payload.length > 0)
    .map(({ flags }) => flags);
}

Deno.test("the last datagram before any pause asks for an acknowledgement", () => {
  const pauses: Record<string, { bytes: number; maxWindow: number }> = {
    "the data is all": { bytes: 5_000, maxWindow: 2 ** 20 },
    "the congestion window is full": { bytes: 500_000, maxWindow: 2 ** 20 },
    "the peer's window is full": { bytes: 50_000, maxWindow: 6_000 },
  };
  for (const [why, { bytes, maxWindow }] of Object.entries(pauses)) {
    const pair = new Pair({ maxWindow, initialWindow: maxWindow });
    const { near } = pair.establish();
    near.write(new Uint8Array(bytes));
    const sent = [];
    // What the pacer holds back is no pause that needs an answer.
    for (let i = 0; i < 100; i++, pair.stall(0.1)) {
      sent.push(...pair.collect(pair.client));
    }
    const flags = dataFlags(sent);
    assert(flags.length > 2, why);
    // P-6
    assert(flags.at(-1)! & Flag.PSH, why);
  }
});

Deno.test("a long flight asks several times, but not with each datagram", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  const flags: number[] = [];
  near.write(new Uint8Array(60_000));
  for (let i = 0; i < 40; i++) {
    near.write(new Uint8Array(60_000));
    pair.advance(10, {
      drop: (from, datagram) => {
        if (from === pair.client) flags.push(...dataFlags([datagram]));
        return false;
      },
    });
    readAll(far);
  }
  const late = flags.slice(-200);
  const asking = late.filter((flag) => flag & Flag.PSH).length;
  assert(asking >= 6 && asking <= 110, `${asking} of ${late.length}`);
});

Deno.test("an acknowledgement rides on data that goes the same way", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  near.write(new Uint8Array(100));
  pair.deliver(pair.server, pair.collect(pair.client));
  far.write(new Uint8Array(100));
  assertEquals(pair.collect(pair.server).map(summaryOf), ["ACK PSH 100"]);
  assertEquals(far.counters.acksSent, 0);
});

Deno.test("data in both directions at once is acknowledged without a storm of answers", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  for (let i = 0; i < 50; i++) {
    near.write(new Uint8Array(20_000));
    far.write(new Uint8Array(20_000));
    pair.advance(2 * HOP);
    readAll(near);
    readAll(far);
  }
  for (const { counters } of [near, far]) {
    assertEquals(counters.retransmissions, 0);
    assert(counters.acksSent < counters.datagramsSent / 2);
  }
});

Deno.test("however many holes there are, an acknowledgement leaves room for data", () => {
  const pair = new Pair({ initialDatagramSize: MSS });
  const { near, far } = pair.establish();
  for (let i = 0; i < 1_000; i++) {
    const common = { packetNumber: 2 ** 33 + 1_000 * i, floor: 2 ** 33 };
    const draft = { ...common, seq: 10 + 2 * i, payload: Uint8Array.of(1) };
    pair.deliver(pair.server, [pair.forge(near, draft)]);
  }
  far.write(new Uint8Array(5_000));
  const [first, ...others] = pair.collect(pair.server);
  const { payload, blocks } = draftOf(first!);
  assert(payload.length > MSS / 2 && blocks.length > 1);
  for (const other of [first, ...others]) assert(other!.length <= MSS);
});

Deno.test("an acknowledgement alone tells of as many holes as fit", () => {
  const pair = new Pair({ initialDatagramSize: MSS });
  const { near } = pair.establish();
  for (let i = 0; i < 1_000; i++) {
    const packetNumber = 2 ** 33 + 1_000 * i;
    const draft = { packetNumber, floor: 2 ** 33, flags: Flag.PSH };
    pair.deliver(pair.server, [pair.forge(near, draft)]);
  }
  const answer = pair.collectFirst(pair.server);
  assert(answer.length <= MSS);
  assert(draftOf(answer).blocks.length > 100);
});

for (const when of ["from the beginning", "from the middle on"]) {
  Deno.test(`a limit on the rate holds over time, ${when}`, () => {
    // In bytes a millisecond
    const rate = 100;
    const isLate = when !== "from the beginning";
    const pair = new Pair(isLate ? {} : { maxRate: rate });
    const { near, far } = pair.establish();
    let read = 0;
    const run = (duration: number) => {
      for (const end = pair.now + duration; pair.now < end;) {
        near.write(new Uint8Array(10_000));
        pair.advance(20);
        read += readAll(far).length;
      }
    };
    if (isLate) {
      run(200);
      near.limitRate(rate);
      // A higher one does not lift it
      near.limitRate(2 * rate);
    }
    const { bytesSent } = near.counters;
    const start = pair.now;
    read = 0;
    run(5_000);
    const sent = near.counters.bytesSent - bytesSent;
    const due = rate * (pair.now - start);
    assert(sent <= 1.15 * due, `${sent} of ${due}`);
    assert(read >= 0.8 * due, `${read} of ${due}`);
  });
}

Deno.test("what does not fit on the SYN with its cookie waits for the answer", () => {
  const pair = new Pair();
  const near = pair.connect();
  near.write(new Uint8Array(5_000));
  pair.collect(pair.client);
  const cookie = new Uint8Array(100);
  const request = pair.forge(near, cookieRequest(cookie));
  pair.deliver(pair.client, [request]);
  const sent = pair.collect(pair.client);
  assertEquals(sent.length, 1);
  assert(summaryOf(sent[0]!).startsWith("SYN"));
  assertEquals(draftOf(sent[0]!).cookie, cookie);
  pair.deliver(pair.server, sent);
  pair.advance(1_000);
  assertEquals(pair.server.demultiplexer.nextAccepted()?.readable, 5_000);
});
