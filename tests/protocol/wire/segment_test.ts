import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  decodeSegment,
  encodeHeader,
  fitAck,
  Flag,
  type Malformation,
  MAX_SACK_BLOCKS,
  PathKind,
  Segment,
  SEGMENT_HEADER_SIZE,
  SYN_PART_SIZE,
  SYN_SIZE,
} from "../../../lib/protocol/wire/segment.ts";
import {
  blocksOf,
  datagramOf,
  type Draft,
  draftOf,
  mend,
  segmentOf,
} from "../../support/packets.ts";

const ACK_AT = SEGMENT_HEADER_SIZE;
const SYN_AT = SEGMENT_HEADER_SIZE;
const BLOCK_COUNT_AT = ACK_AT + 24;
const BLOCKS_AT = ACK_AT + 26;

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
  idHigh: uint32,
  idLow: uint32,
  packetNumber: fc.integer({ min: 2 ** 32, max: Number.MAX_SAFE_INTEGER - 1 }),
  below: uint32,
  seq: fc.integer({ min: 0, max: maxSeq }),
  payload: bytes(2_000),
  padding: fc.nat(100),
  plain: fc.integer({ min: 0, max: 255 }),
}).map(({ below, plain, ...rest }) => ({
  ...rest,
  floor: rest.packetNumber - below,
  flags: plain & ~(Flag.SYN | Flag.ACK | Flag.COOKIE | Flag.PATH),
}));
const ackPart = fc.record({
  ack: fc.integer({ min: 0, max: maxSeq }),
  window: uint32,
  ackDelay: uint32.map((microseconds) => microseconds / 1000),
  blocks,
});
const pathPart = fc.record({
  pathKind: fc.constantFrom(PathKind.CHALLENGE, PathKind.RESPONSE),
  pathHigh: uint32,
  pathLow: uint32,
});
const synPart = fc.record({
  maxDatagramSize: fc.integer({ min: SYN_SIZE, max: 65_535 }),
  initialWindow: uint32,
  socketMemory: uint32,
  cookie: bytes(255),
});

function malformationOf(datagram: Uint8Array): Malformation | undefined {
  return decodeSegment(datagram, new Segment());
}

/** `datagram` after `change`, with its checksum right. */
function changed(
  datagram: Uint8Array,
  change: (view: DataView) => void,
): Uint8Array {
  const copy = datagram.slice();
  change(new DataView(copy.buffer));
  mend(copy);
  return copy;
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
    "COOKIE",
    "PATH",
    "PATH ACK",
  );
  const parts = [draft, ackPart, synPart, pathPart] as const;
  fc.assert(
    fc.property(kinds, ...parts, (kind, plain, ack, syn, path) => {
      const challenges = kind.startsWith("PATH");
      const acks = kind.includes("ACK");
      const opens = kind.includes("SYN") || kind === "COOKIE";
      let flags = plain.flags!;
      if (acks) flags |= Flag.ACK;
      if (opens) flags |= kind === "COOKIE" ? Flag.COOKIE : Flag.SYN;
      if (challenges) flags = flags & ~(Flag.FIN | Flag.RST) | Flag.PATH;
      const whole = {
        ...plain,
        ...acks ? ack : noAck,
        ...opens ? syn : nothing,
        ...challenges ? { ...path, payload: new Uint8Array(0) } : noPath,
        flags,
        seq: flags & Flag.SYN ? 0 : plain.seq!,
      };
      assertEquals(draftOf(datagramOf(whole)), whole as Required<Draft>);
    }),
  );
});

Deno.test("the example in the specification says what the specification says of it", async () => {
  const file = new URL("../../../lib/protocol/README.md", import.meta.url);
  const [, after] = (await Deno.readTextFile(file)).split("### An example");
  const bytes = after!.split("```")[1]!.match(/[0-9a-f]{2}/g)!;
  const datagram = Uint8Array.from(bytes, (byte) => parseInt(byte, 16));
  assertEquals(draftOf(datagram), {
    flags: Flag.ACK | Flag.PSH,
    idHigh: 0x01234567,
    idLow: 0x89abcdef,
    packetNumber: 1_000_070,
    floor: 1_000_050,
    seq: 4_001,
    payload: new TextEncoder().encode("ferry"),
    ack: 700,
    window: 262_144,
    ackDelay: 1.5,
    blocks: [[90_210, 90_300], [90_001, 90_200]],
    maxDatagramSize: 0,
    initialWindow: 0,
    socketMemory: 0,
    cookie: new Uint8Array(0),
    pathKind: 0,
    pathHigh: 0,
    pathLow: 0,
    padding: 0,
  });
});

Deno.test("a challenge carries nothing else, and is of a kind that is known", () => {
  const { PATH } = Flag;
  const carrying = [Flag.SYN, Flag.FIN, Flag.RST, Flag.COOKIE];
  for (const flag of carrying) {
    const datagram = datagramOf({ flags: PATH | flag });
    assertEquals(malformationOf(datagram), "malformed");
  }
  const payload = Uint8Array.of(1);
  for (const draft of [{ payload }, { pathKind: 2 }]) {
    const datagram = datagramOf({ flags: PATH, ...draft });
    assertEquals(malformationOf(datagram), "malformed");
  }
  const cut = datagramOf({ flags: PATH }).slice(0, -1);
  mend(cut);
  assertEquals(malformationOf(cut), "malformed");
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
      length < SEGMENT_HEADER_SIZE ? "too short" : "damaged",
    );
  }
  const longer = new Uint8Array(datagram.length + 1);
  longer.set(datagram);
  assertEquals(malformationOf(longer), "damaged");
});

Deno.test("what is not ferry is told from what is another version of it", () => {
  const datagram = datagramOf({ idHigh: 1, idLow: 2 });
  const foreign = changed(datagram, (view) => view.setUint8(4, 0x45));
  assertEquals(malformationOf(foreign), "not ferry");
  const other = changed(datagram, (view) => view.setUint8(4, 0xf2));
  const segment = new Segment();
  assertEquals(decodeSegment(other, segment), "other version");
  // The answer must bear the id.
  assertEquals([segment.idHigh, segment.idLow], [1, 2]);
});

Deno.test("a datagram of the other version that is damaged is only damaged", () => {
  const other = changed(datagramOf({}), (view) => view.setUint8(4, 0xf2));
  other[20]! ^= 1;
  assertEquals(malformationOf(other), "damaged");
});

Deno.test("a header with a field out of its bounds is malformed", () => {
  const plain = datagramOf({ packetNumber: 9, payload: new Uint8Array(9) });
  const ack = datagramOf({ flags: Flag.ACK, blocks: [[50, 60]], ack: 7 });
  const syn = datagramOf({ flags: Flag.SYN, cookie: new Uint8Array(8) });
  const twoBlocks = datagramOf({
    flags: Flag.ACK,
    blocks: [[50, 60], [40, 45]],
  });
  const cases: Record<string, Uint8Array> = {
    "a payload past the end": changed(plain, (view) => view.setUint16(6, 10)),
    "a packet number above 2^53": changed(
      plain,
      (view) => view.setUint32(16, 0x200000),
    ),
    "a sequence number too near to 2^53": changed(
      plain,
      (view) => view.setBigUint64(24, BigInt(maxSeq) + 1n),
    ),
    "a packet number that no block could end after": changed(
      plain,
      (view) => view.setBigUint64(16, BigInt(Number.MAX_SAFE_INTEGER)),
    ),
    "a SYN that is not at the beginning": changed(
      syn,
      (view) => view.setUint8(31, 1),
    ),
    "a SYN of one who takes less than a SYN": changed(
      syn,
      (view) => view.setUint16(SYN_AT, SYN_SIZE - 1),
    ),
    "a floor below zero": changed(plain, (view) => view.setUint32(32, 10)),
    "an acknowledgement too near to 2^53": changed(
      ack,
      (view) => view.setBigUint64(ACK_AT, BigInt(maxSeq) + 1n),
    ),
    "a block above 2^53": changed(
      ack,
      (view) => view.setUint32(ACK_AT + 16, 0x200000),
    ),
    "more blocks than are allowed": changed(
      ack,
      (view) => view.setUint16(BLOCK_COUNT_AT, MAX_SACK_BLOCKS + 1),
    ),
    "more blocks than are there": changed(
      ack,
      (view) => view.setUint16(BLOCK_COUNT_AT, 2),
    ),
    "an empty block": changed(ack, (view) => view.setUint8(BLOCKS_AT, 0)),
    "a block that reaches below zero": changed(
      ack,
      (view) => view.setUint8(BLOCKS_AT, 61),
    ),
    "blocks that touch": changed(
      twoBlocks,
      (view) => view.setUint8(BLOCKS_AT + 1, 0),
    ),
    "a cookie past the end": changed(
      syn,
      (view) => view.setUint8(SYN_AT + SYN_PART_SIZE - 1, 9),
    ),
    "no acknowledgement where one is said to be": changed(
      datagramOf({}),
      (view) => view.setUint8(5, Flag.ACK),
    ),
    "no SYN part where one is said to be": changed(
      datagramOf({}),
      (view) => view.setUint8(5, Flag.SYN),
    ),
    "no cookie part where one is said to be": changed(
      datagramOf({}),
      (view) => view.setUint8(5, Flag.COOKIE),
    ),
  };
  for (const [what, datagram] of Object.entries(cases)) {
    assertEquals(malformationOf(datagram), "malformed", what);
  }
});

Deno.test("an acknowledgement gives up its oldest blocks until it fits", () => {
  fc.assert(
    fc.property(blocks, fc.integer({ min: 26, max: 700 }), (all, room) => {
      const segment = segmentOf({ flags: Flag.ACK, blocks: all });
      const size = fitAck(segment, room);
      assert(size <= room);
      assertEquals(blocksOf(segment), all.slice(0, segment.blockCount));
      const into = new Uint8Array(2_048);
      assertEquals(encodeHeader(segment, into), SEGMENT_HEADER_SIZE + size);
      // One block more would not have fitted.
      if (segment.blockCount === all.length) return;
      const more = segmentOf({
        flags: Flag.ACK,
        blocks: all.slice(0, segment.blockCount + 1),
      });
      assert(encodeHeader(more, into) > SEGMENT_HEADER_SIZE + room);
    }),
  );
});

Deno.test("data, SYN, FIN and PSH are to be acknowledged, nothing else is", () => {
  const elicits = (flags: number, payload = 0) =>
    segmentOf({ flags, payload: new Uint8Array(payload) }).ackEliciting;
  for (const flag of [Flag.SYN, Flag.FIN, Flag.PSH]) assert(elicits(flag));
  assert(elicits(Flag.ACK, 1));
  assert(!elicits(Flag.ACK | Flag.BLOCKED | Flag.COOKIE | Flag.RST));
});

Deno.test("SYN, each byte and FIN take one sequence number each", () => {
  const payload = new Uint8Array(5);
  assertEquals(segmentOf({ payload }).sequenceLength, 5);
  assertEquals(segmentOf({ flags: Flag.ACK | Flag.PSH }).sequenceLength, 0);
  const both = Flag.SYN | Flag.FIN;
  assertEquals(segmentOf({ flags: both, payload }).sequenceLength, 7);
});
