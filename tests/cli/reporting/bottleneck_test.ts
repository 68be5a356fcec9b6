import { assert, assertEquals } from "@std/assert";
import {
  explain,
  explanationLines,
} from "../../../lib/cli/reporting/bottleneck.ts";
import { type Sample, TimeSeries } from "../../../lib/cli/reporting/sampler.ts";
import { sampleAt, seriesUntil } from "./samples.ts";

/** What is said of a second with such an end. */
function verdict(sends: boolean, end: Partial<Sample>): string | undefined {
  const series = new TimeSeries();
  series.add(sampleAt(0));
  series.add(sampleAt(1000, end));
  return explanationLines(explain(series, sends)).at(-1);
}

function limited(changes: Partial<Sample["limited"]>): Partial<Sample> {
  const none = { source: 0, receiver: 0, path: 0, rate: 0, cpu: 0 };
  return { limited: { ...none, ...changes } };
}

Deno.test("what limited a sender is named by its share of the time, the most first", () => {
  assertEquals(
    verdict(true, limited({ path: 700, receiver: 250, cpu: 40, source: 10 })),
    "Limited by the path (its bandwidth, delay and loss) 70%, the receiver (its disk or reader) 25%, the CPU here 4.0%; 50% of one CPU core used here",
  );
  assertEquals(
    verdict(true, limited({ rate: 990, source: 10 })),
    "Limited by --rate 99%; 50% of one CPU core used here",
  );
});

Deno.test("a receiver tells its storage from the network", () =>
  assertEquals(
    verdict(false, { unreadTime: 800 }),
    "Limited by the disk or reader here 80%, the sender or the path 20%; 50% of one CPU core used here",
  ));

Deno.test("a process that never rests is limited by the CPU, whatever it waits for", () =>
  assertEquals(
    verdict(true, { cpuTime: 970 }),
    "Limited by the CPU here: 97% of one CPU core used here",
  ));

Deno.test("the table shows rate, RTT and repetitions over time within 40 columns", () => {
  const lines = explanationLines(explain(seriesUntil(10_000, 100), true));
  assertEquals(lines.slice(0, 3), [
    "   time       rate    RTT resent limited by",
    " 1.00 s   1.0 MB/s  20 ms    10% path",
    " 2.00 s   1.0 MB/s  20 ms    10% path",
  ]);
  assertEquals(lines.length, 12);
  assert(lines.slice(1, -1).every((line) => line.length <= 40));
});

Deno.test("a receiver leaves out what only a sender measures", () => {
  const lines = explanationLines(explain(seriesUntil(10_000, 100), false));
  assertEquals(lines.slice(0, 2), [
    "   time       rate limited by",
    " 1.00 s   1.0 MB/s sender",
  ]);
});

Deno.test("of a transfer that ended at once it is not said what limited it", () => {
  for (const end of [0, 900]) {
    assertEquals(explanationLines(explain(seriesUntil(end, 100), true)), [
      "It was over too soon to say what limited it",
    ]);
  }
});
