import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Overrun } from "../../../../lib/protocol/congestion/bbr/overrun.ts";
import { ackEvent } from "../../support/ack_event.ts";

const MIN_RTT = 50;

/** What a flight of 100 datagrams shows of which these are acknowledged, at so many milliseconds. */
function rateAfter(times: number[], rtt = 2 * MIN_RTT, minRtt = MIN_RTT) {
  const overrun = new Overrun();
  const ack = (now: number) =>
    ackEvent({ now, rttSample: rtt, priorInFlight: 100_000 });
  overrun.onPath(1_000);
  overrun.onRound(ack(0));
  for (const time of times) overrun.onAcked(ack(time), minRtt);
  return overrun.rateAt(times.at(-1)!, minRtt);
}

function every(interval: number, count = 20): number[] {
  return Array.from({ length: count }, (_, i) => (i + 1) * interval);
}

Deno.test("a flight of which the path carries a part overruns it, and shows what it carries", () => {
  assertAlmostEquals(rateAfter(every(4)), 1_000 / 4);
});

Deno.test("a flight whose rest arrives soon overruns no path", () => {
  assertEquals(rateAfter(every(1, 50)), 0);
});

Deno.test("a flight that meets no queue overruns no path", () => {
  assertEquals(rateAfter(every(4), MIN_RTT), 0);
});

Deno.test("little, or of a short time, shows nothing", () => {
  assertEquals(rateAfter(every(20, 7)), 0);
  assertEquals(rateAfter(every(3, 8)), 0);
});

Deno.test("a machine that stands still for a while is no slow path", () => {
  const [first = 0, ...others] = every(0.1, 10);
  const late = others.map((time) => time + 40);
  assertEquals(rateAfter([first, ...late]), 0);
});

Deno.test("on a short path a flight that arrives slowly met a busy machine", () => {
  assertEquals(rateAfter(every(4), 20, 5), 0);
});
