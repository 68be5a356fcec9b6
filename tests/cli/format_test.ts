import { assertEquals } from "@std/assert";
import {
  formatBytes,
  formatClock,
  formatCount,
  formatMilliseconds,
  formatRate,
  formatSeconds,
  formatShare,
} from "../../lib/cli/format.ts";

/** What `format` makes of each number. */
function each(format: (value: number) => string, ...values: number[]) {
  return values.map((value) => format(value)).join(", ");
}

Deno.test("bytes have a unit that leaves at most three digits before the point", () => {
  assertEquals(
    each(formatBytes, 0, 1, 999, 1000, 1536, 999_949, 999_950, 3e8, 2e12, 9e15),
    "0 B, 1 B, 999 B, 1.0 kB, 1.5 kB, 999.9 kB, 1.0 MB, 300.0 MB, 2.0 TB, 9.0 PB",
  );
});

Deno.test("a rate is told per second", () => {
  assertEquals(
    each(formatRate, 0, 500, 92_100_000),
    "0 B/s, 500 B/s, 92.1 MB/s",
  );
});

Deno.test("durations have the digits that matter", () => {
  assertEquals(each(formatSeconds, 4, 1250, 75_230), "0.004 s, 1.25 s, 75.2 s");
  assertEquals(
    each(formatClock, 0, 100, 59_999, 60_000, 3_723_000),
    "0:00, 0:01, 1:00, 1:00, 1:02:03",
  );
  assertEquals(
    each(formatMilliseconds, 0.32, 9.96, 24.4),
    "0.3 ms, 10.0 ms, 24 ms",
  );
});

Deno.test("shares, and counts read naturally", () => {
  assertEquals(
    each(formatShare, 0, 0.0004, 0.05, 0.0996, 0.5, 1),
    "0%, 0%, 5.0%, 10%, 50%, 100%",
  );
  assertEquals(formatCount(1, "datagram"), "1 datagram");
  assertEquals(formatCount(0, "datagram"), "0 datagrams");
});
