import { assert, assertEquals } from "@std/assert";
import {
  PacketState,
  SentPackets,
} from "../../../lib/protocol/recovery/sent_packets.ts";
import { TailCopies } from "../../../lib/protocol/sending/tail_copies.ts";
import { runFlows } from "../support/flows.ts";
import { CONTROLLERS } from "../../../lib/protocol/congestion/controllers.ts";

const RTT = 50;

/** Packets 0, 1, 2 …, sent at these times. */
function sentAt(...times: number[]): SentPackets {
  const packets = new SentPackets(0);
  for (const [i, time] of times.entries()) {
    packets.sent(time, 1 + 1_000 * i, 1_000, 1_040);
  }
  return packets;
}

/** All that are to be copied at `now`, each sent again at once. */
function copiesAt(now: number, packets: SentPackets, copies: TailCopies) {
  const copied: number[] = [];
  for (;;) {
    const packet = copies.next(now, RTT, packets);
    if (packet < 0) return copied;
    copied.push(packet);
    packets.sent(now, packets.seq(packet), 1_000, 1_040);
    copies.onCopied(packets.next);
  }
}

Deno.test("what was sent within half a round trip is copied, the newest first", () => {
  const packets = sentAt(60, 74, 76, 90, 99);
  assertEquals(copiesAt(100, packets, new TailCopies()), [4, 3, 2]);
});

Deno.test("nothing is copied twice, and no copy is copied", () => {
  const packets = sentAt(98, 99);
  const copies = new TailCopies();
  assertEquals(copiesAt(100, packets, copies), [1, 0]);
  packets.sentUntracked();
  assertEquals(copiesAt(101, packets, copies), []);
});

Deno.test("what is sent after the copies is copied, too", () => {
  const packets = sentAt(98, 99);
  const copies = new TailCopies();
  copiesAt(100, packets, copies);
  packets.sent(104, 1, 1_000, 1_040);
  assertEquals(copiesAt(105, packets, copies), [4]);
});

Deno.test("neither what is settled is copied nor what has no data", () => {
  const packets = sentAt(97, 98, 99);
  packets.mark(0, PacketState.ACKED);
  packets.mark(1, PacketState.LOST);
  packets.sent(99, 3_001, 0, 40);
  assertEquals(copiesAt(100, packets, new TailCopies()), [2]);
});

Deno.test("copies pay from one lost datagram in a hundred", () => {
  assert(TailCopies.pay(100, 2));
  assert(!TailCopies.pay(100, 1));
});

Deno.test("a short stream ends soon where 30% is lost", () => {
  const flows = [{ controller: CONTROLLERS.bbr, bytes: 1_000_000 }];
  const path = { mbit: 100, rtt: RTT, conditions: { loss: 0.3 } };
  const times = Array.from(
    { length: 20 },
    (_, seed) => runFlows({ ...path, flows, seed }).time,
  );
  const mean = times.reduce((sum, time) => sum + time) / times.length;
  assert(mean < 780, `${mean} ms`);
});
