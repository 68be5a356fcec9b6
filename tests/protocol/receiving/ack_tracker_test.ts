import { assert, assertEquals } from "@std/assert";
import { AckTracker } from "../../../lib/protocol/receiving/ack_tracker.ts";
import {
  Flag,
  MAX_SACK_BLOCKS,
  Segment,
} from "../../../lib/protocol/wire/segment.ts";
import { blocksOf, type Draft, segmentOf } from "../../support/packets.ts";

const data = new Uint8Array(100);
/** Milliseconds that an acknowledgement is held back at most (RFC 9000, section 13.2.1). */
const HELD_BACK = 25;

/** Takes a packet with data, unless `draft` says otherwise. */
function take(
  acks: AckTracker,
  now: number,
  packetNumber: number,
  draft: Draft = { payload: data },
): void {
  const segment = segmentOf({ floor: 0, ...draft, packetNumber });
  acks.onPacket(now, segment);
}

function blocks(acks: AckTracker, maxBlocks = MAX_SACK_BLOCKS) {
  const segment = new Segment();
  acks.describe(0, segment, maxBlocks);
  return blocksOf(segment);
}

Deno.test("data in order is acknowledged within 25 ms", () => {
  const acks = new AckTracker();
  take(acks, 100, 7);
  assertEquals(acks.deadline, 100 + HELD_BACK);
  take(acks, 110, 8);
  assertEquals(acks.deadline, 100 + HELD_BACK, "the first one counts");
  acks.onAckSent();
  assertEquals(acks.deadline, Infinity);
});

Deno.test("a sender that asks is answered at once", () => {
  for (const flag of [Flag.PSH, Flag.SYN, Flag.FIN]) {
    const acks = new AckTracker();
    take(acks, 100, 7, { flags: flag, payload: data });
    assertEquals(acks.deadline, 100);
  }
  const keepalive = new AckTracker();
  take(keepalive, 100, 7, { flags: Flag.PSH });
  assertEquals(keepalive.deadline, 100);
});

Deno.test("what came out of order is acknowledged at once", () => {
  const acks = new AckTracker();
  take(acks, 100, 7);
  acks.onAckSent();
  take(acks, 101, 9);
  assertEquals(acks.deadline, 101);
  acks.onAckSent();
  take(acks, 102, 8);
  assertEquals(acks.deadline, 102);
});

Deno.test("many packets that nobody asks about are acknowledged before 25 ms have passed", () => {
  const acks = new AckTracker();
  let count = 0;
  do take(acks, 100, count++); while (acks.deadline > 100);
  assert(count > 10 && count <= 100);
});

Deno.test("acknowledgements alone are not acknowledged", () => {
  const acks = new AckTracker();
  take(acks, 100, 7, { flags: Flag.ACK });
  take(acks, 100, 9, { flags: Flag.ACK | Flag.BLOCKED });
  assertEquals(acks.deadline, Infinity);
  assertEquals(blocks(acks), [[9, 10], [7, 8]]);
});

Deno.test("an acknowledgement says how long after the largest packet it leaves", () => {
  const acks = new AckTracker();
  take(acks, 100, 8);
  take(acks, 110, 7);
  const segment = new Segment();
  acks.describe(120, segment, 8);
  assertEquals(segment.ackDelay, 20);
});

Deno.test("the newest blocks come first, and the oldest are left out", () => {
  const acks = new AckTracker();
  for (const packet of [3, 1, 9, 5, 6]) take(acks, 0, packet);
  assertEquals(blocks(acks), [[9, 10], [5, 7], [3, 4], [1, 2]]);
  assertEquals(blocks(acks, 2), [[9, 10], [5, 7]]);
});

Deno.test("a packet that came before is known as a duplicate", () => {
  const acks = new AckTracker();
  assert(!acks.isDuplicate(0));
  take(acks, 0, 5);
  take(acks, 0, 8);
  assert(acks.isDuplicate(5) && acks.isDuplicate(8));
  assert(!acks.isDuplicate(6) && !acks.isDuplicate(9));
});

Deno.test("what the sender no longer asks about is forgotten", () => {
  const acks = new AckTracker();
  for (const packet of [1, 3, 5]) take(acks, 0, packet);
  take(acks, 0, 9, { payload: data, floor: 4 });
  assertEquals(blocks(acks), [[9, 10], [5, 6]]);
});

Deno.test("a floor that an old packet brings late does not forget anything newer", () => {
  const acks = new AckTracker();
  take(acks, 0, 9, { payload: data, floor: 5 });
  take(acks, 0, 3, { payload: data, floor: 2 });
  take(acks, 0, 7, { payload: data, floor: 5 });
  assertEquals(blocks(acks), [[9, 10], [7, 8]]);
});

Deno.test("no more is remembered than an acknowledgement can say, and what is older counts as duplicate", () => {
  const acks = new AckTracker();
  for (let i = 0; i < 10_000; i++) take(acks, 0, 2 * i);
  const all = blocks(acks);
  assertEquals(all.length, MAX_SACK_BLOCKS);
  assertEquals(all[0], [19_998, 19_999]);
  const oldest = all[MAX_SACK_BLOCKS - 1]![0];
  assert(acks.isDuplicate(oldest - 1));
  assert(!acks.isDuplicate(oldest + 1));
});

Deno.test("no delay is below zero, even if the time is from before the packet came", () => {
  const acks = new AckTracker();
  take(acks, 10, 1);
  const segment = new Segment();
  acks.describe(9, segment, 1);
  assertEquals(segment.ackDelay, 0);
  acks.describe(12, segment, 1);
  assertEquals(segment.ackDelay, 2);
});
