import { assert, assertEquals } from "@std/assert";
import { TimeSeries } from "../../../lib/cli/reporting/sampler.ts";
import { sampleAt, seriesUntil } from "./samples.ts";

Deno.test("however long a transfer takes, few samples are kept, spread over all of it", () => {
  const series = new TimeSeries();
  const end = 24 * 3600 * 1000;
  let time = 0;
  for (; time < end; time += series.interval) series.add(sampleAt(time));
  const times = series.samples().map((sample) => sample.time);
  assert(times.length >= 256 && times.length <= 512, `${times.length}`);
  assertEquals(times[0], 0);
  assertEquals(times.at(-1), time - series.interval);
  const gaps = times.slice(1).map((next, i) => next - times[i]!);
  assert(Math.max(...gaps) <= end / 200);
});

Deno.test("fewer samples can be asked for, and have the same ends", () => {
  const series = seriesUntil(1000, 10);
  assertEquals(series.samples(3).map(({ time }) => time), [0, 500, 1000]);
  assertEquals(series.samples(1000).length, 101);
});
