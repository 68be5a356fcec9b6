import { assert, assertEquals } from "@std/assert";
import { Flag, Reset } from "../../../lib/protocol/wire/segment.ts";
import { Duo, gist } from "../support/pair.ts";
import { datagramOf, draftOf } from "../../support/packets.ts";

/** A sender, and a receiver that acknowledges what a test likes. */
class Deceiver {
  readonly duo = new Duo();
  readonly near;
  first = -1;
  #packet = 2 ** 33;
  sent = 0;
  largest = 0;

  constructor() {
    const { near } = this.duo.establish();
    this.near = near;
    this.send();
  }

  /** Sends more, and takes what is sent away. */
  send(): void {
    const { duo, near } = this;
    near.write(new Uint8Array(100_000));
    duo.pause(20);
    for (const datagram of duo.collect(duo.client)) {
      this.sent++;
      this.largest = draftOf(datagram).packetNumber;
      if (this.first < 0) this.first = this.largest;
    }
  }

  ack(start: number, end: number, ack = 1): void {
    const { idHigh, idLow } = this.near;
    this.duo.deliver(this.duo.client, [datagramOf({
      ...{ idHigh, idLow, flags: Flag.ACK, ack, window: 2 ** 24 },
      packetNumber: this.#packet++,
      blocks: [[start, end]],
    })]);
  }
}

Deno.test("who acknowledges all packet numbers in a row, even those alone that were passed, is found out", () => {
  const deceiver = new Deceiver();
  const { near, first } = deceiver;
  while (near.ending === undefined && deceiver.sent < 5_000) {
    deceiver.send();
    deceiver.ack(first, deceiver.largest + 1);
  }
  assertEquals(near.ending, "breach");
  assert(deceiver.sent < 1_000, `${deceiver.sent} datagrams sent`);
  const { duo } = deceiver;
  const [reset] = duo.collect(duo.client);
  assertEquals(gist(reset), "RST 1");
  assertEquals(draftOf(reset).payload[0], Reset.PROTOCOL);
});

Deno.test("an acknowledgement up to the number that was left out and another one past it are found out, too", () => {
  for (let stride = 1; stride < 8; stride++) {
    const deceiver = new Deceiver();
    const { near, first } = deceiver;
    let to = first;
    while (near.ending === undefined && deceiver.sent < 5_000) {
      deceiver.send();
      for (; to <= deceiver.largest + 1; to += stride) deceiver.ack(first, to);
    }
    assertEquals(near.ending, "breach");
  }
});

Deno.test("acknowledging what was never sent is borne a few times, not without end", () => {
  const deceiver = new Deceiver();
  const { near } = deceiver;
  for (let i = 0; i < 10; i++) {
    deceiver.ack(deceiver.largest, deceiver.largest + 100);
  }
  assertEquals(near.ending, undefined);
  for (let i = 0; i < 10; i++) deceiver.ack(2 ** 40, 2 ** 40 + 1);
  assertEquals(near.ending, "breach");
});
