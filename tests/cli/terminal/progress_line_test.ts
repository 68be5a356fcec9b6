import { assert, assertEquals } from "@std/assert";
import type { Progress } from "../../../lib/session/events.ts";
import fc from "fast-check";
import { widthOf } from "../../../lib/base/display_text.ts";
import {
  combinedProgress,
  type LineStyle,
  progressLine,
} from "../../../lib/cli/terminal/progress_line.ts";

const HALF: Progress = {
  bytes: 135_200_000,
  size: 300_000_000,
  rate: 92_100_000,
  time: 1500,
  rtt: 24.3,
  resent: 0.012,
};
const STREAM: Progress = { ...HALF, size: undefined };

/** The line in so many columns, without colour unless it is wanted. */
function line(
  progress: Progress,
  columns: number,
  style: Partial<LineStyle> = {},
): string {
  return progressLine(progress, { columns, colour: false, ...style });
}

Deno.test("a line of 80 columns has everything", () => {
  assertEquals(
    line(HALF, 80),
    " 45%  ━━━━━━━╌╌╌╌╌╌╌╌╌  135.2 MB   92.1 MB/s  0:02 left  RTT  24 ms  1.2% resent",
  );
  assertEquals(
    line(STREAM, 80),
    "135.2 MB   92.1 MB/s  0:02 so far  RTT  24 ms  1.2% resent",
  );
});

Deno.test("a line of 40 columns leaves out what matters least", () => {
  assertEquals(
    line(HALF, 39),
    " 45%  135.2 MB   92.1 MB/s  0:02 left",
  );
  assertEquals(
    line(STREAM, 39),
    "135.2 MB   92.1 MB/s  0:02 so far",
  );
});

Deno.test("a bar takes what is left, also without colour, and in ASCII", () => {
  assertEquals(
    line(HALF, 79, { unicode: false }),
    " 45%  #######--------  135.2 MB   92.1 MB/s  0:02 left  RTT  24 ms  1.2% resent",
  );
  assertEquals(
    line(HALF, 79, { colour: true }),
    " 45%  \x1b[36m━━━━━━━\x1b[0m\x1b[2m────────\x1b[0m  135.2 MB   92.1 MB/s  0:02 left  RTT  24 ms  1.2% resent",
  );
  assertEquals(
    line(HALF, 200, { colour: true }).match(/[━─]/g)?.length,
    30,
  );
  assert(!line(STREAM, 200, { colour: true }).includes("━"));
});

Deno.test("the beginning and the end are told without nonsense", () => {
  const beginning = { ...HALF, bytes: 0, rate: 0, rtt: undefined, resent: 0 };
  assertEquals(
    line(beginning, 80),
    "  0%  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌       0 B       0 B/s    0% resent",
  );
  const end = { ...HALF, bytes: 300_000_000 };
  assertEquals(
    line(end, 80),
    "100%  ━━━━━━━━━━━━━━━━━━━━━━━━━━━  300.0 MB   92.1 MB/s  RTT  24 ms  1.2% resent",
  );
  const empty = { ...beginning, size: 0 };
  assert(line(empty, 80).startsWith("100%"));
});

/** Characters of ours, which take one column. */
const NARROW = /[━─╌…]/g;

/** Asserts that a line has neither more columns nor control characters. */
function assertFits(line: string, columns: number): void {
  // deno-lint-ignore no-control-regex -- that is how colours begin
  const text = line.replaceAll(/\x1b\[\d+m/g, "");
  const width = widthOf(text.replaceAll(NARROW, "-"));
  assert(width <= columns, `${width} in ${columns}: ${line}`);
  assert(!/\p{Cc}/u.test(text), JSON.stringify(line));
}

const progresses: fc.Arbitrary<Progress> = fc.record({
  bytes: fc.nat({ max: 2 ** 50 }),
  size: fc.option(fc.nat({ max: 2 ** 50 }), { nil: undefined }),
  entry: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
  rate: fc.double({ min: 0, max: 1e10, noNaN: true }),
  time: fc.double({ min: 0, max: 1e9, noNaN: true }),
  rtt: fc.option(fc.double({ min: 0, max: 1e5, noNaN: true }), {
    nil: undefined,
  }),
  resent: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), {
    nil: undefined,
  }),
  silence: fc.option(fc.nat({ max: 1e7 }), { nil: undefined }),
  timeout: fc.option(fc.nat({ max: 1e9 }), { nil: undefined }),
});

Deno.test("no line is wider than it may be, whatever there is to show, and it has no control characters", () => {
  fc.assert(
    fc.property(
      fc.array(progresses, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 20, max: 200 }),
      fc.boolean(),
      fc.boolean(),
      (all, columns, colour, unicode) => {
        const progress = all.length === 1 ? all[0]! : combinedProgress(all);
        assertFits(line(progress, columns, { colour, unicode }), columns);
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("of several transfers the line fits every width", () => {
  const board = combinedProgress([HALF, HALF]);
  for (let columns = 20; columns <= 200; columns++) {
    assertFits(line(board, columns, { colour: true }), columns);
  }
});

Deno.test("the silence of the other side takes the place of the time left", () => {
  const silent = { ...HALF, rate: 0, silence: 6400, timeout: 30_000 };
  assertEquals(
    line(silent, 77),
    " 45%  135.2 MB       0 B/s  nothing heard for 6 s, giving up at 30 s",
  );
  assertEquals(
    line(silent, 37),
    " 45%  nothing heard for 6 s",
  );
});

Deno.test("of a tree the file whose turn it is is shown by the end of its path, within the width", () => {
  const tree = { ...STREAM, bytes: 500_000, rate: 250_000, time: 2000 };
  const at = (entry: string, columns: number) =>
    line({ ...tree, entry }, columns);
  const shown = (entry: string) =>
    at(entry, 50).replace("500.0 kB  250.0 kB/s  0:02 so far  ", "");
  assertEquals(shown("tree/a.txt"), "tree/a.txt");
  assertEquals(shown("tree/sub/a file.txt"), "…sub/a file.txt");
  assertEquals(shown("x\x1b[2J\ny"), "x�[2J y");
  assertEquals(shown("tree/船船船船船船船"), "…船船船船船船船");
  assertEquals(
    at("tree/a.txt", 77),
    "500.0 kB  250.0 kB/s  0:02 so far  RTT  24 ms  1.2% resent  tree/a.txt",
  );
  for (let columns = 1; columns < 90; columns++) {
    const line = at("tree/sub/with a very long name indeed.txt", columns);
    assert(line.length <= Math.max(columns, 8), `${columns}: ${line}`);
  }
});

Deno.test("of a tree whose files were counted the line has a share, the files and the time left", () => {
  const tree = { ...HALF, entry: "tree/a.txt", files: 1231, totalFiles: 3000 };
  assertEquals(
    line(tree, 77),
    " 45%  135.2 MB   92.1 MB/s  0:02 left  1,231 of 3,000 files  tree/a.txt",
  );
  assertEquals(
    line(tree, 37),
    " 45%  135.2 MB   92.1 MB/s  0:02 left",
  );
});
