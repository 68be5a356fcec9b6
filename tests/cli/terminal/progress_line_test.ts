import { assert, assertEquals } from "@std/assert";
import type { Progress } from "../../../lib/session/events.ts";
import { progressLine } from "../../../lib/cli/terminal/progress_line.ts";

const HALF: Progress = {
  bytes: 135_200_000,
  size: 300_000_000,
  rate: 92_100,
  time: 1500,
  rtt: 24.3,
  resent: 0.012,
};
const STREAM: Progress = { ...HALF, size: undefined };
const PLAIN = { colour: false };

Deno.test("a line of 80 columns has everything", () => {
  assertEquals(
    progressLine(HALF, { columns: 80, ...PLAIN }),
    " 45%  135.2 MB   92.1 MB/s  0:02 left  RTT  24 ms  1.2% resent",
  );
  assertEquals(
    progressLine(STREAM, { columns: 80, ...PLAIN }),
    "135.2 MB   92.1 MB/s  0:02  RTT  24 ms  1.2% resent",
  );
});

Deno.test("a line of 40 columns leaves out what matters least", () => {
  assertEquals(
    progressLine(HALF, { columns: 39, ...PLAIN }),
    " 45%  135.2 MB   92.1 MB/s  0:02 left",
  );
  assertEquals(
    progressLine(STREAM, { columns: 39, ...PLAIN }),
    "135.2 MB   92.1 MB/s  0:02  RTT  24 ms",
  );
});

Deno.test("a bar takes what is left where there may be colour", () => {
  assertEquals(
    progressLine(HALF, { columns: 79, colour: true }),
    " 45%  \x1b[36m━━━━━━━\x1b[0m\x1b[2m────────\x1b[0m  135.2 MB   92.1 MB/s  0:02 left  RTT  24 ms  1.2% resent",
  );
  assertEquals(
    progressLine(HALF, { columns: 200, colour: true }).match(/[━─]/g)?.length,
    30,
  );
  assert(!progressLine(STREAM, { columns: 200, colour: true }).includes("━"));
});

Deno.test("the beginning and the end are told without nonsense", () => {
  const beginning = { ...HALF, bytes: 0, rate: 0, rtt: undefined, resent: 0 };
  assertEquals(
    progressLine(beginning, { columns: 80, ...PLAIN }),
    "  0%       0 B       0 B/s    0% resent",
  );
  const end = { ...HALF, bytes: 300_000_000 };
  assertEquals(
    progressLine(end, { columns: 80, ...PLAIN }),
    "100%  300.0 MB   92.1 MB/s  RTT  24 ms  1.2% resent",
  );
  const empty = { ...beginning, size: 0 };
  assert(progressLine(empty, { columns: 80, ...PLAIN }).startsWith("100%"));
});

Deno.test("no line is wider than it may be", () => {
  for (let columns = 0; columns <= 120; columns++) {
    for (const colour of [false, true]) {
      const tree = { ...HALF, entry: "a/tree/of/several.txt" };
      for (const progress of [HALF, STREAM, tree]) {
        const line = progressLine(progress, { columns, colour });
        // deno-lint-ignore no-control-regex -- colours take no columns
        const width = line.replaceAll(/\x1b\[\d+m/g, "").length;
        assert(width <= columns, `${width} in ${columns}: ${line}`);
      }
    }
  }
});

Deno.test("of a tree the file whose turn it is is shown by the end of its path, within the width", () => {
  const tree = {
    bytes: 500_000,
    size: undefined,
    rate: 250,
    time: 2000,
    rtt: 0.3,
    resent: 0,
  };
  const at = (entry: string, columns: number) =>
    progressLine({ ...tree, entry }, { columns, colour: false });
  assertEquals(at("tree/a.txt", 37), "500.0 kB  250.0 kB/s  tree/a.txt");
  assertEquals(
    at("tree/sub/a file.txt", 37),
    "500.0 kB  250.0 kB/s  …sub/a file.txt",
  );
  assertEquals(at("x\x1b[2J\ny", 37), "500.0 kB  250.0 kB/s  x�[2J y");
  assertEquals(
    at("tree/船船船船船船船", 37),
    "500.0 kB  250.0 kB/s  …船船船船船船船",
  );
  assertEquals(
    at("tree/a.txt", 77),
    "500.0 kB  250.0 kB/s  0:02  RTT 0.3 ms    0% resent  tree/a.txt",
  );
  for (let columns = 1; columns < 90; columns++) {
    const line = at("tree/sub/with a very long name indeed.txt", columns);
    assert(line.length <= Math.max(columns, 8), `${columns}: ${line}`);
  }
});
