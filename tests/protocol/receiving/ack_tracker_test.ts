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
  received: AckTracker,
  now: number,
  packetNumber: number,
  draft: Draft = { payload: data },
): void {
  const segment = segmentOf({ floor: 0, ...draft, packetNumber });
  received.receive(now, segment);
}

function blocks(received: AckTracker, maxBlocks = MAX_SACK_BLOCKS) {
  const segment = new Segment();
  received.acknowledge(0, segment, maxBlocks);
  return blocksOf(segment);
}

Deno.test("data in order is acknowledged within 25 ms", () => {
  const received = new AckTracker();
  take(received, 100, 7);
  assertEquals(received.deadline, 100 + HELD_BACK);
  take(received, 110, 8);
  assertEquals(received.deadline, 100 + HELD_BACK, "the first one counts");
  received.acknowledged();
  assertEquals(received.deadline, Infinity);
});

Deno.test("a sender that asks is answered at once", () => {
  for (const flag of [Flag.PSH, Flag.SYN, Flag.FIN]) {
    const received = new AckTracker();
    take(received, 100, 7, { flags: flag, payload: data });
    assertEquals(received.deadline, 100);
  }
  const keepalive = new AckTracker();
  take(keepalive, 100, 7, { flags: Flag.PSH });
  assertEquals(keepalive.deadline, 100);
});

Deno.test("what came out of order is acknowledged at once", () => {
  const received = new AckTracker();
  take(received, 100, 7);
  received.acknowledged();
  take(received, 101, 9);
  assertEquals(received.deadline, 101);
  received.acknowledged();
  take(received, 102, 8);
  assertEquals(received.deadline, 102);
});

Deno.test("many packets that nobody asks about are acknowledged before 25 ms have passed", () => {
  const received = new AckTracker();
  let count = 0;
  do take(received, 100, count++); while (received.deadline > 100);
  assert(count > 10 && count <= 100);
});

Deno.test("acknowledgements alone are not acknowledged", () => {
  const received = new AckTracker();
  take(received, 100, 7, { flags: Flag.ACK });
  take(received, 100, 9, { flags: Flag.ACK | Flag.BLOCKED });
  assertEquals(received.deadline, Infinity);
  assertEquals(blocks(received), [[9, 10], [7, 8]]);
});

Deno.test("an acknowledgement says how long after the largest packet it leaves", () => {
  const received = new AckTracker();
  take(received, 100, 8);
  take(received, 110, 7);
  const segment = new Segment();
  received.acknowledge(120, segment, 8);
  assertEquals(segment.ackDelay, 20);
});

Deno.test("the newest blocks come first, and the oldest are left out", () => {
  const received = new AckTracker();
  for (const packet of [3, 1, 9, 5, 6]) take(received, 0, packet);
  assertEquals(blocks(received), [[9, 10], [5, 7], [3, 4], [1, 2]]);
  assertEquals(blocks(received, 2), [[9, 10], [5, 7]]);
});

Deno.test("a packet that came before is known as a duplicate", () => {
  const received = new AckTracker();
  assert(!received.isDuplicate(0));
  take(received, 0, 5);
  take(received, 0, 8);
  assert(received.isDuplicate(5) && received.isDuplicate(8));
  assert(!received.isDuplicate(6) && !received.isDuplicate(9));
});

Deno.test("what the sender no longer asks about is forgotten", () => {
  const received = new AckTracker();
  for (const packet of [1, 3, 5]) take(received, 0, packet);
  take(received, 0, 9, { payload: data, floor: 4 });
  assertEquals(blocks(received), [[9, 10], [5, 6]]);
});

Deno.test("a floor that an old packet brings late does not forget anything newer", () => {
  const received = new AckTracker();
  take(received, 0, 9, { payload: data, floor: 5 });
  take(received, 0, 3, { payload: data, floor: 2 });
  take(received, 0, 7, { payload: data, floor: 5 });
  assertEquals(blocks(received), [[9, 10], [7, 8]]);
});

Deno.test("no more is remembered than an acknowledgement can say, and what is older counts as duplicate", () => {
  const received = new AckTracker();
  for (let i = 0; i < 10_000; i++) take(received, 0, 2 * i);
  const all = blocks(received);
  assertEquals(all.length, MAX_SACK_BLOCKS);
  assertEquals(all[0], [19_998, 19_999]);
  const oldest = all[MAX_SACK_BLOCKS - 1][0];
  assert(received.isDuplicate(oldest - 1));
  assert(!received.isDuplicate(oldest + 1));
});
