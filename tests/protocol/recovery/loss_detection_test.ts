import { assert, assertEquals } from "@std/assert";
import { LossDetection } from "../../../lib/protocol/recovery/loss_detection.ts";
import { RttEstimator } from "../../../lib/protocol/recovery/rtt.ts";
import {
  PacketState,
  SentPackets,
} from "../../../lib/protocol/recovery/sent_packets.ts";

const RTT = 100;

/** A sender of packets from 0 on, one each millisecond, with the given round trip. */
class Bench {
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
  const bench = new Bench(10);
  bench.ack(1, 2);
  assertEquals(bench.detect(50), []);
  bench.ack(3);
  assertEquals(bench.detect(50), [0]);
  assertEquals(bench.detect(50), [], "once");
});

Deno.test("all that the threshold passes is lost together, in order", () => {
  const bench = new Bench(10);
  bench.ack(2, 9);
  assertEquals(bench.detect(50), [0, 1, 3, 4, 5, 6]);
});

Deno.test("nothing is lost before anything was acknowledged, however late it is", () => {
  const bench = new Bench(10);
  assertEquals(bench.detect(100_000), []);
  assertEquals(bench.detection.deadline, Infinity);
});

Deno.test("a packet is lost by time at its deadline and not before", () => {
  const bench = new Bench(10);
  bench.ack(1);
  assertEquals(bench.detect(50), []);
  const { deadline } = bench.detection;
  // A round trip and an eighth to a half of one.
  assert(deadline >= 1.125 * RTT && deadline <= 1.5 * RTT);
  assertEquals(bench.detect(deadline - 0.001), []);
  assertEquals(bench.detection.deadline, deadline);
  assertEquals(bench.detect(deadline), [0]);
  assertEquals(bench.detection.deadline, Infinity);
});

Deno.test("a round trip that has just grown, or shrunk, is waited for in full", () => {
  for (const latest of [2 * RTT, RTT / 2]) {
    const bench = new Bench(10);
    bench.rtt.sample(0, latest, 0);
    bench.ack(1);
    bench.detect(50);
    const { smoothedRtt, adjustedRtt } = bench.rtt;
    const { deadline } = bench.detection;
    assert(deadline > Math.max(smoothedRtt, adjustedRtt));
  }
});

Deno.test("what was sent after the last acknowledged packet has no deadline here", () => {
  const bench = new Bench(10);
  bench.ack(0);
  assertEquals(bench.detect(100_000), []);
  assertEquals(bench.detection.deadline, Infinity);
});

Deno.test("once reordering was seen, time alone decides", () => {
  const bench = new Bench(10);
  bench.detection.onReordering();
  bench.ack(9);
  assertEquals(bench.detect(50), []);
  assert(bench.detection.deadline > RTT);
  assertEquals(bench.detect(bench.detection.deadline), [0]);
});

Deno.test("a wrong verdict widens the reordering window by what it came too early, up to a round trip", () => {
  const bench = new Bench(10);
  bench.ack(9);
  bench.detection.onReordering();
  bench.detect(50);
  assertEquals(bench.patience, RTT + RTT / 4);
  for (
    const [elapsed, patience] of [[1.1, 1.25], [1.5, 1.5], [1.4, 1.5], [3, 2]]
  ) {
    bench.detection.onSpuriousLoss(1_000, elapsed! * RTT, bench.rtt);
    // Asked at a time when nothing is due.
    bench.detect(0);
    assertEquals(bench.patience, patience! * RTT);
  }
});

Deno.test("a wider window is given up bit by bit when no verdict was wrong for many round trips", () => {
  const bench = new Bench(10);
  bench.ack(9);
  bench.detection.onReordering();
  bench.detect(50);
  bench.detection.onSpuriousLoss(1_000, 2 * RTT, bench.rtt);
  bench.detect(0);
  assertEquals(bench.patience, 2 * RTT);
  // All are long overdue, so that only a packet sent just now tells.
  let now = 1_000;
  for (const patience of [1.5, 1.25, 1.25]) {
    now += 17 * RTT;
    bench.detect(now);
    const late = bench.packets.sent(now, 0, 1, 100);
    bench.packets.sent(now, 0, 1, 100);
    bench.ack(late + 1);
    bench.detect(now);
    assertEquals(bench.patience, now + patience * RTT);
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
