import { assertAlmostEquals, assertEquals } from "@std/assert";
import { FastStart } from "../../../../lib/protocol/congestion/bbr/fast_start.ts";
import { ackEvent } from "../../support/ack_event.ts";

const MIN_RTT = 50;
const FLIGHT = 20_000;

/** What may follow a flight of 20 datagrams that were sent, and acknowledged, so many milliseconds apart. */
function afterFlight(sentApart: number, ackedApart: number, count = 20) {
  const flight = new FastStart();
  const ack = (i: number) =>
    ackEvent({
      now: MIN_RTT + i * ackedApart,
      sentTime: i * sentApart,
      priorInFlight: FLIGHT,
    });
  flight.onRound(ack(0));
  for (let i = 1; i < count; i++) flight.onAcked(ack(i), MIN_RTT);
  return flight.flightRate;
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
  const flight = new FastStart();
  const ack = (i: number, rttSample: number) =>
    ackEvent({ now: 100 + i, rttSample, priorInFlight: FLIGHT });
  flight.onRound(ack(0, MIN_RTT));
  flight.onAcked(ack(1, 1.2 * MIN_RTT), MIN_RTT);
  for (let i = 2; i < 20; i++) flight.onAcked(ack(i, MIN_RTT), MIN_RTT);
  assertEquals(flight.flightRate, 0);
});

Deno.test("the fastest flight counts, each measured by itself", () => {
  const flight = new FastStart();
  const ack = (now: number) =>
    ackEvent({ now, sentTime: now - MIN_RTT, priorInFlight: 2_000 });
  flight.onRound(ack(100));
  flight.onAcked(ack(102), MIN_RTT);
  assertAlmostEquals(flight.flightRate, 1.25 * 500);
  flight.onRound(ack(200));
  flight.onAcked(ack(210), MIN_RTT);
  assertAlmostEquals(flight.flightRate, 1.25 * 500);
});
