import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { RangeSet } from "../../lib/base/range_set.ts";

type Range = [start: number, end: number];

function rangesOf(set: RangeSet): Range[] {
  return Array.from({ length: set.size }, (_, i) => [set.start(i), set.end(i)]);
}

/** The same set as a plain `Set`: slow, and too simple to be wrong. */
class Model {
  readonly numbers = new Set<number>();

  add(start: number, end: number): number {
    const before = this.numbers.size;
    for (let n = start; n < end; n++) this.numbers.add(n);
    return this.numbers.size - before;
  }

  remove(start: number, end: number): void {
    for (let n = start; n < end; n++) this.numbers.delete(n);
  }

  ranges(): Range[] {
    const ranges: Range[] = [];
    for (const n of [...this.numbers].sort((a, b) => a - b)) {
      const last = ranges.at(-1);
      if (last?.[1] === n) last[1]++;
      else ranges.push([n, n + 1]);
    }
    return ranges;
  }

  gaps(start: number, end: number): Range[] {
    const inverse = new Model();
    inverse.add(start, end);
    for (const n of this.numbers) inverse.numbers.delete(n);
    return inverse.ranges();
  }
}

function gapsOf(set: RangeSet, start: number, end: number): Range[] {
  const gaps: Range[] = [];
  set.gaps(start, end, (from, to) => gaps.push([from, to]));
  return gaps;
}

const span = fc.tuple(fc.nat(120), fc.nat(20)).map(
  ([start, length]): Range => [start, start + length],
);
const step = fc.oneof(
  fc.record({ verb: fc.constant("add" as const), span }),
  fc.record({ verb: fc.constant("remove" as const), span }),
  fc.record({ verb: fc.constant("removeBelow" as const), span }),
);

Deno.test("a range set holds what a plain set holds, whatever is done to it", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const set = new RangeSet();
    const model = new Model();
    for (const { verb, span: [start, end] } of steps) {
      if (verb === "add") {
        assertEquals(set.add(start, end), model.add(start, end));
      } else if (verb === "remove") {
        set.remove(start, end);
        model.remove(start, end);
      } else {
        set.removeBelow(start);
        model.remove(0, start);
      }
      assertEquals(rangesOf(set), model.ranges());
    }
    for (let n = 0; n < 145; n++) {
      assertEquals(set.contains(n), model.numbers.has(n));
    }
  }));
});

Deno.test("its gaps are what a plain set lacks", () => {
  fc.assert(fc.property(fc.array(span), span, (added, [start, end]) => {
    const set = new RangeSet();
    const model = new Model();
    for (const range of added) {
      set.add(...range);
      model.add(...range);
    }
    assertEquals(gapsOf(set, start, end), model.gaps(start, end));
  }));
});

Deno.test("gaps after numbers were dropped from the front start where asked", () => {
  const set = new RangeSet();
  set.add(0, 10);
  set.add(20, 30);
  set.removeBelow(15);
  assertEquals(gapsOf(set, 5, 35), [[5, 20], [30, 35]]);
});

Deno.test("a million numbers added at the end and removed from the front leave nothing behind", () => {
  const set = new RangeSet();
  for (let n = 0; n < 1_000_000; n++) {
    set.add(2 * n, 2 * n + 1);
    if (n >= 100) set.removeBelow(2 * (n - 100) + 1);
    assert(set.size <= 101);
  }
  assertEquals(set.start(0), 2 * 999_900);
  assertEquals(set.end(set.size - 1), 2 * 999_999 + 1);
});

Deno.test("numbers up to 2^53 stay exact", () => {
  const set = new RangeSet();
  const top = Number.MAX_SAFE_INTEGER;
  set.add(top - 1, top);
  assert(set.contains(top - 1));
  assert(!set.contains(top - 2));
  assert(!set.contains(top));
});

Deno.test("a set covers a range that lies within one of its own", () => {
  const set = new RangeSet();
  for (let i = 0; i < 40; i++) set.add(100 * i, 100 * i + 50);
  set.removeBelow(3_520);
  assert(set.covers(3_520, 3_550));
  assert(set.covers(3_600, 3_650));
  assert(!set.covers(3_510, 3_550));
  assert(!set.covers(3_540, 3_610));
  assert(!set.covers(3_950, 3_960));
});
