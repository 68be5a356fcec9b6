import { assert, assertEquals } from "@std/assert";
import { LossDetection } from "../../../lib/protocol/recovery/loss_detection.ts";
import { RttEstimator } from "../../../lib/protocol/recovery/rtt.ts";
import {
  PacketState,
  SentPackets,
} from "../../../lib/protocol/recovery/sent_packets.ts";

const RTT = 100;

/** A sender of packets from 0 on, one each millisecond, with the given round trip. */
class TestSender {
  readonly packets = new SentPackets(0);
  readonly rtt = new RttEstimator();
  readonly detection = new LossDetection(0);

  constructor(packets: number) {
    this.rtt.sample(0, RTT, 0);
    for (let now = 0; now < packets; now++) this.packets.sent(now, 0, 1, 100);
  }

  /** The packets arrived. */
  ack(...numbers: number[]): void {
    for (const number of numbers) {
      this.packets.mark(number, PacketState.ACKED);
      this.packets.largestAcked = Math.max(this.packets.largestAcked, number);
    }
  }

  /** Which packets are found lost at `now`. */
  detect(now: number): number[] {
    const lost: number[] = [];
    const { packets, rtt } = this;
    this.detection.detect(now, packets, rtt, (packet) => {
      lost.push(packet);
      packets.mark(packet, PacketState.LOST);
    });
    return lost;
  }

  /** How long after its sending an unacknowledged packet counts as lost, in ms. */
  get patience(): number {
    return this.detection.deadline;
  }
}

Deno.test("a packet is lost once three later ones were acknowledged", () => {
  const sender = new TestSender(10);
  sender.ack(1, 2);
  assertEquals(sender.detect(50), []);
  sender.ack(3);
  assertEquals(sender.detect(50), [0]);
  assertEquals(sender.detect(50), [], "once");
});

Deno.test("all that the threshold passes is lost together, in order", () => {
  const sender = new TestSender(10);
  sender.ack(2, 9);
  assertEquals(sender.detect(50), [0, 1, 3, 4, 5, 6]);
});

Deno.test("nothing is lost before anything was acknowledged, however late it is", () => {
  const sender = new TestSender(10);
  assertEquals(sender.detect(100_000), []);
  assertEquals(sender.detection.deadline, Infinity);
});

Deno.test("a packet is lost by time at its deadline and not before", () => {
  const sender = new TestSender(10);
  sender.ack(1);
  assertEquals(sender.detect(50), []);
  const { deadline } = sender.detection;
  // A round trip and an eighth to a half of one.
  assert(deadline >= 1.125 * RTT && deadline <= 1.5 * RTT);
  assertEquals(sender.detect(deadline - 0.001), []);
  assertEquals(sender.detection.deadline, deadline);
  assertEquals(sender.detect(deadline), [0]);
  assertEquals(sender.detection.deadline, Infinity);
});

Deno.test("a round trip that has just grown, or shrunk, is waited for in full", () => {
  for (const latest of [2 * RTT, RTT / 2]) {
    const sender = new TestSender(10);
    sender.rtt.sample(0, latest, 0);
    sender.ack(1);
    sender.detect(50);
    const { smoothedRtt, adjustedRtt } = sender.rtt;
    const { deadline } = sender.detection;
    assert(deadline > Math.max(smoothedRtt, adjustedRtt));
  }
});

Deno.test("what was sent after the last acknowledged packet has no deadline here", () => {
  const sender = new TestSender(10);
  sender.ack(0);
  assertEquals(sender.detect(100_000), []);
  assertEquals(sender.detection.deadline, Infinity);
});

Deno.test("once reordering was seen, time alone decides", () => {
  const sender = new TestSender(10);
  sender.detection.onReordering();
  sender.ack(9);
  assertEquals(sender.detect(50), []);
  assert(sender.detection.deadline > RTT);
  assertEquals(sender.detect(sender.detection.deadline), [0]);
});

Deno.test("a wrong verdict widens the reordering window by what it came too early, up to a round trip", () => {
  const sender = new TestSender(10);
  sender.ack(9);
  sender.detection.onReordering();
  sender.detect(50);
  assertEquals(sender.patience, RTT + RTT / 4);
  for (
    const [elapsed, patience] of [[1.1, 1.25], [1.5, 1.5], [1.4, 1.5], [3, 2]]
  ) {
    sender.detection.onSpuriousLoss(1_000, elapsed! * RTT, sender.rtt);
    // Asked at a time when nothing is due.
    sender.detect(0);
    assertEquals(sender.patience, patience! * RTT);
  }
});

Deno.test("a wider window is given up bit by bit when no verdict was wrong for many round trips", () => {
  const sender = new TestSender(10);
  sender.ack(9);
  sender.detection.onReordering();
  sender.detect(50);
  sender.detection.onSpuriousLoss(1_000, 2 * RTT, sender.rtt);
  sender.detect(0);
  assertEquals(sender.patience, 2 * RTT);
  // All are long overdue, so that only a packet sent just now tells.
  let now = 1_000;
  for (const patience of [1.5, 1.25, 1.25]) {
    now += 17 * RTT;
    sender.detect(now);
    const late = sender.packets.sent(now, 0, 1, 100);
    sender.packets.sent(now, 0, 1, 100);
    sender.ack(late + 1);
    sender.detect(now);
    assertEquals(sender.patience, now + patience * RTT);
  }
});

Deno.test("a path without delay still gives a timer's lateness", () => {
  const packets = new SentPackets(0);
  const rtt = new RttEstimator();
  rtt.sample(0, 0, 0);
  packets.sent(0, 0, 1, 100);
  packets.sent(0, 0, 1, 100);
  packets.mark(1, PacketState.ACKED);
  packets.largestAcked = 1;
  const detection = new LossDetection(0);
  detection.detect(0, packets, rtt, () => assert(false));
  assert(detection.deadline >= 1);
});
