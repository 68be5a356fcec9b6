import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  decodeSegment,
  encodeHeader,
  fitAck,
  Flag,
  headerSize,
  type Malformation,
  MIN_HEADER_SIZE,
  PathKind,
  Segment,
  SYN_SIZE,
} from "../../../lib/protocol/wire/segment.ts";
import {
  blocksOf,
  datagramOf,
  type Draft,
  draftOf,
  segmentOf,
} from "../../support/packets.ts";
import vectors from "../vectors/segments.json" with { type: "json" };

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const maxSeq = 2 ** 53 - 2 ** 17;
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

/** Blocks as a receiver makes them: newest first, with gaps between. */
const blocks = fc.tuple(
  fc.integer({ min: 2 ** 20, max: Number.MAX_SAFE_INTEGER }),
  fc.array(
    fc.tuple(
      fc.integer({ min: 1, max: 4_000 }),
      fc.integer({ min: 1, max: 4_000 }),
    ),
    { maxLength: 100 },
  ),
).map(([top, spans]) => {
  let edge = top;
  return spans.map(([length, gap]): [number, number] => {
    const end = edge;
    edge = end - length - gap;
    return [end - length, end];
  });
});

const draft: fc.Arbitrary<Draft> = fc.record({
  id: uint32,
  packetNumber: fc.oneof(
    fc.integer({ min: 2 ** 16, max: 2 ** 31 }),
    fc.integer({ min: 2 ** 32, max: Number.MAX_SAFE_INTEGER - 1 }),
  ),
  below: fc.nat(2 ** 16),
  seq: fc.integer({ min: 0, max: maxSeq }),
  payload: bytes(2_000),
  padding: fc.nat(100),
  plain: fc.integer({ min: 0, max: 255 }),
}).map(({ below, plain, ...rest }) => ({
  ...rest,
  floor: plain & Flag.FLOOR ? rest.packetNumber - below : 0,
  flags: plain & ~(Flag.SYN | Flag.ACK | Flag.PATH),
}));
const ackPart = fc.record({
  ack: fc.integer({ min: 0, max: maxSeq }),
  window: uint32,
  ackDelay: uint32.map((microseconds) => microseconds / 1000),
  blocks,
});
const pathPart = fc.oneof(
  fc.record({
    pathKind: fc.constantFrom(PathKind.CHALLENGE, PathKind.RESPONSE),
    pathHigh: uint32,
    pathLow: uint32,
  }),
  fc.constant({ pathKind: PathKind.PROBE, pathHigh: 0, pathLow: 0 }),
  fc.record({
    pathKind: fc.constant(PathKind.COOKIE),
    pathHigh: fc.constant(0),
    pathLow: fc.constant(0),
    cookie: bytes(255),
  }),
);
const synPart = fc.record({
  maxDatagramSize: fc.integer({ min: SYN_SIZE, max: 65_535 }),
  initialWindow: uint32,
  socketMemory: uint32,
  cookie: bytes(255),
});

function malformationOf(datagram: Uint8Array): Malformation | undefined {
  return decodeSegment(datagram, new Segment());
}

Deno.test("a segment of any kind comes back as it was written", () => {
  const nothing = {
    maxDatagramSize: 0,
    initialWindow: 0,
    socketMemory: 0,
    cookie: new Uint8Array(0),
  };
  const noPath = { pathKind: 0, pathHigh: 0, pathLow: 0 };
  const noAck = { ack: 0, window: 0, ackDelay: 0, blocks: [] };
  const kinds = fc.constantFrom(
    "plain",
    "SYN",
    "ACK",
    "SYN ACK",
    "PATH",
    "PATH ACK",
  );
  const parts = [draft, ackPart, synPart, pathPart] as const;
  fc.assert(
    fc.property(kinds, ...parts, (kind, plain, ack, syn, path) => {
      const challenges = kind.startsWith("PATH");
      const acks = kind.includes("ACK");
      const opens = kind.includes("SYN");
      let flags = plain.flags!;
      if (acks) flags |= Flag.ACK;
      if (opens) flags = flags & ~Flag.RST | Flag.SYN;
      if (challenges) flags = flags & ~(Flag.FIN | Flag.RST) | Flag.PATH;
      const whole = {
        ...plain,
        ...acks ? ack : noAck,
        ...opens ? syn : nothing,
        ...challenges ? { ...path, payload: new Uint8Array(0) } : noPath,
        padding: opens || challenges ? plain.padding! : 0,
        flags,
        seq: flags & Flag.SYN ? 0 : plain.seq!,
      };
      assertEquals(draftOf(datagramOf(whole)), whole as Required<Draft>);
    }),
  );
});

Deno.test("the example in the specification is the vector of that name", async () => {
  const file = new URL("../../../lib/protocol/README.md", import.meta.url);
  const [, after] = (await Deno.readTextFile(file)).split("### An example");
  const shown = after!.split("```")[1]!.match(/[0-9a-f]{2}/g)!.join("");
  const vector = vectors.find(({ name }) => name.includes("the example of"));
  assertEquals(shown, vector?.datagram);
});

Deno.test("each bit that flips is noticed", () => {
  const datagram = datagramOf({
    flags: Flag.SYN | Flag.ACK,
    blocks: [[5, 9], [1, 3]],
    cookie: Uint8Array.of(1, 2, 3),
    payload: Uint8Array.of(4, 5, 6),
  });
  assertEquals(malformationOf(datagram), undefined);
  for (let bit = 0; bit < 8 * datagram.length; bit++) {
    const damaged = datagram.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    assert(malformationOf(damaged) !== undefined, `bit ${bit}`);
  }
});

Deno.test("each byte that is cut off or added is noticed", () => {
  const datagram = datagramOf({ flags: Flag.ACK, payload: new Uint8Array(9) });
  for (let length = 0; length < datagram.length; length++) {
    const reason = malformationOf(datagram.subarray(0, length));
    assertEquals(
      reason,
      length < MIN_HEADER_SIZE ? "too short" : "damaged",
    );
  }
  const longer = new Uint8Array(datagram.length + 1);
  longer.set(datagram);
  assertEquals(malformationOf(longer), "damaged");
});

Deno.test("an acknowledgement gives up its oldest blocks until it fits", () => {
  fc.assert(
    fc.property(blocks, fc.integer({ min: 26, max: 700 }), (all, room) => {
      const segment = segmentOf({ flags: Flag.ACK, blocks: all });
      const size = fitAck(segment, room);
      assert(size <= room);
      assertEquals(blocksOf(segment), all.slice(0, segment.blockCount));
      const into = new Uint8Array(2_048);
      const header = headerSize(segment);
      assertEquals(encodeHeader(segment, into), header + size);
      // One block more would not have fitted.
      if (segment.blockCount === all.length) return;
      const more = segmentOf({
        flags: Flag.ACK,
        blocks: all.slice(0, segment.blockCount + 1),
      });
      assert(encodeHeader(more, into) > header + room);
    }),
  );
});

Deno.test("data, SYN, FIN and PSH are to be acknowledged, nothing else is", () => {
  const elicits = (flags: number, payload = 0) =>
    segmentOf({ flags, payload: new Uint8Array(payload) }).ackEliciting;
  for (const flag of [Flag.SYN, Flag.FIN, Flag.PSH]) assert(elicits(flag));
  assert(elicits(Flag.ACK, 1));
  assert(!elicits(Flag.ACK | Flag.BLOCKED | Flag.FLOOR | Flag.RST));
});

Deno.test("SYN, each byte and FIN take one sequence number each", () => {
  const payload = new Uint8Array(5);
  assertEquals(segmentOf({ payload }).sequenceLength, 5);
  assertEquals(segmentOf({ flags: Flag.ACK | Flag.PSH }).sequenceLength, 0);
  const both = Flag.SYN | Flag.FIN;
  assertEquals(segmentOf({ flags: both, payload }).sequenceLength, 7);
});
