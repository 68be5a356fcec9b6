import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { decodeEntry, encodeEntry } from "../../lib/transfer/wire/entries.ts";
import { Fields, Tag } from "../../lib/transfer/wire/fields.ts";
import {
  MAX_TIME,
  millisecondsOf,
  NANOS_PER_MILLI,
  NANOS_PER_SECOND,
  nanosWithin,
  timestampOf,
} from "../../lib/transfer/wire/timestamp.ts";

const times = fc.bigInt({ min: -MAX_TIME, max: MAX_TIME });

Deno.test("every time survives the wire to the nanosecond, before 1970 and far ahead too", () => {
  const property = fc.property(times, (mtime) => {
    const entry = { kind: "link", name: "a", target: "b", mtime } as const;
    assertEquals(decodeEntry(encodeEntry(entry)), entry);
  });
  fc.assert(property, { examples: [[0n], [-1n], [MAX_TIME], [-MAX_TIME]] });
});

Deno.test("whoever knows milliseconds alone rounds down", () => {
  for (const [mtime, seen] of [[1_999_999n, 1], [-1n, -1], [0n, 0]] as const) {
    const entry = { kind: "link", name: "a", target: "b", mtime } as const;
    assertEquals(new Fields(encodeEntry(entry)).int64(Tag.MTIME), seen);
    assertEquals(millisecondsOf(mtime), seen);
  }
});

Deno.test("a time is divided into a whole number and what is left, never less than nothing", () => {
  fc.assert(fc.property(times, (time) => {
    for (const unit of [NANOS_PER_MILLI, NANOS_PER_SECOND]) {
      const nanos = nanosWithin(time, unit);
      assertEquals((time - nanos) % unit, 0n);
      assertEquals(nanos >= 0n && nanos < unit, true);
    }
  }));
  assertEquals(timestampOf(-1, 999_999), -1n);
});
