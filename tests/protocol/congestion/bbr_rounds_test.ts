import { assert, assertEquals } from "@std/assert";
import { RoundSignals } from "../../../lib/protocol/congestion/bbr_rounds.ts";
import { ackEvent } from "../support/ack_event.ts";

const MIN_RTT = 50;

/** A round of many acknowledgements, each of two datagrams, and what was lost in it. */
function round(lost: number, rtt = 2 * MIN_RTT): RoundSignals {
  const signals = new RoundSignals();
  for (let i = 0; i < 200; i++) {
    signals.update(ackEvent({ ackedBytes: 2_000, rttSample: rtt }));
  }
  signals.onLost(lost);
  return signals;
}

Deno.test("a round ends when what was sent at its beginning has arrived", () => {
  const signals = new RoundSignals();
  const ends = [
    { priorDelivered: 0, delivered: 1_000 },
    { priorDelivered: 0, delivered: 2_000 },
    { priorDelivered: 500, delivered: 2_500 },
    { priorDelivered: 1_000, delivered: 3_000 },
    { priorDelivered: 3_000, delivered: 3_000 },
    { priorDelivered: 4_000, delivered: 3_000 },
  ].map((told) => signals.update(ackEvent(told)));
  assertEquals(ends, [true, false, false, true, false, true]);
  assertEquals(signals.count, 3);
});

Deno.test("a queue stands when no round trip came near the shortest", () => {
  assert(!round(0, MIN_RTT).isQueued(MIN_RTT));
  assert(!round(0, MIN_RTT + 1).isQueued(MIN_RTT));
  assert(round(0, 1.5 * MIN_RTT).isQueued(MIN_RTT));
  const once = round(0, 2 * MIN_RTT);
  once.update(ackEvent({ rttSample: MIN_RTT }));
  assert(!once.isQueued(MIN_RTT));
});

Deno.test("loss is congestion only on top of what the path loses, and with a queue", () => {
  const share = (lost: number) => lost * 400_000 / (1 - lost);
  assert(!round(0).congested(MIN_RTT, 0));
  assert(!round(share(0.01)).congested(MIN_RTT, 0));
  assert(round(share(0.05)).congested(MIN_RTT, 0));
  assert(!round(share(0.05), MIN_RTT).congested(MIN_RTT, 0));
  assert(!round(share(0.12)).congested(MIN_RTT, 0.1), "by chance");
  assert(round(share(0.25)).congested(MIN_RTT, 0.1));
});

Deno.test("the flight of a round is that in which what it settles was sent", () => {
  const signals = new RoundSignals();
  signals.update(ackEvent({ priorInFlight: 7_000 }));
  signals.update(ackEvent({ priorInFlight: 5_000 }));
  assertEquals([signals.maxInFlight, signals.delivered], [7_000, 2_000]);
  signals.clear();
  assertEquals([signals.maxInFlight, signals.flight], [0, 7_000]);
  assertEquals(signals.delivered, 0);
});
