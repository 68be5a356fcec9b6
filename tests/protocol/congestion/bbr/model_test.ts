import { assert, assertEquals } from "@std/assert";
import {
  ExtraAckedFilter,
  FullBandwidthEstimator,
  MaxBwFilter,
  MinRttFilter,
} from "../../../../lib/protocol/congestion/bbr/model.ts";
import { Round } from "../../../../lib/protocol/congestion/bbr/round.ts";
import { ackEvent } from "../../support/ack_event.ts";

Deno.test("the bandwidth is the highest of this probing cycle and the last", () => {
  const bandwidth = new MaxBwFilter();
  bandwidth.update(10);
  bandwidth.update(7);
  assertEquals(bandwidth.maxBw, 10);
  bandwidth.advance();
  bandwidth.update(8);
  assertEquals(bandwidth.maxBw, 10);
  bandwidth.advance();
  assertEquals(bandwidth.maxBw, 8);
});

Deno.test("a cycle in which nothing was measured does not make the bandwidth forgotten", () => {
  const bandwidth = new MaxBwFilter();
  bandwidth.update(10);
  bandwidth.advance();
  bandwidth.advance();
  assertEquals(bandwidth.maxBw, 10);
});

Deno.test("the minimum round trip is the shortest, and old when none came near it for five seconds", () => {
  const minRtt = new MinRttFilter();
  assertEquals(minRtt.minRtt, Infinity);
  minRtt.update(0, 50);
  minRtt.update(1_000, 70);
  assertEquals(minRtt.minRtt, 50);
  assertEquals([minRtt.isExpired(5_000), minRtt.isExpired(5_001)], [
    false,
    true,
  ]);
  minRtt.update(5_000, 53);
  assertEquals([minRtt.minRtt, minRtt.isExpired(10_000)], [50, false]);
  minRtt.forget();
  minRtt.update(11_000, 80);
  assertEquals([minRtt.minRtt, minRtt.isExpired(16_000)], [80, false]);
});

Deno.test("acknowledgements in batches add what they bring beyond the bandwidth, for ten rounds", () => {
  const aggregation = new ExtraAckedFilter();
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

Deno.test("a round ends when what was sent at its beginning has arrived", () => {
  const round = new Round();
  const ends = [
    { priorDelivered: 0, delivered: 1_000 },
    { priorDelivered: 0, delivered: 2_000 },
    { priorDelivered: 500, delivered: 2_500 },
    { priorDelivered: 1_000, delivered: 3_000 },
    { priorDelivered: 3_000, delivered: 3_000 },
    { priorDelivered: 4_000, delivered: 3_000 },
  ].map((told) => round.update(ackEvent(told)));
  assertEquals(ends, [true, false, false, true, false, true]);
  assertEquals(round.count, 3);
});

Deno.test("the flight of a round is that in which what it settles was sent", () => {
  const round = new Round();
  round.update(ackEvent({ priorInFlight: 7_000 }));
  round.update(ackEvent({ priorInFlight: 5_000 }));
  assertEquals([round.maxInflight, round.acked], [7_000, 2_000]);
  round.clear();
  assertEquals([round.maxInflight, round.txInflight], [0, 7_000]);
  assertEquals(round.acked, 0);
});

const MIN_RTT = 50;
const WINDOW = 100_000;

/** What a round trip was like. */
interface RoundTrip {
  bandwidth: number;
  rtt?: number;
  inFlight?: number;
  lost?: number;
}

/** Whether the pipe is taken for full after each of these rounds. */
function after(rounds: RoundTrip[]): boolean[] {
  const pipe = new FullBandwidthEstimator();
  return rounds.map(({ bandwidth, rtt = MIN_RTT, inFlight = 0, lost = 0 }) => {
    const round = new Round();
    round.update(
      ackEvent({ ackedBytes: 50_000, priorInFlight: inFlight, rttSample: rtt }),
    );
    round.lost = lost;
    pipe.onRound(bandwidth, round, MIN_RTT, WINDOW);
    return pipe.reached;
  });
}

Deno.test("as long as the bandwidth grows the pipe is not full", () => {
  const rounds = [1, 2, 3, 4, 5, 7, 9].map((bandwidth) => ({
    bandwidth,
    inFlight: WINDOW,
  }));
  assert(!after(rounds).includes(true));
});

Deno.test("three rounds without growth fill the pipe, if the window was used", () => {
  const round = { bandwidth: 10, inFlight: WINDOW };
  assertEquals(after([round, round, round, round]), [
    false,
    false,
    false,
    true,
  ]);
});

Deno.test("a machine that sends less than it may does not fill the pipe", () => {
  const round = { bandwidth: 10, inFlight: WINDOW / 2 };
  assert(!after(Array(20).fill(round)).includes(true));
});

Deno.test("a queue that overflows shows a full pipe at once, a queue or loss alone does not", () => {
  const first = { bandwidth: 10 };
  const lossy = { ...first, lost: 10_000 };
  const queued = { ...first, rtt: 2 * MIN_RTT };
  assertEquals(after([first, { ...queued, lost: 10_000 }]), [false, true]);
  assertEquals(after([first, lossy, lossy]).at(-1), false);
  assertEquals(after([first, queued, queued]).at(-1), false);
});
