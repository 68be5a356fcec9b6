import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Round } from "../../../../lib/protocol/congestion/bbr/round.ts";
import { RandomLoss } from "../../../../lib/protocol/congestion/bbr/random_loss.ts";
import { ackEvent } from "../../support/ack_event.ts";

const MIN_RTT = 50;

/** A round of many acknowledgements, each of two datagrams, and what was lost in it. */
function roundWith(lost: number, rtt = 2 * MIN_RTT): Round {
  const round = new Round();
  for (let i = 0; i < 200; i++) {
    round.update(ackEvent({ ackedBytes: 2_000, rttSample: rtt }));
  }
  round.lost = lost;
  return round;
}

Deno.test("a queue stands when no round trip came near the shortest", () => {
  assert(!roundWith(0, MIN_RTT).isQueued(MIN_RTT));
  assert(!roundWith(0, MIN_RTT + 1).isQueued(MIN_RTT));
  assert(roundWith(0, 1.5 * MIN_RTT).isQueued(MIN_RTT));
  const once = roundWith(0, 2 * MIN_RTT);
  once.update(ackEvent({ rttSample: MIN_RTT }));
  assert(!once.isQueued(MIN_RTT));
});

/** A drain from 100 ms to 200 ms, of which packets are settled; the next one takes them in. */
function drained(loss: RandomLoss, lost: number, { empty = 100 } = {}): void {
  loss.onDrainStart(100);
  loss.onEmptyQueue(empty);
  for (let i = 0; i < 100; i++) loss.onSettled(150, i < lost);
  loss.onDrainEnd(200);
  loss.onDrainStart(300);
  loss.onDrainEnd(300);
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
  loss.onDrainStart(100);
  loss.onEmptyQueue(120);
  loss.onDrainEnd(200);
  for (let i = 0; i < 100; i++) {
    loss.onSettled(119, true);
    loss.onSettled(200, true);
    loss.onSettled(120, false);
    loss.onSettled(199, false);
  }
  loss.onDrainStart(300);
  assertEquals(loss.rate, 0);
});

Deno.test("a drain that never met an empty queue, or of few packets, says nothing of random loss", () => {
  const loss = new RandomLoss();
  drained(loss, 50, { empty: 99 });
  assertEquals(loss.rate, 0);
  loss.onDrainStart(100);
  loss.onEmptyQueue(100);
  loss.onSettled(150, true);
  loss.onDrainEnd(200);
  loss.onDrainStart(300);
  assertEquals(loss.rate, 0);
});

Deno.test("no more than two fifths of loss are taken for random", () => {
  const loss = new RandomLoss();
  drained(loss, 90);
  assert(loss.rate <= 0.4, `${loss.rate}`);
});

Deno.test("loss is congestion only beyond what the path loses, and with a queue", () => {
  const none = new RandomLoss();
  const tenth = new RandomLoss();
  drained(tenth, 10);
  const share = (lost: number) => lost * 400_000 / (1 - lost);
  assert(!none.isExceededBy(roundWith(0), MIN_RTT));
  assert(!none.isExceededBy(roundWith(share(0.01)), MIN_RTT));
  assert(none.isExceededBy(roundWith(share(0.05)), MIN_RTT));
  assert(!none.isExceededBy(roundWith(share(0.05), MIN_RTT), MIN_RTT));
  assert(!tenth.isExceededBy(roundWith(share(0.12)), MIN_RTT), "by chance");
  assert(tenth.isExceededBy(roundWith(share(0.25)), MIN_RTT));
});
