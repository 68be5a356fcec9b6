import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ByteRing } from "../../lib/base/byte_ring.ts";

/** The byte that these tests keep at `position`. */
function byteAt(position: number): number {
  return position * 31 + (position >> 8) & 0xff;
}

function bytesAt(position: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => byteAt(position + i));
}

function contents(ring: ByteRing, from: number, to: number): Uint8Array {
  const into = new Uint8Array(to - from);
  ring.read(from, to - from, into, 0);
  return into;
}

Deno.test("a ring gives back what was written, wherever it wraps", () => {
  const cases = fc.record({
    capacity: fc.integer({ min: 1, max: 64 }),
    from: fc.oneof(fc.nat(200), fc.integer({ min: 2 ** 40, max: 2 ** 52 })),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(fc.property(cases, ({ capacity, from, share }) => {
    const ring = new ByteRing(capacity);
    const length = Math.floor(share * capacity);
    ring.write(from, bytesAt(from, length));
    assertEquals(contents(ring, from, from + length), bytesAt(from, length));
  }));
});

Deno.test("a piece is read into its place and touches nothing beside it", () => {
  const ring = new ByteRing(8);
  ring.write(6, Uint8Array.of(1, 2, 3, 4));
  const into = new Uint8Array(6).fill(9);
  ring.read(7, 2, into, 3);
  assertEquals([...into], [9, 9, 9, 2, 3, 9]);
});

Deno.test("pieces written in any order are read as one", () => {
  const ring = new ByteRing(16);
  for (const at of [110, 100, 105]) ring.write(at, bytesAt(at, 5));
  assertEquals(contents(ring, 100, 115), bytesAt(100, 15));
});

Deno.test("a ring keeps its bytes as it grows and shrinks", () => {
  const cases = fc.record({
    from: fc.nat(10_000),
    length: fc.nat(40),
    capacities: fc.array(fc.integer({ min: 40, max: 200 }), { minLength: 1 }),
  });
  fc.assert(fc.property(cases, ({ from, length, capacities }) => {
    const ring = new ByteRing(50);
    ring.write(from, bytesAt(from, length));
    for (const capacity of capacities) {
      ring.resize(capacity, from, from + length);
      assertEquals(ring.capacity, capacity);
      assertEquals(contents(ring, from, from + length), bytesAt(from, length));
    }
  }));
});
