import { assert, assertEquals } from "@std/assert";
import { Flag, Reset } from "../../../lib/protocol/wire/segment.ts";
import { Pair, summaryOf } from "../support/pair.ts";
import { draftOf } from "../../support/packets.ts";

/** A sender, and a receiver that acknowledges what a test likes. */
class Deceiver {
  readonly pair = new Pair();
  readonly near;
  first = -1;
  sent = 0;
  largest = 0;

  constructor() {
    const { near } = this.pair.establish();
    this.near = near;
    this.send();
  }

  /** Sends more, and takes what is sent away. */
  send(): void {
    const { pair, near } = this;
    near.write(new Uint8Array(100_000));
    pair.stall(20);
    for (const datagram of pair.collect(pair.client)) {
      this.sent++;
      this.largest = draftOf(datagram).packetNumber;
      if (this.first < 0) this.first = this.largest;
    }
  }

  ack(start: number, end: number, ack = 1): void {
    const { pair, near } = this;
    const common = { flags: Flag.ACK, ack, window: 2 ** 24 };
    const draft = { ...common, blocks: [[start, end]] as const };
    pair.deliver(pair.client, [pair.forge(near, draft)]);
  }
}

Deno.test("who acknowledges all packet numbers in a row, even those alone that were passed, is found out", () => {
  const deceiver = new Deceiver();
  const { near, first } = deceiver;
  while (near.closeReason === undefined && deceiver.sent < 5_000) {
    deceiver.send();
    deceiver.ack(first, deceiver.largest + 1);
  }
  assertEquals(near.closeReason, "breach");
  assert(deceiver.sent < 1_000, `${deceiver.sent} datagrams sent`);
  const { pair } = deceiver;
  const reset = pair.collectFirst(pair.client);
  assertEquals(summaryOf(reset), "RST 1");
  assertEquals(draftOf(reset).payload[0], Reset.PROTOCOL);
});

// P-5
Deno.test("an acknowledgement up to the number that was left out and another one past it are found out, too", () => {
  for (let stride = 1; stride < 8; stride++) {
    const deceiver = new Deceiver();
    const { near, first } = deceiver;
    let to = first;
    while (near.closeReason === undefined && deceiver.sent < 5_000) {
      deceiver.send();
      for (; to <= deceiver.largest + 1; to += stride) deceiver.ack(first, to);
    }
    assertEquals(near.closeReason, "breach");
  }
});

Deno.test("acknowledging what was never sent is borne a few times, not without end", () => {
  const deceiver = new Deceiver();
  const { near } = deceiver;
  for (let i = 0; i < 10; i++) {
    deceiver.ack(deceiver.largest, deceiver.largest + 100);
  }
  assertEquals(near.closeReason, undefined);
  for (let i = 0; i < 10; i++) deceiver.ack(2 ** 40, 2 ** 40 + 1);
  assertEquals(near.closeReason, "breach");
});
