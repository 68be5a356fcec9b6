import { assert } from "@std/assert";
import { Pacer } from "../../../lib/protocol/sending/pacer.ts";

const SIZE = 1_000;
/** Datagrams that may leave together at most: a kernel's default receive buffer holds about 90. */
const MAX_BURST = 64;
/** Bytes. */
const KERNEL_BUFFER = 80 * SIZE;

function pacerOf(maxRate: number): Pacer {
  const pacer = new Pacer(maxRate);
  pacer.onPath(SIZE, KERNEL_BUFFER);
  return pacer;
}

/** Sends as often as the pacer lets it until `end`; returns when each datagram left. */
function drive(pacer: Pacer, start: number, end: number): number[] {
  const times: number[] = [];
  let now = start;
  while (now < end) {
    now = Math.max(now, pacer.deadline);
    if (now >= end) break;
    times.push(now);
    pacer.onSent(now, SIZE);
  }
  return times;
}

Deno.test("nothing is held back while no rate is known", () => {
  const pacer = pacerOf(Infinity);
  for (let i = 0; i < 1_000; i++) pacer.onSent(0, SIZE);
  assert(pacer.deadline <= 0);
});

Deno.test("over time datagrams leave at the rate, no faster and no slower", () => {
  for (const rate of [1, 100, 10_000]) {
    const pacer = pacerOf(Infinity);
    pacer.rate = rate;
    const duration = 1_000 * SIZE / rate;
    const { length } = drive(pacer, 1_000, 1_000 + duration);
    assert(length >= 975 && length <= 1_048, `${length} at ${rate}`);
  }
});

Deno.test("a burst is bounded, however long nothing was sent", () => {
  for (const rate of [1, 100, 10_000, 10_000_000]) {
    const pacer = pacerOf(Infinity);
    pacer.rate = rate;
    pacer.onSent(0, SIZE);
    const at = 1_000_000;
    const burst = drive(pacer, at, at + 1e-6).length;
    assert(burst >= 4 && burst <= 48, `${burst} at ${rate}`);
  }
});

Deno.test("a fast sender pauses between small bursts rather than after each datagram", () => {
  const pacer = pacerOf(Infinity);
  pacer.rate = 10_000;
  const times = drive(pacer, 1_000, 1_100);
  const pauses = times.filter((time, i) => i > 0 && time > times[i - 1]!);
  assert(pauses.length >= 1_000 / 24 && pauses.length < 1_000 / 20);
});

// P-16
Deno.test("no stretch of time sees more than its share and one burst", () => {
  const pacer = pacerOf(Infinity);
  pacer.rate = 100;
  const times = drive(pacer, 1_000, 11_000);
  for (let i = 0; i < times.length; i++) {
    for (let j = i + 1; j < times.length; j++) {
      const share = 100 * (times[j]! - times[i]!) / SIZE;
      assert(j - i <= share + MAX_BURST);
    }
  }
});

Deno.test("a sender that is woken late catches up, if it is not too late", () => {
  const pacer = pacerOf(Infinity);
  pacer.rate = 1_000;
  let sent = 0;
  // Woken each 2 ms, as by a timer that is late.
  for (let now = 0; now < 1_000; now += 2) {
    while (pacer.deadline <= now) {
      pacer.onSent(now, SIZE);
      sent++;
    }
  }
  assert(sent >= 975 && sent <= 1_048);
});

Deno.test("the limit given by a person holds whatever the controller says", () => {
  const pacer = pacerOf(10);
  pacer.rate = 1_000;
  const { length } = drive(pacer, 0, 10_000);
  assert(length >= 95 && length <= 100 + MAX_BURST);
  pacer.rate = 1;
  const slower = drive(pacer, 10_000, 20_000).length;
  assert(slower >= 8 && slower <= 12, `${slower}`);
});
