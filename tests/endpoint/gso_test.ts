import { assert, assertEquals } from "@std/assert";
import { SegmentBatch, type WriteNext } from "../../lib/endpoint/socket/gso.ts";

const HERE: Deno.NetAddr = { transport: "udp", hostname: "::1", port: 1 };
const THERE: Deno.NetAddr = { ...HERE, port: 2 };

/** Writes datagrams of these lengths, each filled with its index. */
function writer(lengths: number[], to = (_index: number) => HERE): WriteNext {
  let index = 0;
  return (into) => {
    const length = lengths[index];
    if (length === undefined) return undefined;
    into.fill(index, 0, length);
    return { length, to: to(index++) };
  };
}

/** What leaves together, as the indices of the bytes. */
function batches(next: WriteNext, maxLength = 64): number[][][] {
  const batch = new SegmentBatch();
  const all: number[][][] = [];
  while (batch.fill(next, () => maxLength)) {
    const { bytes, segmentSize: size } = batch;
    const datagrams: number[][] = [];
    for (let at = 0; at < bytes.length; at += size) {
      datagrams.push([...bytes.subarray(at, at + size)]);
    }
    all.push(datagrams);
  }
  return all;
}

Deno.test("datagrams of one size leave together, with a shorter one behind them", () => {
  assertEquals(batches(writer([2, 2, 2, 1])), [
    [[0, 0], [1, 1], [2, 2], [3]],
  ]);
});

Deno.test("after a shorter one nothing follows in the same batch", () => {
  assertEquals(batches(writer([2, 1, 2, 2])), [
    [[0, 0], [1]],
    [[2, 2], [3, 3]],
  ]);
});

Deno.test("a longer one begins a batch of its own, whole", () => {
  assertEquals(batches(writer([1, 3, 3, 4, 1])), [
    [[0]],
    [[1, 1, 1], [2, 2, 2]],
    [[3, 3, 3, 3], [4]],
  ]);
});

Deno.test("a batch goes to one peer", () => {
  const peers = [HERE, HERE, THERE, HERE];
  const next = writer([2, 2, 2, 2], (index) => peers[index]!);
  const batch = new SegmentBatch();
  const to: [Deno.NetAddr, number][] = [];
  while (batch.fill(next, () => 64)) to.push([batch.to, batch.bytes.length]);
  assertEquals(to, [[HERE, 4], [THERE, 2], [HERE, 2]]);
});

Deno.test("a batch is no longer than it may be", () => {
  const lengths = batches(writer(Array(10).fill(3)), 4)
    .map((batch) => batch.length);
  assertEquals(lengths, [4, 4, 2]);
});

Deno.test("the largest datagrams fit", () => {
  const batch = new SegmentBatch();
  const next = writer([1200, 65_507, 65_507]);
  assert(batch.fill(next, () => 27));
  assertEquals(batch.bytes.length, 1200);
  assert(batch.fill(next, () => 1));
  assertEquals(batch.bytes, new Uint8Array(65_507).fill(1));
  assert(batch.fill(next, () => 1));
  assert(!batch.fill(next, () => 1));
});
