import { assert, assertEquals } from "@std/assert";
import { type Fate, FaultyMeeting } from "./faulty_meeting.ts";
import { DELAY } from "./world.ts";

const SIZE = 3000;
/** Milliseconds until all must have arrived: a SYN and requests are repeated by then. */
const LIMIT = 15_000;

/** Receiver and sender begin so many milliseconds from each other. */
function meet(lead: number, fate?: Fate): FaultyMeeting {
  const meeting = new FaultyMeeting(SIZE, fate);
  meeting.wait();
  meeting.run(lead);
  meeting.join();
  meeting.run(lead + LIMIT);
  return meeting;
}

const FATES: Readonly<Record<string, readonly number[]>> = {
  "is lost": [],
  "comes twice": [DELAY, DELAY],
  "comes again later": [DELAY, 8 * DELAY],
  "comes again much later": [DELAY, 100 * DELAY],
  "is late": [4 * DELAY],
  "is very late": [70 * DELAY],
};

for (const [name, times] of Object.entries(FATES)) {
  Deno.test(`a meeting of which any one datagram ${name} ends in a transfer all the same`, () => {
    // The sender comes when the receiver waits, and while it is about to
    for (const lead of [1000, 3 * DELAY, 2 * DELAY, 0]) {
      const { sent } = meet(lead);
      assert(sent > 10);
      for (let index = 0; index < sent; index++) {
        const { received, client } = meet(
          lead,
          (which) => which === index ? times : [DELAY],
        );
        const closeReason = client?.closeReason;
        const outcome = { lead, index, received, closeReason };
        assertEquals(outcome, {
          lead,
          index,
          received: SIZE,
          closeReason: undefined,
        });
      }
    }
  });
}

Deno.test("meeting costs one round trip to the meeting point before the first content", () => {
  const lead = 1000;
  const met = meet(lead).firstByteAt! - lead;
  const direct = new FaultyMeeting(SIZE, () => [2 * DELAY]);
  direct.wait();
  direct.run(lead);
  direct.open();
  direct.run(lead + LIMIT);
  const toMeet = 2 * DELAY;
  assertEquals(met, direct.firstByteAt! - lead + toMeet);
});

Deno.test("a relay that keeps to a rate is used up to it, and little is sent again", () => {
  const size = 3_000_000;
  for (const rate of [125, 1000, 4000]) {
    const meeting = new FaultyMeeting(size, () => [DELAY], rate);
    meeting.wait();
    meeting.run(1000);
    meeting.join();
    meeting.run(100_000);
    assertEquals(meeting.received, size);
    const time = meeting.now - 1000;
    assert(time < 1.2 * size / rate, `${time} ms at ${rate}`);
    const { retransmissions, datagramsSent } = meeting.client!.counters;
    const share = retransmissions / datagramsSent;
    assert(share < 0.1, `${share} at ${rate}`);
  }
});
