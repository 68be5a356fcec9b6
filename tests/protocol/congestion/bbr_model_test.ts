import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  AckAggregation,
  MaxBandwidth,
  MinRtt,
  RandomLoss,
} from "../../../lib/protocol/congestion/bbr_model.ts";
import { ackEvent } from "../support/ack_event.ts";

Deno.test("the bandwidth is the highest of this probing cycle and the last", () => {
  const bandwidth = new MaxBandwidth();
  bandwidth.update(10);
  bandwidth.update(7);
  assertEquals(bandwidth.value, 10);
  bandwidth.advance();
  bandwidth.update(8);
  assertEquals(bandwidth.value, 10);
  bandwidth.advance();
  assertEquals(bandwidth.value, 8);
});

Deno.test("a cycle in which nothing was measured does not make the bandwidth forgotten", () => {
  const bandwidth = new MaxBandwidth();
  bandwidth.update(10);
  bandwidth.advance();
  bandwidth.advance();
  assertEquals(bandwidth.value, 10);
});

Deno.test("the minimum round trip is the shortest, and old when none came near it for five seconds", () => {
  const minRtt = new MinRtt();
  assertEquals(minRtt.value, Infinity);
  minRtt.update(0, 50);
  minRtt.update(1_000, 70);
  assertEquals(minRtt.value, 50);
  assertEquals([minRtt.isOld(5_000), minRtt.isOld(5_001)], [false, true]);
  minRtt.update(5_000, 53);
  assertEquals([minRtt.value, minRtt.isOld(10_000)], [50, false]);
  minRtt.forget();
  minRtt.update(11_000, 80);
  assertEquals([minRtt.value, minRtt.isOld(16_000)], [80, false]);
});

Deno.test("acknowledgements in batches add what they bring beyond the bandwidth, for ten rounds", () => {
  const aggregation = new AckAggregation();
  const bandwidth = 1;
  const ack = (now: number, ackedBytes: number, round: number) =>
    aggregation.update(ackEvent({ now, ackedBytes }), bandwidth, round, 1e6);
  for (let now = 10; now <= 100; now += 10) ack(now, 10, 0);
  assertEquals(aggregation.extraAcked, 10);
  ack(200, 500, 1);
  assertEquals(aggregation.extraAcked, 500);
  for (let round = 2; round < 11; round++) aggregation.onRoundStart(round);
  assertEquals(aggregation.extraAcked, 500);
  aggregation.onRoundStart(11);
  assertEquals(aggregation.extraAcked, 0);
});

/** A drain from 100 ms to 200 ms, of which packets are settled; the next one takes them in. */
function drained(loss: RandomLoss, lost: number, { empty = 100 } = {}): void {
  loss.drainBegins(100);
  loss.onEmptyQueue(empty);
  for (let i = 0; i < 100; i++) loss.onSettled(150, i < lost);
  loss.drainEnds(200);
  loss.drainBegins(300);
  loss.drainEnds(300);
}

Deno.test("random loss is what was lost of the packets that left while the path drained", () => {
  const loss = new RandomLoss();
  loss.onSettled(50, true);
  drained(loss, 10);
  assertAlmostEquals(loss.rate, 0.1);
  for (let i = 0; i < 20; i++) drained(loss, 2);
  assertAlmostEquals(loss.rate, 0.02, 0.001);
});

Deno.test("packets of another time do not count as random loss", () => {
  const loss = new RandomLoss();
  loss.drainBegins(100);
  loss.onEmptyQueue(120);
  loss.drainEnds(200);
  for (let i = 0; i < 100; i++) {
    loss.onSettled(119, true);
    loss.onSettled(200, true);
    loss.onSettled(120, false);
    loss.onSettled(199, false);
  }
  loss.drainBegins(300);
  assertEquals(loss.rate, 0);
});

Deno.test("a drain that never met an empty queue, or of few packets, says nothing of random loss", () => {
  const loss = new RandomLoss();
  drained(loss, 50, { empty: 99 });
  assertEquals(loss.rate, 0);
  loss.drainBegins(100);
  loss.onEmptyQueue(100);
  loss.onSettled(150, true);
  loss.drainEnds(200);
  loss.drainBegins(300);
  assertEquals(loss.rate, 0);
});

Deno.test("no more than two fifths of loss are taken for random", () => {
  const loss = new RandomLoss();
  drained(loss, 90);
  assert(loss.rate <= 0.4, `${loss.rate}`);
});
