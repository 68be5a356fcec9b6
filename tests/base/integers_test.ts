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
  fc.assert(fc.property(uint32, (small) => {
    const bytes = new Uint8Array(6).fill(0xee);
    integers.writeUint32(bytes, 1, small);
    assertEquals(integers.uint32At(bytes, 1), small);
    assertEquals(new DataView(bytes.buffer).getUint32(1), small);
    assertEquals([bytes[0], bytes[5]], [0xee, 0xee]);
  }));
});

Deno.test("a varint comes back from as many bytes as its length says", () => {
  fc.assert(fc.property(uint53, (value) => {
    const bytes = new Uint8Array(12).fill(0xee);
    const length = integers.varintLength(value);
    assertEquals(integers.writeVarint(bytes, 1, value), 1 + length);
    assertEquals(bytes[1 + length], 0xee);
    assertEquals(integers.varintAt(bytes, 1), value);
    assertEquals(integers.varintLengthAt(bytes, 1), length);
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

Deno.test("a varint may take more bytes than it needs", () => {
  const bytes = new Uint8Array(8);
  for (const length of [1, 2, 4, 8]) {
    assertEquals(integers.writeVarint(bytes, 0, 37, length), length);
    assertEquals(integers.varintAt(bytes, 0), 37);
    assertEquals(integers.varintLengthAt(bytes, 0), length);
  }
});

Deno.test("a varint that is cut off reads zeros and ends past the bytes", () => {
  for (const first of [0x40, 0x80, 0xc0]) {
    const bytes = Uint8Array.of(first);
    assertEquals(integers.varintAt(bytes, 0), 0);
    assertEquals(integers.varintLengthAt(bytes, 0) > 1, true);
  }
  assertEquals(integers.varintAt(new Uint8Array(2), 5), 0);
  assertEquals(integers.varintLengthAt(new Uint8Array(2), 5), 1);
});
