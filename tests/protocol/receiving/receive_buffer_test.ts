import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ReceiveBuffer } from "../../../lib/protocol/receiving/receive_buffer.ts";
import { SYN_SIZE } from "../../../lib/protocol/wire/segment.ts";

/** The byte with sequence number `seq`. */
function byteAt(seq: number): number {
  return Math.imul(seq, 0x9e3779b1) >>> 24;
}

function payloadAt(seq: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => byteAt(seq + i));
}

/** Reads up to `length` bytes and checks that they are the right ones. */
function readChecked(buffer: ReceiveBuffer, length: number): number {
  const from = buffer.readNxt;
  const into = new Uint8Array(length);
  const count = buffer.read(into);
  assertEquals(into.subarray(0, count), payloadAt(from, count));
  return count;
}

/** A buffer that has taken the SYN. */
function opened(capacity = 2_000, maxCapacity = 2_000): ReceiveBuffer {
  const buffer = new ReceiveBuffer(capacity, maxCapacity);
  buffer.receiveSyn();
  return buffer;
}

const step = fc.oneof(
  fc.record({
    verb: fc.constant("receive" as const),
    n: fc.integer({ min: -50, max: 2_500 }),
    length: fc.nat(200),
  }),
  fc.record({
    verb: fc.constant("read" as const),
    n: fc.nat(1_000),
    length: fc.constant(0),
  }),
  fc.record({
    verb: fc.constant("grow" as const),
    n: fc.constant(0),
    length: fc.constant(0),
  }),
);

Deno.test("bytes are read in order and once, in whatever pieces and order they come", () => {
  const run = fc.record({
    steps: fc.array(step, { maxLength: 80 }),
    size: fc.nat(6_000),
  });
  fc.assert(fc.property(run, ({ steps, size }) => {
    const buffer = opened(SYN_SIZE, 4 * SYN_SIZE);
    const end = 1 + size;
    const arrived = new Set<number>();
    let edge = buffer.windowEdge;
    for (const { verb, n, length } of steps) {
      if (verb === "read") {
        const due = Math.min(n, buffer.readable);
        assertEquals(readChecked(buffer, n), due);
      } else if (verb === "grow") {
        buffer.onBlocked();
      } else {
        // Pieces lie around what is read next, and end with the stream.
        const seq = Math.min(end, Math.max(1, buffer.readNxt + n));
        const payload = payloadAt(seq, Math.min(length, end - seq));
        const fin = seq + payload.length === end;
        const past = seq + payload.length > buffer.windowEdge;
        const reason = buffer.check(seq, seq + payload.length, fin);
        assertEquals(reason !== undefined, past && payload.length > 0);
        if (reason !== undefined) continue;
        const before = arrived.size;
        for (let i = 0; i < payload.length; i++) arrived.add(seq + i);
        if (fin) arrived.add(end);
        const news = buffer.receive(seq, payload, fin);
        assertEquals(news > 0, arrived.size > before);
      }
      let rcvNxt = 1;
      while (arrived.has(rcvNxt)) rcvNxt++;
      assertEquals(buffer.rcvNxt, rcvNxt);
      assertEquals(buffer.finReceived, rcvNxt > end);
      assertEquals(buffer.readable, Math.min(rcvNxt, end) - buffer.readNxt);
      assert(buffer.windowEdge >= edge);
      edge = buffer.windowEdge;
    }
  }));
});

Deno.test("a short stream in pieces that overlap and meet is put together", () => {
  const pieces = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 8 })),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(pieces, (pieces) => {
      const buffer = opened();
      const arrived = new Set<number>();
      for (const [seq, length] of pieces) {
        const payload = payloadAt(seq, length);
        const before = arrived.size;
        for (let i = 0; i < length; i++) arrived.add(seq + i);
        const news = buffer.receive(seq, payload, false);
        assertEquals(news > 0, arrived.size > before);
        let rcvNxt = 1;
        while (arrived.has(rcvNxt)) rcvNxt++;
        assertEquals(buffer.rcvNxt, rcvNxt);
      }
      assertEquals(readChecked(buffer, 100), buffer.rcvNxt - 1);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("data beyond the window is refused, up to its edge it is taken", () => {
  const buffer = opened();
  assertEquals(buffer.check(1, 2_001, false), undefined);
  assertEquals(buffer.check(1, 2_002, false), "beyond the window");
  buffer.receive(1, payloadAt(1, 2_000), false);
  assertEquals(buffer.check(2_001, 2_002, false), "beyond the window");
  // A FIN takes no room.
  assertEquals(buffer.check(2_001, 2_001, true), undefined);
  readChecked(buffer, 10);
  assertEquals(buffer.check(2_001, 2_011, false), undefined);
});

Deno.test("a buffer takes what a SYN carries, however small its window", () => {
  const buffer = new ReceiveBuffer(1, 1);
  assertEquals(buffer.check(1, 1 + SYN_SIZE - 100, false), undefined);
});

Deno.test("data past a FIN is refused, whether the FIN is in order yet or not", () => {
  for (const hole of [0, 100]) {
    const buffer = opened();
    buffer.receive(1 + hole, payloadAt(1 + hole, 10), true);
    const end = 11 + hole;
    assertEquals(buffer.check(end, end + 1, false), "past the FIN");
    assertEquals(buffer.check(end - 5, end + 1, false), "past the FIN");
    assertEquals(buffer.check(end, end, true), undefined);
    assertEquals(buffer.check(end - 5, end, false), undefined);
  }
});

Deno.test("a second FIN elsewhere, or before data that came, is refused", () => {
  const twice = opened();
  twice.receive(1, payloadAt(1, 10), true);
  assertEquals(twice.check(1, 6, true), "past the FIN");
  assertEquals(twice.check(11, 12, true), "past the FIN");
  const early = opened();
  early.receive(50, payloadAt(50, 10), false);
  assertEquals(early.check(1, 50, true), "past the FIN");
  assertEquals(early.check(60, 60, true), undefined);
});

Deno.test("a FIN ends the stream only when all before it has come", () => {
  const buffer = opened();
  buffer.receive(11, payloadAt(11, 10), true);
  assert(!buffer.finReceived);
  assertEquals(buffer.readable, 0);
  buffer.receive(1, payloadAt(1, 10), false);
  assert(buffer.finReceived);
  assertEquals(buffer.readable, 20);
  assertEquals(buffer.rcvNxt, 22);
});

Deno.test("the window grows fourfold while the application keeps up, to its limit", () => {
  const buffer = opened(1_200, 7_000);
  assert(!buffer.onBlocked(), "nothing was read yet");
  buffer.receive(1, payloadAt(1, 75), false);
  readChecked(buffer, 75);
  assert(buffer.grow(), "it is still wanted");
  assertEquals(buffer.capacity, 4_800);
  buffer.receive(76, payloadAt(76, 2_500), false);
  assert(!buffer.onBlocked(), "the application lags");
  readChecked(buffer, 1_000);
  assert(buffer.grow());
  assertEquals(buffer.capacity, 7_000);
  assert(!buffer.onBlocked(), "the limit is reached");
  assertEquals(readChecked(buffer, 5_000), 1_500);
});
