import { assertEquals } from "@std/assert";
import {
  decodeSegment,
  Flag,
  Segment,
} from "../../../lib/protocol/wire/segment.ts";
import { bytesOf, hexOf } from "../../support/bytes.ts";
import { datagramOf, type Draft, draftOf } from "../../support/packets.ts";
import vectors from "./segments.json" with { type: "json" };

type VectorSegment = NonNullable<typeof vectors[number]["segment"]>;

/** The segment of a vector, as the tests write segments. */
function draftOfVector(segment: VectorSegment): Required<Draft> {
  const { ack, syn, path, connectionId, flags } = segment;
  const challenge = path?.challenge ?? "";
  const half = (hex: string, at: number) =>
    parseInt(hex.slice(at, at + 8) || "0", 16);
  const flagOf = (name: string) => Flag[name as keyof typeof Flag];
  return {
    flags: flags.reduce((sum, name) => sum + flagOf(name), 0),
    id: parseInt(connectionId, 16),
    packetNumber: segment.packetNumber,
    floor: segment.floor,
    seq: segment.seq,
    payload: bytesOf(segment.payload),
    padding: segment.padding,
    ack: ack?.ack ?? 0,
    window: ack?.window ?? 0,
    ackDelay: (ack?.ackDelay ?? 0) / 1000,
    blocks: (ack?.blocks ?? []) as [number, number][],
    maxDatagramSize: syn?.maxDatagramSize ?? 0,
    initialWindow: syn?.initialWindow ?? 0,
    socketMemory: syn?.socketMemory ?? 0,
    cookie: bytesOf(syn?.cookie ?? path?.cookie ?? ""),
    pathKind: path?.kind ?? 0,
    pathHigh: half(challenge, 0),
    pathLow: half(challenge, 8),
  };
}

for (const { name, datagram, verdict, segment, canonical = true } of vectors) {
  Deno.test(`vector (P-2): ${name} is ${verdict}`, () => {
    const bytes = bytesOf(datagram);
    const malformation = decodeSegment(bytes, new Segment());
    assertEquals(malformation ?? "good", verdict);
    if (segment === undefined) return;
    const expected = draftOfVector(segment);
    assertEquals(draftOf(bytes), expected);
    if (canonical) assertEquals(hexOf(datagramOf(expected)), datagram);
  });
}
