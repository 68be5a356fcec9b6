import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Cubic } from "../../../lib/protocol/congestion/cubic.ts";
import { RttEstimator } from "../../../lib/protocol/recovery/rtt.ts";
import { ackEvent } from "../support/ack_event.ts";
import { testCongestionController } from "./congestion_suite.ts";

const MSS = 1_000;
const RTT = 100;

testCongestionController("CUBIC", (size) => new Cubic(size), 10);

/** A controller that is told of round trips, one after the other. */
class Bench {
  readonly cubic = new Cubic(MSS);
  readonly rtt = new RttEstimator();
  now = 0;

  /** A window's worth arrives over a round trip. */
  round(windowLimited = true): void {
    const { congestionWindow } = this.cubic;
    for (let acked = 0; acked < congestionWindow; acked += MSS) {
      this.now += RTT * MSS / congestionWindow;
      this.rtt.sample(this.now, RTT, 0);
      const event = ackEvent({
        now: this.now,
        sentTime: this.now - RTT,
        ackedBytes: MSS,
        priorInFlight: congestionWindow,
        rttSample: RTT,
      });
      this.cubic.onAcked({ ...event, rtt: this.rtt, windowLimited });
    }
  }

  lose(sentTime = this.now): void {
    const bytesInFlight = this.cubic.congestionWindow;
    const { now } = this;
    this.cubic.onLost({ now, lostBytes: MSS, sentTime, bytesInFlight });
  }
}

Deno.test("CUBIC doubles its window each round trip until something is lost", () => {
  const bench = new Bench();
  for (const datagrams of [10, 20, 40, 80]) {
    assertEquals(bench.cubic.congestionWindow, datagrams * MSS);
    bench.round();
  }
});

Deno.test("CUBIC gives back three tenths once for each flight with losses", () => {
  const bench = new Bench();
  for (let i = 0; i < 4; i++) bench.round();
  const before = bench.cubic.congestionWindow;
  bench.lose();
  assertAlmostEquals(bench.cubic.congestionWindow, 0.7 * before, 1);
  // More of the same flight.
  bench.lose(bench.now - 50);
  bench.lose(bench.now);
  assertAlmostEquals(bench.cubic.congestionWindow, 0.7 * before, 1);
  bench.now += 2 * RTT;
  bench.lose();
  assertAlmostEquals(bench.cubic.congestionWindow, 0.49 * before, 1);
});

Deno.test("CUBIC is back where loss struck after K, and grows on from there", () => {
  const bench = new Bench();
  for (let i = 0; i < 4; i++) bench.round();
  const struck = bench.cubic.congestionWindow;
  bench.lose();
  const start = bench.now += 2 * RTT;
  // Seconds: the cube root of what was given back over C.
  const k = Math.cbrt((struck * 0.3 / MSS) / 0.4);
  while (bench.now < start + 1_000 * k) bench.round();
  assert(Math.abs(bench.cubic.congestionWindow - struck) < 0.1 * struck);
  while (bench.now < start + 3_000 * k) bench.round();
  assert(bench.cubic.congestionWindow > 1.5 * struck);
});

Deno.test("CUBIC does not grow while the application, not the window, is the limit", () => {
  const bench = new Bench();
  for (let i = 0; i < 10; i++) bench.round(false);
  assertEquals(bench.cubic.congestionWindow, 10 * MSS);
});

Deno.test("CUBIC begins anew with a small window on a path that was silent", () => {
  const bench = new Bench();
  for (let i = 0; i < 4; i++) bench.round();
  bench.cubic.onPersistentCongestion();
  assert(bench.cubic.congestionWindow <= 4 * MSS);
});
