import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { SendBuffer } from "../../../lib/protocol/sending/send_buffer.ts";

type Range = [start: number, end: number];

/** The byte with sequence number `seq`. */
function byteAt(seq: number): number {
  return Math.imul(seq, 0x9e3779b1) >>> 24;
}

function write(buffer: SendBuffer, length: number): number {
  const from = buffer.writeEnd;
  return buffer.write(Uint8Array.from({ length }, (_, i) => byteAt(from + i)));
}

/** Sends the next range. */
function send(
  buffer: SendBuffer,
  maxPayload: number,
  windowEdge = Infinity,
): Range | undefined {
  const range = buffer.next(maxPayload, windowEdge);
  if (range === undefined) return undefined;
  const { start, end } = range;
  buffer.sent(start, end);
  return [start, end];
}

/** Checks that what goes out for a range is what was written there. */
function checkPayload(buffer: SendBuffer, [start, end]: Range): number {
  const first = Math.max(start, 1);
  const length = Math.min(end, buffer.writeEnd) - first;
  const payload = new Uint8Array(length);
  buffer.copy(first, length, payload, 0);
  for (let i = 0; i < length; i++) assertEquals(payload[i], byteAt(first + i));
  return length;
}

/** What a buffer should know, kept as one word for each sequence number. */
class Model {
  readonly fates: ("out" | "lost" | "acked")[] = [];
  readonly sent: Range[] = [];
  writeEnd = 1;
  closed = false;

  get end(): number {
    return this.writeEnd + (this.closed ? 1 : 0);
  }
  get sndUna(): number {
    const first = this.fates.findIndex((fate) => fate !== "acked");
    return first < 0 ? this.fates.length : first;
  }
  set([start, end]: Range, fate: "out" | "lost" | "acked"): void {
    for (let seq = start; seq < end; seq++) {
      if (this.fates[seq] !== "acked") this.fates[seq] = fate;
    }
  }
  /** The next range, before it is cut to a payload. */
  next(windowEdge: number): Range | undefined {
    const start = this.fates.indexOf("lost");
    if (start >= 0) {
      let end = start;
      while (this.fates[end] === "lost") end++;
      return [start, end];
    }
    const from = this.fates.length;
    const all = from === 0 || windowEdge >= this.writeEnd;
    const to = all ? this.end : windowEdge;
    return from < to ? [from, to] : undefined;
  }
}

const step = fc.oneof(
  fc.record({ verb: fc.constant("write" as const), n: fc.nat(300) }),
  fc.record({ verb: fc.constant("close" as const), n: fc.constant(0) }),
  fc.record({
    verb: fc.constant("send" as const),
    n: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({
    verb: fc.constant("send" as const),
    n: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ verb: fc.constant("window" as const), n: fc.nat(100) }),
  fc.record({ verb: fc.constant("arrives" as const), n: fc.nat() }),
  fc.record({ verb: fc.constant("is lost" as const), n: fc.nat() }),
  fc.record({ verb: fc.constant("all up to" as const), n: fc.nat() }),
);

Deno.test("a buffer sends what was lost first, then what is new, whatever happens to it", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const buffer = new SendBuffer(2 ** 16);
    const model = new Model();
    // As if the peer had answered.
    let edge = 1;
    for (const { verb, n } of steps) {
      const packet = model.sent[n % Math.max(1, model.sent.length)];
      if (verb === "write" && !model.closed) {
        model.writeEnd += write(buffer, n);
      } else if (verb === "close") {
        buffer.closed = model.closed = true;
      } else if (verb === "window") {
        edge += n;
      } else if (verb === "send") {
        const expected = model.next(edge);
        assertEquals(buffer.hasSendable(edge), expected !== undefined);
        const again = model.fates.includes("lost");
        assertEquals(buffer.next(n, edge)?.retransmission, expected && again);
        const range = send(buffer, n, edge);
        assertEquals(range?.[0], expected?.[0]);
        if (!range || !expected) continue;
        const length = checkPayload(buffer, range);
        assert(range[1] > range[0] && length <= n);
        assert(range[1] === expected[1] || length === n);
        model.set(range, "out");
        model.sent.push(range);
      } else if (verb === "arrives" && packet) {
        buffer.acked(...packet);
        model.set(packet, "acked");
      } else if (verb === "is lost" && packet) {
        buffer.lost(...packet);
        model.set(packet, "lost");
      } else if (verb === "all up to") {
        const ack = n % (model.fates.length + 1);
        buffer.ackedTo(ack);
        model.set([0, ack], "acked");
      }
      assertEquals(buffer.sndUna, model.sndUna);
      assertEquals(buffer.sndNxt, model.fates.length);
      assertEquals(buffer.hasLost, model.fates.includes("lost"));
      assertEquals(buffer.hasNew, model.fates.length < model.end);
      assertEquals(buffer.allAcked, model.sndUna === model.end);
      assertEquals(buffer.space, 2 ** 16 - (model.writeEnd - model.sndUna));
    }
  }));
});

Deno.test("until the peer has answered, only the SYN and what fits on it leave again", () => {
  const buffer = new SendBuffer(2 ** 16);
  write(buffer, 100);
  assertEquals(send(buffer, 60, 0), [0, 61]);
  buffer.lost(0, 61);
  // There is less room than before, say for a cookie.
  assertEquals(send(buffer, 40, 0), [0, 41]);
  assert(!buffer.hasSendable(0) && buffer.hasLost);
  assertEquals(send(buffer, 40, 0), undefined);
  assertEquals(send(buffer, 40, 101), [41, 61]);
  assertEquals(send(buffer, 40, 101), [61, 101]);
});

Deno.test("a full buffer takes no more until the peer has the oldest bytes", () => {
  const buffer = new SendBuffer(2 ** 16);
  send(buffer, 0);
  assertEquals(write(buffer, 70_000), 2 ** 16 - 1);
  assertEquals(write(buffer, 1), 0);
  buffer.ackedTo(1);
  assertEquals(write(buffer, 2), 1);
  const range = send(buffer, 1000)!;
  buffer.acked(...range);
  assertEquals(buffer.space, 1000);
});

Deno.test("a buffer grows to what it is asked, up to its limit, and keeps what it holds", () => {
  const buffer = new SendBuffer(2 ** 18);
  send(buffer, 0);
  buffer.ackedTo(1);
  assertEquals(write(buffer, 2 ** 16), 2 ** 16);
  buffer.grow(100_000);
  assertEquals(buffer.capacity, 2 ** 17);
  write(buffer, 2 ** 16);
  buffer.grow(10_000_000);
  assertEquals(buffer.capacity, 2 ** 18);
  checkPayload(buffer, [1, buffer.writeEnd]);
});

Deno.test("a probe takes the oldest bytes that have not arrived, lost or not", () => {
  const buffer = new SendBuffer(2 ** 16);
  assertEquals(buffer.oldest(100), undefined);
  send(buffer, 0);
  write(buffer, 30);
  for (let i = 0; i < 3; i++) send(buffer, 10);
  buffer.ackedTo(1);
  buffer.acked(11, 21);
  assertEquals(buffer.oldest(100), { start: 1, end: 11, retransmission: true });
  assertEquals(buffer.oldest(4)?.end, 5);
  buffer.acked(1, 11);
  assertEquals(buffer.oldest(100)?.start, 21);
  buffer.acked(21, 31);
  assertEquals(buffer.oldest(100), undefined);
});

Deno.test("what has arrived behind a loss gives its memory to what is written next, and the loss is still sent", () => {
  const size = 2 ** 20;
  const buffer = new SendBuffer(size);
  buffer.grow(size);
  const payload = 2 ** 14;
  send(buffer, payload);
  buffer.ackedTo(1);
  assertEquals(write(buffer, size), size);
  send(buffer, payload);
  const lost = send(buffer, payload)!;
  while (send(buffer, payload) !== undefined);
  assertEquals(buffer.space, 0);
  buffer.acked(lost[1], buffer.sndNxt);
  assert(buffer.space > 0.9 * size, `${buffer.space} bytes`);
  const more = buffer.space;
  assertEquals(write(buffer, size), more);
  assertEquals(buffer.space, 0);
  buffer.lost(...lost);
  assertEquals(checkPayload(buffer, send(buffer, payload)!), payload);
  for (let next = send(buffer, payload); next; next = send(buffer, payload)) {
    checkPayload(buffer, next);
  }
  buffer.ackedTo(buffer.sndNxt);
  assertEquals(buffer.space, size);
});
