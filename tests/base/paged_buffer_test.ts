import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { BLOCK_SIZE, ByteWindow } from "../../lib/base/paged_buffer.ts";

/** The byte that these tests keep at `position`. */
function byteAt(position: number): number {
  return position * 31 + (position >> 8) & 0xff;
}

function bytesAt(position: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => byteAt(position + i));
}

function contents(window: ByteWindow, from: number, to: number): Uint8Array {
  const into = new Uint8Array(to - from);
  window.read(from, to - from, into, 0);
  return into;
}

/** Positions at which something may go wrong: near the ends of blocks. */
const positions = fc.record({
  block: fc.oneof(fc.nat(3), fc.integer({ min: 2 ** 24, max: 2 ** 36 })),
  offset: fc.integer({ min: -3, max: 3 }),
}).map(({ block, offset }) => Math.max(0, block * BLOCK_SIZE + offset));

Deno.test("a window gives back what was written, however many blocks it spans", () => {
  const lengths = fc.oneof(
    fc.nat(8),
    fc.integer({ min: BLOCK_SIZE - 4, max: BLOCK_SIZE + 4 }),
    fc.constant(3 * BLOCK_SIZE + 1),
  );
  fc.assert(
    fc.property(positions, lengths, (from, length) => {
      const window = new ByteWindow();
      window.write(from, bytesAt(from, length));
      assertEquals(
        contents(window, from, from + length),
        bytesAt(from, length),
      );
    }),
    { numRuns: 30 },
  );
});

Deno.test("a piece is read into its place and touches nothing beside it", () => {
  const window = new ByteWindow();
  window.write(BLOCK_SIZE - 2, Uint8Array.of(1, 2, 3, 4));
  const into = new Uint8Array(6).fill(9);
  window.read(BLOCK_SIZE - 1, 2, into, 3);
  assertEquals([...into], [9, 9, 9, 2, 3, 9]);
});

Deno.test("pieces written in any order are read as one", () => {
  const window = new ByteWindow();
  const at = BLOCK_SIZE - 7;
  for (const offset of [10, 0, 5]) {
    window.write(at + offset, bytesAt(at + offset, 5));
  }
  assertEquals(contents(window, at, at + 15), bytesAt(at, 15));
});

Deno.test("what is forgotten is gone, and harms nothing that is kept", () => {
  const step = 40_009;
  const kept = BLOCK_SIZE + 5;
  const window = new ByteWindow();
  for (let end = 0; end < 12 * BLOCK_SIZE; end += step) {
    window.write(end, bytesAt(end, step));
    const from = Math.max(0, end + step - kept);
    window.forgetBelow(from);
    assertEquals(
      contents(window, from, end + step),
      bytesAt(from, end + step - from),
    );
  }
});
