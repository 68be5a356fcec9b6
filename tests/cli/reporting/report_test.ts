import { assert, assertEquals } from "@std/assert";
import { ticks } from "../../../lib/cli/reporting/chart.ts";
import { drawReport } from "../../../lib/cli/reporting/report.ts";
import { TimeSeries } from "../../../lib/cli/reporting/sampler.ts";
import { sampleAt, seriesUntil } from "./samples.ts";

const HEADING = { title: "Sent a file", notes: ["Limited by the path 100%"] };

/** The names of the elements that an SVG document opens and does not close itself, checked for order. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  for (
    const [, end, name = "", empty] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)
  ) {
    if (end) assertEquals(open.pop(), name);
    else if (!empty) open.push(name);
  }
  assertEquals(open, []);
  assertEquals(svg.replace(/<[^<>]*>/g, "").match(/[<>]|&(?!#\d+;)/g), null);
}

/** The numbers of all paths of a class. */
function pathsOf(svg: string, style: string): number[][] {
  const paths = svg.matchAll(RegExp(`class="${style}" d="([^"]*)"`, "g"));
  return [...paths].map(([, d = ""]) =>
    (d.match(/-?[\d.]+/g) ?? []).map(Number)
  );
}

Deno.test("a report draws rate, RTT, window, retransmissions and what held it back", () => {
  const svg = drawReport(seriesUntil(5000, 10), true, HEADING);
  assertWellFormed(svg);
  const words = [...svg.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) =>
    text
  );
  for (
    const title of [
      "Sent a file",
      "Limited by the path 100%",
      "Rate of what the receiver acknowledged, MB/s",
      "Round trip (RTT), ms",
      "Congestion window and bytes in flight, kB",
      "Retransmissions, datagrams/s",
      "Held back by, % of the time",
      "congestion window",
      "in flight",
      "seconds",
    ]
  ) assert(words.includes(title), title);
});

Deno.test("twice the value stands twice as high", () => {
  const svg = drawReport(seriesUntil(5000, 10), true, HEADING);
  const window = pathsOf(svg, "line s1")[0]![1]!;
  const flight = pathsOf(svg, "line s0")[1]![1]!;
  const levels = pathsOf(svg, "grid").filter(([, y1, , y2]) => y1 === y2);
  const bottom = Math.max(
    ...levels.map(([, y = 0]) => y).filter((y) => y < flight + 100),
  );
  assertEquals(bottom - window, 2 * (bottom - flight));
});

Deno.test("nothing that is drawn leaves the picture, and it stays small", () => {
  const series = new TimeSeries();
  for (let i = 0; i < 5000; i++) {
    const bytes = i < 2500 ? i * 1e9 : 2500e9;
    series.add(sampleAt(i * 100, { bytes, rtt: i % 7 ? i : undefined }));
  }
  const svg = drawReport(series, true, HEADING);
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
  const lines = [0, 1, 3].flatMap((i) => pathsOf(svg, `line s${i}`)).flat();
  assert(lines.length > 500);
  assert(lines.every((n) => n >= 0 && n <= Math.max(width!, height!)));
  assert(svg.length < 100_000, `${svg.length}`);
});

Deno.test("a receiver's report, and one of a transfer that ended at once, are drawn", () => {
  assertWellFormed(drawReport(seriesUntil(500, 10), false, HEADING));
  const series = new TimeSeries();
  series.add(sampleAt(0));
  const svg = drawReport(series, true, HEADING);
  assertWellFormed(svg);
  assertEquals(svg.match(/NaN|Infinity|undefined/g), null);
});

Deno.test("what others have named is text in it and nothing else", () => {
  const title = `Sent <script>alert("&")</script>`;
  const svg = drawReport(seriesUntil(100, 10), true, { title, notes: [title] });
  assertWellFormed(svg);
  assertEquals(svg.includes("<script"), false);
});

Deno.test("axes are marked with round numbers, from 0 to the largest", () => {
  assertEquals(ticks(10, 5), [0, 2, 4, 6, 8, 10]);
  assertEquals(ticks(0.07, 5), [0, 0.02, 0.04, 0.06]);
  assertEquals(ticks(830, 5), [0, 200, 400, 600, 800]);
});

Deno.test("what is said at the top is all there, in lines that fit", () => {
  const words = "no space is left on the device; to resume, run both again ";
  const title = words.repeat(3).trim();
  const svg = drawReport(seriesUntil(100, 10), true, { title, notes: [title] });
  assertWellFormed(svg);
  const lines = [...svg.matchAll(/x="76" y="(\d+)"[^>]*>([^<]*)<\/text>/g)];
  const heads = lines.slice(
    0,
    lines.findIndex(([, , at = ""]) => at.startsWith("Rate")),
  );
  assert(heads.every(([, , line = ""]) => line.length < 130));
  const said = heads.map(([, , line = ""]) => line.trim()).join(" ");
  assertEquals(said, `${title} ${title}`);
  const heights = heads.map(([, y]) => Number(y));
  assertEquals(heights, heights.toSorted((a, b) => a - b));
  assertEquals(new Set(heights).size, heights.length);
});
