import { assert, assertEquals } from "@std/assert";
import { DeliveryRate } from "../../../lib/protocol/recovery/delivery_rate.ts";
import {
  PacketState,
  SentPackets,
} from "../../../lib/protocol/recovery/sent_packets.ts";

const SIZE = 1_000;

/** A sender that samples each acknowledgement. */
class TestSender {
  readonly packets = new SentPackets(0);
  readonly rate = new DeliveryRate();

  send(now: number): number {
    const packet = this.packets.sent(now, 0, 1, SIZE);
    this.rate.onSent(now, packet, this.packets);
    return packet;
  }

  ack(now: number, ...packets: number[]) {
    for (const packet of packets) this.packets.mark(packet, PacketState.ACKED);
    this.rate.onDelivered(now, packets.length * SIZE);
    return this.rate.sample(now, packets[packets.length - 1]!, this.packets);
  }
}

Deno.test("a steady path is measured at its rate", () => {
  const sender = new TestSender();
  // 1,000 bytes a millisecond with a round trip of 20 ms.
  for (let now = 0; now < 20; now++) sender.send(now);
  for (let now = 20; now < 40; now++) {
    sender.ack(now, now - 20);
    sender.send(now);
  }
  const sample = sender.ack(40, 20);
  assertEquals(sample.deliveryRate, SIZE);
  assertEquals(sample.delivered, 20 * SIZE);
  assert(!sample.appLimited);
});

Deno.test("acknowledgements that come in a lump do not look like a fast path", () => {
  const sender = new TestSender();
  for (let now = 0; now < 20; now++) sender.send(now);
  const all = Array.from({ length: 20 }, (_, packet) => packet);
  // 20 datagrams over 19 ms of sending, acknowledged at once after 30 ms.
  const sample = sender.ack(30, ...all);
  assertEquals(sample.deliveryRate, 20 * SIZE / 30);
});

Deno.test("a burst that left at once does not look like a fast path", () => {
  const sender = new TestSender();
  for (let i = 0; i < 10; i++) sender.send(0);
  // The bottleneck lets one pass each 2 ms.
  let sample;
  for (let i = 0; i < 10; i++) sample = sender.ack(50 + 2 * i, i);
  assertEquals(sample!.deliveryRate, 10 * SIZE / 68);
});

Deno.test("what was in flight when data ran out is known to measure the application", () => {
  const sender = new TestSender();
  const first = sender.send(0);
  sender.rate.onAppLimited(sender.packets.bytesInFlight);
  const second = sender.send(1);
  assert(!sender.ack(20, first).appLimited, "it left before");
  assert(sender.ack(21, second).appLimited);
  const third = sender.send(30);
  assert(!sender.ack(50, third).appLimited, "that is over");
});

Deno.test("what leaves first after a pause with nothing in flight measures the application", () => {
  const sender = new TestSender();
  sender.ack(20, sender.send(0));
  sender.rate.onAppLimited(0);
  const [first, second] = [sender.send(100), sender.send(101)];
  assert(sender.ack(120, first).appLimited);
  const later = sender.send(121);
  assert(sender.ack(121, second).appLimited, "it left with the first");
  assert(!sender.ack(141, later).appLimited);
});

Deno.test("a sender that always had data measures the path from the beginning", () => {
  const sender = new TestSender();
  assert(!sender.ack(20, sender.send(0)).appLimited);
});

Deno.test("an idle pause does not count", () => {
  const sender = new TestSender();
  sender.ack(20, sender.send(0));
  const packet = sender.send(10_000);
  assertEquals(sender.ack(10_020, packet).deliveryRate, SIZE / 20);
});

Deno.test("an interval too short to tell gives no rate", () => {
  const sender = new TestSender();
  assertEquals(sender.ack(0, sender.send(0)).deliveryRate, 0);
});
