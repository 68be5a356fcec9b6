import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  PacketState,
  SentPackets,
} from "../../../lib/protocol/recovery/sent_packets.ts";

/** Which packets of [start, end) an acknowledgement newly covers. */
function acknowledge(
  packets: SentPackets,
  start: number,
  end: number,
): number[] {
  const seen: number[] = [];
  packets.acknowledge(start, end, (packet) => seen.push(packet));
  return seen;
}

function send(packets: SentPackets, count: number, size = 100): void {
  for (let i = 0; i < count; i++) {
    packets.sent(packets.sentCount, 10 * packets.sentCount, 10, size);
  }
}

Deno.test("packet numbers follow on from the first and are never used again", () => {
  const packets = new SentPackets(4_000_000_000);
  assertEquals(packets.sent(0, 0, 1, 100), 4_000_000_000);
  packets.sentUntracked();
  assertEquals(packets.sent(0, 1, 1, 100), 4_000_000_002);
  assertEquals(packets.sentCount, 3);
});

Deno.test("what was noted of a packet is found again", () => {
  const packets = new SentPackets(77);
  const packet = packets.sent(5, 1_000, 1_400, 1_472);
  packets.snapshot(packet, 11, 12, 13, true);
  assertEquals(packets.state(packet), PacketState.OUTSTANDING);
  assertEquals(packets.sentTime(packet), 5);
  assertEquals(packets.seq(packet), 1_000);
  assertEquals(packets.sequenceLength(packet), 1_400);
  assertEquals(packets.size(packet), 1_472);
  assertEquals(packets.delivered(packet), 11);
  assertEquals(packets.deliveredTime(packet), 12);
  assertEquals(packets.firstSentTime(packet), 13);
  assert(packets.appLimited(packet));
});

Deno.test("a packet is in flight until it is acknowledged or lost", () => {
  const packets = new SentPackets(0);
  send(packets, 3);
  packets.sentUntracked();
  assertEquals(packets.bytesInFlight, 300);
  packets.mark(0, PacketState.LOST);
  assertEquals(packets.bytesInFlight, 200);
  packets.mark(0, PacketState.ACKED);
  assertEquals(packets.bytesInFlight, 200, "it had left already");
  packets.mark(1, PacketState.ACKED);
  assertEquals(packets.bytesInFlight, 100);
});

Deno.test("each packet is newly acknowledged once", () => {
  const packets = new SentPackets(10);
  send(packets, 10);
  assertEquals(acknowledge(packets, 12, 15), [12, 13, 14]);
  assertEquals(acknowledge(packets, 11, 17), [11, 15, 16]);
  assertEquals(acknowledge(packets, 11, 17), []);
  assertEquals(acknowledge(packets, 0, 100), [10, 17, 18, 19]);
});

Deno.test("packets are forgotten from the oldest on, up to the first outstanding", () => {
  const packets = new SentPackets(0);
  send(packets, 4);
  for (const packet of acknowledge(packets, 0, 1)) {
    packets.mark(packet, PacketState.ACKED);
  }
  packets.mark(2, PacketState.ACKED);
  packets.forget(Infinity);
  assertEquals(packets.oldest, 1);
  packets.mark(1, PacketState.ACKED);
  packets.forget(Infinity);
  assertEquals(packets.oldest, 3);
  assertEquals(acknowledge(packets, 0, 3), [], "they are forgotten");
});

Deno.test("a lost packet is remembered until it is old, in case it arrived after all", () => {
  const packets = new SentPackets(0);
  send(packets, 2);
  packets.mark(0, PacketState.LOST);
  packets.mark(1, PacketState.LOST);
  packets.forget(1);
  assertEquals(packets.oldest, 1, "packet 1 was sent at 1 ms");
  packets.forget(2);
  assertEquals(packets.oldest, 2);
});

Deno.test("acknowledgements alone are forgotten at once and take no memory", () => {
  const packets = new SentPackets(0);
  for (let i = 0; i < 1_000; i++) packets.sentUntracked();
  assertEquals(packets.oldest, 1_000);
});

Deno.test("what is known of packets survives however many are in flight", () => {
  const event = fc.record({
    verb: fc.constantFrom("send", "send", "ack alone", "settle"),
    n: fc.nat(200),
  });
  fc.assert(fc.property(fc.array(event, { maxLength: 60 }), (events) => {
    const packets = new SentPackets(1_000);
    const inFlight = new Map<number, number>();
    for (const { verb, n } of events) {
      for (let i = 0; i < n; i++) {
        if (verb === "ack alone") packets.sentUntracked();
        if (verb !== "send") continue;
        const packet = packets.sent(i, 7 * packets.sentCount, 7, i + 1);
        inFlight.set(packet, i + 1);
      }
      if (verb === "settle") {
        const settled = [...inFlight.keys()].filter((_, i) => i % 3 > 0);
        for (const packet of settled) {
          const state = packet % 2 ? PacketState.ACKED : PacketState.LOST;
          packets.mark(packet, state);
          inFlight.delete(packet);
        }
        packets.forget(Infinity);
      }
      let bytes = 0;
      for (const [packet, size] of inFlight) {
        bytes += size;
        assertEquals(packets.state(packet), PacketState.OUTSTANDING);
        assertEquals(packets.size(packet), size);
        assertEquals(packets.seq(packet), 7 * (packet - 1_000));
      }
      assertEquals(packets.bytesInFlight, bytes);
    }
  }));
});
