import { assert, assertEquals } from "@std/assert";
import type {
  AckEvent,
  CongestionController,
  LossEvent,
} from "../../../lib/protocol/congestion/congestion_controller.ts";
import { Counters } from "../../../lib/protocol/connection/stats.ts";
import { PathMtu } from "../../../lib/protocol/connection/path_mtu.ts";
import { Recovery } from "../../../lib/protocol/recovery/recovery.ts";
import { Flag } from "../../../lib/protocol/wire/segment.ts";
import { PacketNumberFilter } from "../../../lib/protocol/sending/packet_number_filter.ts";
import { SendBuffer } from "../../../lib/protocol/sending/send_buffer.ts";
import { segmentOf } from "../../support/packets.ts";

const SIZE = 1_000;
const RTT = 100;
/** The first packet number: any will do. */
const FIRST = 4_000_000_000;

/** A controller that keeps its window and notes what it is told. */
class FixedWindow implements CongestionController {
  congestionWindow = 10 * SIZE;
  pacingRate = Infinity;
  readonly acks: AckEvent[] = [];
  readonly losses: LossEvent[] = [];
  persistentCongestions = 0;

  onPacketSettled(): void {}
  onAcked(event: AckEvent): void {
    this.acks.push({ ...event });
  }
  onLost(event: LossEvent): void {
    this.losses.push({ ...event });
  }
  onPath(): void {}
  onPersistentCongestion(): void {
    this.persistentCongestions++;
  }
}

/** A sender with much to send, in packets that a test counts from 0. */
class Bench {
  readonly buffer = new SendBuffer(2 ** 20);
  readonly controller = new FixedWindow();
  readonly counters = new Counters();
  readonly path = new PathMtu(SIZE, SIZE);
  readonly numberFilter = new PacketNumberFilter(() => 0);
  readonly recovery = new Recovery({
    firstPacket: FIRST,
    sendBuffer: this.buffer,
    numberFilter: this.numberFilter,
    path: this.path,
    controller: this.controller,
    maxRate: Infinity,
    steadyProbes: 0,
    counters: this.counters,
  });

  constructor() {
    this.buffer.grow(2 ** 20);
    this.buffer.write(new Uint8Array(2 ** 19));
  }

  /** Sends `count` packets, of what was lost first. */
  send(now: number, count = 1): void {
    for (let i = 0; i < count; i++) {
      const { start, end } = this.recovery.probesDue > 0
        ? this.buffer.oldest(SIZE)!
        : this.buffer.next(SIZE, Infinity)!;
      this.buffer.sent(start, end);
      this.recovery.onSent(now, start, end - start, SIZE);
    }
  }

  /** Takes an acknowledgement of these packets, and of the bytes below `ack`. */
  ack(now: number, packets: number[], ack = 0, ackDelay = 0): void {
    const blocks = packets.sort((a, b) => b - a)
      .map((packet) => [FIRST + packet, FIRST + packet + 1] as const);
    const flags = Flag.ACK;
    const segment = segmentOf({ flags, ack, ackDelay, blocks });
    assert(!this.recovery.acknowledgesUnsent(segment));
    this.recovery.onAck(now, segment);
  }

  /** Wakes it when it wants to be; returns when that was. */
  wake(): number {
    const now = this.recovery.deadline;
    this.recovery.onTimeout(now);
    return now;
  }

  get inFlight(): number {
    return this.recovery.packets.bytesInFlight / SIZE;
  }
}

/** A sender that has taken one sample of the round-trip time. */
function measured(): Bench {
  const bench = new Bench();
  bench.send(0);
  bench.ack(RTT, [0]);
  return bench;
}

Deno.test("with nothing in flight there is nothing to wait for", () => {
  const bench = new Bench();
  assertEquals(bench.recovery.deadline, Infinity);
  bench.send(0);
  assert(bench.recovery.deadline < Infinity);
  bench.ack(RTT, [0]);
  assertEquals([bench.inFlight, bench.recovery.deadline], [0, Infinity]);
});

Deno.test("loss by packet threshold: three later packets arrived", () => {
  const bench = measured();
  bench.send(200, 5); // 1 to 5
  assertEquals(bench.inFlight, 5);

  bench.ack(300, [2, 3]);
  assertEquals(bench.inFlight, 3);
  assert(!bench.buffer.hasLost);
  assert(bench.recovery.deadline < 400, "the time threshold runs");

  bench.ack(301, [4]);
  assertEquals(bench.inFlight, 1);
  assertEquals(bench.counters.datagramsLost, 1);
  const { lostBytes, sentTime, bytesInFlight } = bench.controller.losses[0]!;
  assertEquals([lostBytes, sentTime, bytesInFlight], [SIZE, 200, SIZE]);

  // What was lost leaves again as a new packet, and its arrival settles it.
  bench.send(302);
  assertEquals(bench.inFlight, 2);
  assert(!bench.buffer.hasLost);
  bench.ack(402, [5, 6]);
  assertEquals([bench.inFlight, bench.recovery.deadline], [0, Infinity]);
  assertEquals(bench.buffer.sndUna, bench.buffer.sndNxt);
});

Deno.test("loss by time: a later packet arrived and patience ran out", () => {
  const bench = measured();
  bench.send(200, 2); // 1 and 2
  bench.ack(300, [2]);
  assertEquals([bench.inFlight, bench.counters.datagramsLost], [1, 0]);

  const { deadline } = bench.recovery;
  assert(deadline > 200 + RTT && deadline <= 200 + 1.5 * RTT);
  bench.recovery.onTimeout(deadline - 0.001);
  assertEquals(bench.inFlight, 1);
  bench.wake();
  assertEquals([bench.inFlight, bench.counters.datagramsLost], [0, 1]);
  assert(bench.buffer.hasLost);
  assertEquals(bench.recovery.deadline, Infinity);
  assertEquals(bench.recovery.probesDue, 0, "no probe is needed");
});

Deno.test("tail loss: a probe is asked for after the probe timeout, and nothing is given up", () => {
  const bench = measured();
  bench.send(200, 3);
  const { pto } = bench.recovery.rtt;
  assertEquals(bench.recovery.deadline, 200 + pto);

  bench.wake();
  assertEquals(bench.recovery.probesDue, 1);
  assertEquals([bench.inFlight, bench.counters.datagramsLost], [3, 0]);
  assert(!bench.buffer.hasLost);

  bench.send(200 + pto);
  assertEquals([bench.recovery.probesDue, bench.inFlight], [0, 4]);
  // The probe arrives, and shows that the whole flight before it did not.
  bench.ack(300 + pto, [4]);
  assertEquals([bench.inFlight, bench.counters.datagramsLost], [0, 3]);
  assertEquals([bench.recovery.deadline, bench.recovery.probesDue], [
    Infinity,
    0,
  ]);
});

Deno.test("probes back off, and are never more than about a second apart", () => {
  const bench = measured();
  bench.send(200);
  const { pto } = bench.recovery.rtt;
  const waits: number[] = [];
  let sent = 200;
  for (let timeout = 0; timeout < 8; timeout++) {
    const now = bench.wake();
    waits.push(now - sent);
    assertEquals(bench.recovery.probesDue, timeout === 0 ? 1 : 2);
    bench.send(now, bench.recovery.probesDue);
    sent = now;
  }
  assertEquals(waits.slice(0, 3), [pto, Math.min(1_000, 2 * pto), 1_000]);
  assert(waits.slice(3).every((wait) => wait === 1_000));
  assertEquals(bench.counters.probes, 8);
  assertEquals(bench.counters.datagramsLost, 0, "silence is not loss");
});

Deno.test("on a path longer than a second, probes wait for it", () => {
  const bench = new Bench();
  bench.send(0);
  bench.ack(3_000, [0]);
  bench.send(3_000);
  const { pto } = bench.recovery.rtt;
  assert(pto > 3_000);
  assertEquals(bench.recovery.deadline, 3_000 + pto);
  bench.send(bench.wake());
  assertEquals(bench.recovery.deadline, 3_000 + 2 * pto);
});

Deno.test("an acknowledgement ends the backoff", () => {
  const bench = measured();
  bench.send(200);
  for (let timeout = 0; timeout < 3; timeout++) bench.send(bench.wake());
  const now = 10_000;
  bench.ack(now, [4]);
  assertEquals(bench.recovery.probesDue, 0);
  bench.send(now);
  assertEquals(bench.recovery.probeInterval, bench.recovery.rtt.pto);
});

Deno.test("after three timeouts the path is taken for a new one", () => {
  for (const [timeouts, times] of [[2, 0], [3, 1], [5, 1]]) {
    const bench = measured();
    bench.send(200);
    let now = 0;
    for (let i = 0; i < timeouts!; i++) bench.send(now = bench.wake());
    assertEquals(bench.controller.persistentCongestions, 0, "nobody knows yet");
    bench.ack(now + RTT, [1 + timeouts!]);
    assertEquals(bench.controller.persistentCongestions, times);
    bench.send(now + RTT);
    bench.ack(now + 2 * RTT, [2 + timeouts!]);
    assertEquals(bench.controller.persistentCongestions, times, "once");
  }
});

Deno.test("a packet given up that arrived after all widens the patience, and is counted", () => {
  const bench = measured();
  bench.send(200, 5);
  bench.ack(300, [2, 3, 4]);
  assertEquals(bench.counters.datagramsLost, 1);
  bench.ack(310, [1]);
  assertEquals(bench.counters.spuriousLosses, 1);
  assertEquals(bench.inFlight, 1, "it is taken out of flight once");
  assert(!bench.buffer.hasLost, "nothing is to be sent again");
  bench.ack(315, [5]);

  // From now on three later packets are no proof.
  bench.send(400, 6); // 6 to 11
  bench.ack(500, [7, 8, 9, 10, 11]);
  assertEquals(bench.counters.datagramsLost, 1);
  bench.ack(501, [6]);
  assertEquals(bench.counters.spuriousLosses, 1);
});

Deno.test("a late packet that was not given up is reordering, not loss", () => {
  const bench = measured();
  bench.send(200, 3);
  bench.ack(300, [2, 3]);
  bench.ack(301, [1]);
  assertEquals(bench.counters.datagramsLost, 0);
  bench.send(400, 5);
  bench.ack(500, [5, 6, 7, 8]);
  assertEquals(bench.counters.datagramsLost, 0);
});

Deno.test("only the newest packet of an acknowledgement gives a sample of the round trip", () => {
  const bench = measured();
  bench.send(200, 3);
  bench.ack(350, [1, 2, 3]);
  assertEquals(bench.controller.acks.at(-1)?.rttSample, 150);
  bench.send(400);
  bench.send(450);
  bench.ack(560, [5]);
  bench.ack(570, [4]);
  assertEquals(bench.controller.acks.map(({ rttSample }) => rttSample), [
    RTT,
    150,
    110,
    undefined,
  ]);
});

Deno.test("a retransmission's sample is its own, never that of what it repeats", () => {
  const bench = measured();
  bench.send(200);
  const now = bench.wake();
  bench.send(now);
  bench.ack(now + 50, [2]);
  assertEquals(bench.controller.acks.at(-1)?.rttSample, 50);
});

Deno.test("an acknowledgement that tells nothing new changes nothing", () => {
  const bench = measured();
  bench.send(200, 2);
  bench.ack(300, [1]);
  const { deadline } = bench.recovery;
  const told = bench.controller.acks.length;
  bench.ack(301, [1]);
  bench.ack(302, []);
  assertEquals(bench.controller.acks.length, told);
  assertEquals([bench.recovery.deadline, bench.inFlight], [deadline, 1]);
});

Deno.test("the cumulative acknowledgement frees bytes but settles no packet", () => {
  const bench = measured();
  bench.send(200, 3);
  const { sndNxt } = bench.buffer;
  bench.ack(300, [], sndNxt);
  assertEquals(bench.buffer.sndUna, sndNxt);
  assertEquals(bench.inFlight, 3);
  // Should they count as lost, there is nothing to repeat.
  bench.ack(301, [3]);
  bench.recovery.onTimeout(1_000);
  assert(!bench.buffer.hasLost);
});

Deno.test("the acknowledgement of what was never sent is recognised", () => {
  const bench = measured();
  bench.send(200, 3);
  const { sndNxt } = bench.buffer;
  const isUnsent = (ack: number, start: number, end: number) =>
    bench.recovery.acknowledgesUnsent(
      segmentOf({ flags: Flag.ACK, ack, blocks: [[start, end]] }),
    );
  assert(!isUnsent(sndNxt, FIRST, FIRST + 4));
  assert(isUnsent(sndNxt + 1, FIRST, FIRST + 4));
  assert(isUnsent(sndNxt, FIRST, FIRST + 5));
  assert(isUnsent(sndNxt, FIRST - 1, FIRST + 4));
});

// P-15
Deno.test("a datagram leaves only while the window has room for it", () => {
  const bench = measured();
  assert(bench.recovery.windowAllows(10 * SIZE));
  assert(!bench.recovery.windowAllows(10 * SIZE + 1));
  bench.send(200, 9);
  assert(bench.recovery.windowAllows(SIZE));
  bench.send(200);
  assert(!bench.recovery.windowAllows(1));
  bench.ack(300, [1]);
  assert(bench.recovery.windowAllows(SIZE));
});

Deno.test("the controller is told whether the window or the application held back", () => {
  const bench = measured();
  bench.send(200, 10);
  bench.recovery.onWindowLimited();
  bench.ack(300, [1]);
  assert(bench.controller.acks.at(-1)?.windowLimited);
  bench.recovery.onAppLimited();
  bench.ack(301, [2]);
  assert(!bench.controller.acks.at(-1)?.windowLimited);
});

Deno.test("an acknowledgement tells the controller what was in flight before and after", () => {
  const bench = measured();
  bench.send(200, 8);
  bench.ack(300, [4, 5, 6]);
  const { priorInFlight, ackedBytes, bytesInFlight } = bench.controller
    .acks[1]!;
  assertEquals(priorInFlight, 8 * SIZE);
  assertEquals(ackedBytes, 3 * SIZE);
  // Packets 1 to 3 are lost by it.
  assertEquals(bytesInFlight, 2 * SIZE);
});
