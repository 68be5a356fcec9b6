import { assert, assertEquals } from "@std/assert";
import { Flag } from "../../../lib/protocol/wire/segment.ts";
import { Duo, gist, HOP, readAll } from "../support/pair.ts";
import { datagramOf, draftOf } from "../../support/packets.ts";

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
    const duo = new Duo({ maxWindow, initialWindow: maxWindow });
    const { near } = duo.establish();
    near.write(new Uint8Array(bytes));
    const sent = [];
    // What the pacer holds back is no pause that needs an answer.
    for (let i = 0; i < 100; i++, duo.pause(0.1)) {
      sent.push(...duo.collect(duo.client));
    }
    const flags = dataFlags(sent);
    assert(flags.length > 2, why);
    assert(flags.at(-1)! & Flag.PSH, why);
  }
});

Deno.test("a long flight asks several times, but not with each datagram", () => {
  const duo = new Duo();
  const { near, far } = duo.establish();
  const flags: number[] = [];
  near.write(new Uint8Array(60_000));
  for (let i = 0; i < 40; i++) {
    near.write(new Uint8Array(60_000));
    duo.pass(10, (from, datagram) => {
      if (from === duo.client) flags.push(...dataFlags([datagram]));
      return false;
    });
    readAll(far);
  }
  const late = flags.slice(-200);
  const asking = late.filter((flag) => flag & Flag.PSH).length;
  assert(asking >= 6 && asking <= 110, `${asking} of ${late.length}`);
});

Deno.test("an acknowledgement rides on data that goes the same way", () => {
  const duo = new Duo();
  const { near, far } = duo.establish();
  near.write(new Uint8Array(100));
  duo.deliver(duo.server, duo.collect(duo.client));
  far.write(new Uint8Array(100));
  assertEquals(duo.collect(duo.server).map(gist), ["ACK PSH 100"]);
  assertEquals(far.counters.acksSent, 0);
});

Deno.test("data in both directions at once is acknowledged without a storm of answers", () => {
  const duo = new Duo();
  const { near, far } = duo.establish();
  for (let i = 0; i < 50; i++) {
    near.write(new Uint8Array(20_000));
    far.write(new Uint8Array(20_000));
    duo.pass(2 * HOP);
    readAll(near);
    readAll(far);
  }
  for (const { counters } of [near, far]) {
    assertEquals(counters.retransmissions, 0);
    assert(counters.acksSent < counters.datagramsSent / 2);
  }
});

Deno.test("however many holes there are, an acknowledgement leaves room for data", () => {
  const duo = new Duo({ initialDatagramSize: MSS });
  const { near, far } = duo.establish();
  const { idHigh, idLow } = near;
  for (let i = 0; i < 1_000; i++) {
    const packetNumber = 2 ** 33 + 1_000 * i;
    const common = { idHigh, idLow, packetNumber, floor: 2 ** 33 };
    const seq = 10 + 2 * i;
    const payload = Uint8Array.of(1);
    duo.deliver(duo.server, [datagramOf({ ...common, seq, payload })]);
  }
  far.write(new Uint8Array(5_000));
  const [first, ...others] = duo.collect(duo.server);
  const { payload, blocks } = draftOf(first);
  assert(payload.length > MSS / 2 && blocks.length > 1);
  for (const other of [first, ...others]) assert(other.length <= MSS);
});

Deno.test("an acknowledgement alone tells of as many holes as fit", () => {
  const duo = new Duo({ initialDatagramSize: MSS });
  const { near } = duo.establish();
  const { idHigh, idLow } = near;
  for (let i = 0; i < 1_000; i++) {
    const packetNumber = 2 ** 33 + 1_000 * i;
    const common = { idHigh, idLow, packetNumber, floor: 2 ** 33 };
    duo.deliver(duo.server, [datagramOf({ ...common, flags: Flag.PSH })]);
  }
  const [answer] = duo.collect(duo.server);
  assert(answer.length <= MSS);
  assert(draftOf(answer).blocks.length > 100);
});

Deno.test("a limit on the rate holds over time", () => {
  // 100 bytes a millisecond.
  const duo = new Duo({ maxRate: 100 });
  const { near, far } = duo.establish();
  const { bytesSent } = near.counters;
  let read = 0;
  const start = duo.now;
  while (duo.now < start + 5_000) {
    near.write(new Uint8Array(10_000));
    duo.pass(20);
    read += readAll(far).length;
  }
  const sent = near.counters.bytesSent - bytesSent;
  const due = 100 * (duo.now - start);
  assert(sent <= 1.15 * due, `${sent} of ${due}`);
  assert(read >= 0.8 * due, `${read} of ${due}`);
});

Deno.test("what does not fit on the SYN with its cookie waits for the answer", () => {
  const duo = new Duo();
  const near = duo.connect();
  near.write(new Uint8Array(5_000));
  duo.collect(duo.client);
  const { idHigh, idLow } = near;
  const cookie = new Uint8Array(100);
  const flags = Flag.COOKIE;
  duo.deliver(duo.client, [datagramOf({ flags, idHigh, idLow, cookie })]);
  const sent = duo.collect(duo.client);
  assertEquals(sent.length, 1);
  assert(gist(sent[0]).startsWith("SYN"));
  assertEquals(draftOf(sent[0]).cookie, cookie);
  duo.deliver(duo.server, sent);
  duo.pass(1_000);
  assertEquals(duo.server.host.accept()?.readable, 5_000);
});
