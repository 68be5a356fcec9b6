import { assertEquals } from "@std/assert";
import fc from "fast-check";
import * as integers from "../../lib/base/integers.ts";

const uint32 = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.constantFrom(0, 0x7fffffff, 0x80000000, 0xffffffff),
);
const uint53 = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(70_000),
  fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER),
);

Deno.test("fixed integers come back as they were written, big end first", () => {
  fc.assert(fc.property(uint32, uint53, (small, large) => {
    const bytes = new Uint8Array(16).fill(0xee);
    integers.writeUint32(bytes, 1, small);
    integers.writeUint53(bytes, 6, large);
    const view = new DataView(bytes.buffer);
    assertEquals(integers.uint32At(bytes, 1), small);
    assertEquals(view.getUint32(1), small);
    assertEquals(integers.uint53At(bytes, 6), large);
    assertEquals(view.getBigUint64(6), BigInt(large));
    assertEquals([bytes[0], bytes[5], bytes[14]], [0xee, 0xee, 0xee]);
  }));
});

Deno.test("a varint comes back from as many bytes as its length says", () => {
  fc.assert(fc.property(uint53, (value) => {
    const bytes = new Uint8Array(12).fill(0xee);
    const length = integers.varintLength(value);
    assertEquals(integers.writeVarint(bytes, 1, value), 1 + length);
    assertEquals(bytes[1 + length], 0xee);
    const cursor = { at: 1 };
    assertEquals(integers.readVarint(bytes, cursor), value);
    assertEquals(cursor.at, 1 + length);
  }));
});

Deno.test("varints are those of RFC 9000", () => {
  const examples: [value: number, bytes: number[]][] = [
    [37, [0x25]],
    [15293, [0x7b, 0xbd]],
    [494878333, [0x9d, 0x7f, 0x3e, 0x7d]],
    [2 ** 40, [0xc0, 0, 1, 0, 0, 0, 0, 0]],
  ];
  for (const [value, expected] of examples) {
    const bytes = new Uint8Array(expected.length);
    integers.writeVarint(bytes, 0, value);
    assertEquals([...bytes], expected);
  }
});

Deno.test("a varint takes no more bytes than it needs", () => {
  const lengths = [0, 63, 64, 16_383, 16_384, 2 ** 30 - 1, 2 ** 30]
    .map(integers.varintLength);
  assertEquals(lengths, [1, 1, 2, 2, 4, 4, 8]);
});

Deno.test("a varint that is cut off reads zeros and ends past the bytes", () => {
  for (const first of [0x40, 0x80, 0xc0]) {
    const cursor = { at: 0 };
    integers.readVarint(Uint8Array.of(first), cursor);
    assertEquals(cursor.at > 1, true);
  }
  const cursor = { at: 5 };
  assertEquals(integers.readVarint(new Uint8Array(2), cursor), 0);
  assertEquals(cursor.at, 6);
});
