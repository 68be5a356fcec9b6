import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { RoundSignals } from "../../../lib/protocol/congestion/bbr_rounds.ts";
import {
  FlightRate,
  FullPipe,
} from "../../../lib/protocol/congestion/bbr_startup.ts";
import { ackEvent } from "../support/ack_event.ts";

const MIN_RTT = 50;
const WINDOW = 100_000;

/** What a round trip was like. */
interface Round {
  bandwidth: number;
  rtt?: number;
  inFlight?: number;
  lost?: number;
}

/** Whether the pipe is taken for full after each of these rounds. */
function after(rounds: Round[]): boolean[] {
  const pipe = new FullPipe();
  return rounds.map(({ bandwidth, rtt = MIN_RTT, inFlight = 0, lost = 0 }) => {
    const signals = new RoundSignals();
    signals.update(
      ackEvent({ ackedBytes: 50_000, priorInFlight: inFlight, rttSample: rtt }),
    );
    signals.onLost(lost);
    pipe.onRound(bandwidth, signals, MIN_RTT, WINDOW);
    return pipe.filled;
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

const FLIGHT = 20_000;

/** What may follow a flight of 20 datagrams that were sent, and acknowledged, so many milliseconds apart. */
function afterFlight(sentApart: number, ackedApart: number, count = 20) {
  const flight = new FlightRate();
  const ack = (i: number) =>
    ackEvent({
      now: MIN_RTT + i * ackedApart,
      sentTime: i * sentApart,
      priorInFlight: FLIGHT,
    });
  flight.onRound(ack(0));
  for (let i = 1; i < count; i++) flight.onAcked(ack(i), MIN_RTT);
  return flight.next;
}

Deno.test("a quarter more than what a flight arrived at may follow, long before the round is over", () => {
  assertAlmostEquals(afterFlight(1, 2), 1.25 * 1_000 / 2);
});

Deno.test("acknowledgements that come together show no more than what was sent", () => {
  assertAlmostEquals(afterFlight(4, 0.01), 1.25 * 1_000 / 4);
});

Deno.test("a flight of which less than half has arrived shows nothing, nor does one that a clock cannot measure", () => {
  assertEquals(afterFlight(1, 2, 10), 0);
  assertEquals(afterFlight(0.01, 0.01), 0);
});

Deno.test("a flight that has met a queue shows nothing: what is there is in use", () => {
  const flight = new FlightRate();
  const ack = (i: number, rttSample: number) =>
    ackEvent({ now: 100 + i, rttSample, priorInFlight: FLIGHT });
  flight.onRound(ack(0, MIN_RTT));
  flight.onAcked(ack(1, 1.2 * MIN_RTT), MIN_RTT);
  for (let i = 2; i < 20; i++) flight.onAcked(ack(i, MIN_RTT), MIN_RTT);
  assertEquals(flight.next, 0);
});

Deno.test("the fastest flight counts, each measured by itself", () => {
  const flight = new FlightRate();
  const ack = (now: number) =>
    ackEvent({ now, sentTime: now - MIN_RTT, priorInFlight: 2_000 });
  flight.onRound(ack(100));
  flight.onAcked(ack(102), MIN_RTT);
  assertAlmostEquals(flight.next, 1.25 * 500);
  flight.onRound(ack(200));
  flight.onAcked(ack(210), MIN_RTT);
  assertAlmostEquals(flight.next, 1.25 * 500);
});
