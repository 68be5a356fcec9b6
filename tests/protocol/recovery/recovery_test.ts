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
class TestSender {
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
function measured(): TestSender {
  const sender = new TestSender();
  sender.send(0);
  sender.ack(RTT, [0]);
  return sender;
}

Deno.test("with nothing in flight there is nothing to wait for", () => {
  const sender = new TestSender();
  assertEquals(sender.recovery.deadline, Infinity);
  sender.send(0);
  assert(sender.recovery.deadline < Infinity);
  sender.ack(RTT, [0]);
  assertEquals([sender.inFlight, sender.recovery.deadline], [0, Infinity]);
});

Deno.test("loss by packet threshold: three later packets arrived", () => {
  const sender = measured();
  sender.send(200, 5); // 1 to 5
  assertEquals(sender.inFlight, 5);

  sender.ack(300, [2, 3]);
  assertEquals(sender.inFlight, 3);
  assert(!sender.buffer.hasLost);
  assert(sender.recovery.deadline < 400, "the time threshold runs");

  sender.ack(301, [4]);
  assertEquals(sender.inFlight, 1);
  assertEquals(sender.counters.datagramsLost, 1);
  const { lostBytes, sentTime, bytesInFlight } = sender.controller.losses[0]!;
  assertEquals([lostBytes, sentTime, bytesInFlight], [SIZE, 200, SIZE]);

  // What was lost leaves again as a new packet, and its arrival settles it.
  sender.send(302);
  assertEquals(sender.inFlight, 2);
  assert(!sender.buffer.hasLost);
  sender.ack(402, [5, 6]);
  assertEquals([sender.inFlight, sender.recovery.deadline], [0, Infinity]);
  assertEquals(sender.buffer.sndUna, sender.buffer.sndNxt);
});

Deno.test("loss by time: a later packet arrived and patience ran out", () => {
  const sender = measured();
  sender.send(200, 2); // 1 and 2
  sender.ack(300, [2]);
  assertEquals([sender.inFlight, sender.counters.datagramsLost], [1, 0]);

  const { deadline } = sender.recovery;
  assert(deadline > 200 + RTT && deadline <= 200 + 1.5 * RTT);
  sender.recovery.onTimeout(deadline - 0.001);
  assertEquals(sender.inFlight, 1);
  sender.wake();
  assertEquals([sender.inFlight, sender.counters.datagramsLost], [0, 1]);
  assert(sender.buffer.hasLost);
  assertEquals(sender.recovery.deadline, Infinity);
  assertEquals(sender.recovery.probesDue, 0, "no probe is needed");
});

Deno.test("tail loss: a probe is asked for after the probe timeout, and nothing is given up", () => {
  const sender = measured();
  sender.send(200, 3);
  const { pto } = sender.recovery.rtt;
  assertEquals(sender.recovery.deadline, 200 + pto);

  sender.wake();
  assertEquals(sender.recovery.probesDue, 1);
  assertEquals([sender.inFlight, sender.counters.datagramsLost], [3, 0]);
  assert(!sender.buffer.hasLost);

  sender.send(200 + pto);
  assertEquals([sender.recovery.probesDue, sender.inFlight], [0, 4]);
  // The probe arrives, and shows that the whole flight before it did not.
  sender.ack(300 + pto, [4]);
  assertEquals([sender.inFlight, sender.counters.datagramsLost], [0, 3]);
  assertEquals([sender.recovery.deadline, sender.recovery.probesDue], [
    Infinity,
    0,
  ]);
});

Deno.test("probes back off, and are never more than about a second apart", () => {
  const sender = measured();
  sender.send(200);
  const { pto } = sender.recovery.rtt;
  const waits: number[] = [];
  let sent = 200;
  for (let timeout = 0; timeout < 8; timeout++) {
    const now = sender.wake();
    waits.push(now - sent);
    assertEquals(sender.recovery.probesDue, timeout === 0 ? 1 : 2);
    sender.send(now, sender.recovery.probesDue);
    sent = now;
  }
  assertEquals(waits.slice(0, 3), [pto, Math.min(1_000, 2 * pto), 1_000]);
  assert(waits.slice(3).every((wait) => wait === 1_000));
  assertEquals(sender.counters.probes, 8);
  assertEquals(sender.counters.datagramsLost, 0, "silence is not loss");
});

Deno.test("on a path longer than a second, probes wait for it", () => {
  const sender = new TestSender();
  sender.send(0);
  sender.ack(3_000, [0]);
  sender.send(3_000);
  const { pto } = sender.recovery.rtt;
  assert(pto > 3_000);
  assertEquals(sender.recovery.deadline, 3_000 + pto);
  sender.send(sender.wake());
  assertEquals(sender.recovery.deadline, 3_000 + 2 * pto);
});

Deno.test("an acknowledgement ends the backoff", () => {
  const sender = measured();
  sender.send(200);
  for (let timeout = 0; timeout < 3; timeout++) sender.send(sender.wake());
  const now = 10_000;
  sender.ack(now, [4]);
  assertEquals(sender.recovery.probesDue, 0);
  sender.send(now);
  assertEquals(sender.recovery.probeInterval, sender.recovery.rtt.pto);
});

Deno.test("after three timeouts the path is taken for a new one", () => {
  for (const [timeouts, times] of [[2, 0], [3, 1], [5, 1]]) {
    const sender = measured();
    sender.send(200);
    let now = 0;
    for (let i = 0; i < timeouts!; i++) sender.send(now = sender.wake());
    assertEquals(
      sender.controller.persistentCongestions,
      0,
      "nobody knows yet",
    );
    sender.ack(now + RTT, [1 + timeouts!]);
    assertEquals(sender.controller.persistentCongestions, times);
    sender.send(now + RTT);
    sender.ack(now + 2 * RTT, [2 + timeouts!]);
    assertEquals(sender.controller.persistentCongestions, times, "once");
  }
});

Deno.test("a packet given up that arrived after all widens the patience, and is counted", () => {
  const sender = measured();
  sender.send(200, 5);
  sender.ack(300, [2, 3, 4]);
  assertEquals(sender.counters.datagramsLost, 1);
  sender.ack(310, [1]);
  assertEquals(sender.counters.spuriousLosses, 1);
  assertEquals(sender.inFlight, 1, "it is taken out of flight once");
  assert(!sender.buffer.hasLost, "nothing is to be sent again");
  sender.ack(315, [5]);

  // From now on three later packets are no proof.
  sender.send(400, 6); // 6 to 11
  sender.ack(500, [7, 8, 9, 10, 11]);
  assertEquals(sender.counters.datagramsLost, 1);
  sender.ack(501, [6]);
  assertEquals(sender.counters.spuriousLosses, 1);
});

Deno.test("a late packet that was not given up is reordering, not loss", () => {
  const sender = measured();
  sender.send(200, 3);
  sender.ack(300, [2, 3]);
  sender.ack(301, [1]);
  assertEquals(sender.counters.datagramsLost, 0);
  sender.send(400, 5);
  sender.ack(500, [5, 6, 7, 8]);
  assertEquals(sender.counters.datagramsLost, 0);
});

Deno.test("only the newest packet of an acknowledgement gives a sample of the round trip", () => {
  const sender = measured();
  sender.send(200, 3);
  sender.ack(350, [1, 2, 3]);
  assertEquals(sender.controller.acks.at(-1)?.rttSample, 150);
  sender.send(400);
  sender.send(450);
  sender.ack(560, [5]);
  sender.ack(570, [4]);
  assertEquals(sender.controller.acks.map(({ rttSample }) => rttSample), [
    RTT,
    150,
    110,
    undefined,
  ]);
});

Deno.test("a retransmission's sample is its own, never that of what it repeats", () => {
  const sender = measured();
  sender.send(200);
  const now = sender.wake();
  sender.send(now);
  sender.ack(now + 50, [2]);
  assertEquals(sender.controller.acks.at(-1)?.rttSample, 50);
});

Deno.test("an acknowledgement that tells nothing new changes nothing", () => {
  const sender = measured();
  sender.send(200, 2);
  sender.ack(300, [1]);
  const { deadline } = sender.recovery;
  const told = sender.controller.acks.length;
  sender.ack(301, [1]);
  sender.ack(302, []);
  assertEquals(sender.controller.acks.length, told);
  assertEquals([sender.recovery.deadline, sender.inFlight], [deadline, 1]);
});

Deno.test("the cumulative acknowledgement frees bytes but settles no packet", () => {
  const sender = measured();
  sender.send(200, 3);
  const { sndNxt } = sender.buffer;
  sender.ack(300, [], sndNxt);
  assertEquals(sender.buffer.sndUna, sndNxt);
  assertEquals(sender.inFlight, 3);
  // Should they count as lost, there is nothing to repeat.
  sender.ack(301, [3]);
  sender.recovery.onTimeout(1_000);
  assert(!sender.buffer.hasLost);
});

Deno.test("the acknowledgement of what was never sent is recognised", () => {
  const sender = measured();
  sender.send(200, 3);
  const { sndNxt } = sender.buffer;
  const isUnsent = (ack: number, start: number, end: number) =>
    sender.recovery.acknowledgesUnsent(
      segmentOf({ flags: Flag.ACK, ack, blocks: [[start, end]] }),
    );
  assert(!isUnsent(sndNxt, FIRST, FIRST + 4));
  assert(isUnsent(sndNxt + 1, FIRST, FIRST + 4));
  assert(isUnsent(sndNxt, FIRST, FIRST + 5));
  assert(isUnsent(sndNxt, FIRST - 1, FIRST + 4));
});

// P-15
Deno.test("a datagram leaves only while the window has room for it", () => {
  const sender = measured();
  assert(sender.recovery.windowAllows(10 * SIZE));
  assert(!sender.recovery.windowAllows(10 * SIZE + 1));
  sender.send(200, 9);
  assert(sender.recovery.windowAllows(SIZE));
  sender.send(200);
  assert(!sender.recovery.windowAllows(1));
  sender.ack(300, [1]);
  assert(sender.recovery.windowAllows(SIZE));
});

Deno.test("the controller is told whether the window or the application held back", () => {
  const sender = measured();
  sender.send(200, 10);
  sender.recovery.onWindowLimited();
  sender.ack(300, [1]);
  assert(sender.controller.acks.at(-1)?.windowLimited);
  sender.recovery.onAppLimited();
  sender.ack(301, [2]);
  assert(!sender.controller.acks.at(-1)?.windowLimited);
});

Deno.test("an acknowledgement tells the controller what was in flight before and after", () => {
  const sender = measured();
  sender.send(200, 8);
  sender.ack(300, [4, 5, 6]);
  const { priorInFlight, ackedBytes, bytesInFlight } = sender.controller
    .acks[1]!;
  assertEquals(priorInFlight, 8 * SIZE);
  assertEquals(ackedBytes, 3 * SIZE);
  // Packets 1 to 3 are lost by it.
  assertEquals(bytesInFlight, 2 * SIZE);
});
