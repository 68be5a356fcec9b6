import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PAGE_SIZE, PagedBuffer } from "../../lib/base/paged_buffer.ts";

/** The byte that these tests keep at `position`. */
function byteAt(position: number): number {
  return position * 31 + (position >> 8) & 0xff;
}

function bytesAt(position: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => byteAt(position + i));
}

function contents(buffer: PagedBuffer, from: number, to: number): Uint8Array {
  const into = new Uint8Array(to - from);
  buffer.read(from, to - from, into, 0);
  return into;
}

/** Positions at which something may go wrong: near the ends of pages. */
const positions = fc.record({
  page: fc.oneof(fc.nat(3), fc.integer({ min: 2 ** 24, max: 2 ** 36 })),
  offset: fc.integer({ min: -3, max: 3 }),
}).map(({ page, offset }) => Math.max(0, page * PAGE_SIZE + offset));

Deno.test("a buffer gives back what was written, however many pages it spans", () => {
  const lengths = fc.oneof(
    fc.nat(8),
    fc.integer({ min: PAGE_SIZE - 4, max: PAGE_SIZE + 4 }),
    fc.constant(3 * PAGE_SIZE + 1),
  );
  fc.assert(
    fc.property(positions, lengths, (from, length) => {
      const buffer = new PagedBuffer();
      buffer.write(from, bytesAt(from, length));
      assertEquals(
        contents(buffer, from, from + length),
        bytesAt(from, length),
      );
    }),
    { numRuns: 30 },
  );
});

Deno.test("a piece is read into its place and touches nothing beside it", () => {
  const buffer = new PagedBuffer();
  buffer.write(PAGE_SIZE - 2, Uint8Array.of(1, 2, 3, 4));
  const into = new Uint8Array(6).fill(9);
  buffer.read(PAGE_SIZE - 1, 2, into, 3);
  assertEquals([...into], [9, 9, 9, 2, 3, 9]);
});

Deno.test("pieces written in any order are read as one", () => {
  const buffer = new PagedBuffer();
  const at = PAGE_SIZE - 7;
  for (const offset of [10, 0, 5]) {
    buffer.write(at + offset, bytesAt(at + offset, 5));
  }
  assertEquals(contents(buffer, at, at + 15), bytesAt(at, 15));
});

Deno.test("discarding below a position keeps the bytes from there on", () => {
  const step = 40_009;
  const kept = PAGE_SIZE + 5;
  const buffer = new PagedBuffer();
  for (let end = 0; end < 12 * PAGE_SIZE; end += step) {
    buffer.write(end, bytesAt(end, step));
    const from = Math.max(0, end + step - kept);
    buffer.discardBelow(from);
    assertEquals(
      contents(buffer, from, end + step),
      bytesAt(from, end + step - from),
    );
  }
});
