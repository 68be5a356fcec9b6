import { assert, assertEquals } from "@std/assert";
import { encodeAnswer, MeetKind } from "../../lib/meet/messages.ts";
import { isBound, MEET, Meeting, numberOf, refusalsOf } from "./meeting.ts";

Deno.test("a waiting receiver comes back under its number when the meeting point was restarted", () => {
  const meeting = new Meeting();
  meeting.guest("receiver");
  const receiver = meeting.arrived("receiver");
  assertEquals(numberOf(receiver), 2);
  meeting.restart();
  meeting.pass(16_000);
  assertEquals(numberOf(receiver), 2);
  assertEquals(meeting.server.placeCount, 2);
  assertEquals(refusalsOf(receiver), []);
});

Deno.test("a number that was given to somebody else meanwhile is asked for until it is free", () => {
  const meeting = new Meeting();
  const first = meeting.arrived("receiver", { number: 17 });
  meeting.restart();
  const second = meeting.arrived("receiver", { number: 17 });
  assertEquals(numberOf(second), 17);
  meeting.pass(20_000);
  assertEquals(new Set(refusalsOf(first)), new Set(["taken"]));
  second.client.leave(false);
  meeting.pass(6000);
  assertEquals(meeting.server.placeCount, 1);
  assertEquals(first.events.at(-1)?.type, "refused");
  const sender = meeting.arrived("sender", { number: 17 });
  assertEquals(first.events.at(-1)?.type, "bound");
  assertEquals(sender.events.at(-1)?.type, "bound");
});

Deno.test("a sender that comes before its receiver is brought to it once that is there", () => {
  const meeting = new Meeting();
  const sender = meeting.guest("sender", { number: 3 });
  meeting.pass(3000);
  assertEquals(new Set(refusalsOf(sender)), new Set(["unknown"]));
  meeting.guest("receiver", { number: 3 });
  meeting.pass(4100);
  assertEquals(sender.events.at(-1)?.type, "bound");
});

Deno.test("requests are repeated ever more rarely while nothing answers, and that is told once", () => {
  const meeting = new Meeting();
  const { client, events } = meeting.guest("receiver");
  const times: number[] = [];
  for (let now = 0; now < 120_000; now += 50) {
    if (client.poll(now) !== undefined) times.push(now);
    // A person waits no longer than that without a word
    if (now === 1000) assertEquals(events.length, 1);
  }
  assert(times.length > 10 && times.length < 40, `${times.length}`);
  assertEquals(events.map(({ type }) => type), ["silent"]);
});

Deno.test("answers from elsewhere, or to somebody else, are ignored (M-7)", () => {
  const meeting = new Meeting();
  const { client, events } = meeting.guest("receiver");
  const request = client.poll(0)!.bytes;
  const id = request.slice(8, 16);
  const cookie = new Uint8Array(20);
  const seen = { hostname: "192.0.2.1", port: 1 };
  const kind = MeetKind.PLACE;
  const forged = encodeAnswer({ kind, id, number: 9, cookie, seen });
  const elsewhere = { ...MEET, port: MEET.port + 1 };
  assert(client.receive(0, forged, elsewhere));
  const other = id.map((byte) => byte ^ 1);
  const foreign = encodeAnswer({ kind, id: other, number: 9, cookie, seen });
  assert(client.receive(0, foreign, MEET));
  assertEquals(events, []);
  client.receive(0, forged, MEET);
  assertEquals(events.map(({ type }) => type), ["place"]);
});

Deno.test("somebody who forges cookies has requests repeated a bounded number of times", () => {
  const meeting = new Meeting();
  const { client } = meeting.guest("receiver");
  const id = client.poll(0)!.bytes.slice(8, 16);
  const cookie = new Uint8Array(20);
  const answer = encodeAnswer({ kind: MeetKind.COOKIE, id, cookie });
  let sent = 0;
  for (let index = 0; index < 100; index++) {
    client.receive(0, answer, MEET);
    while (client.poll(0) !== undefined) sent++;
  }
  assert(sent <= 4, `${sent}`);
});

for (const lost of [1, 2, 3, 4]) {
  Deno.test(`the two meet although every datagram is lost but each ${lost + 1}th`, () => {
    const meeting = new Meeting();
    let count = 0;
    const lossy = (guest: ReturnType<typeof meeting.guest>) => {
      const { client } = guest;
      const poll = client.poll.bind(client);
      client.poll = (now) => {
        const next = poll(now);
        if (next === undefined || count++ % (lost + 1) === 0) return next;
        return poll(now);
      };
    };
    const receiver = meeting.guest("receiver", { number: 1 });
    lossy(receiver);
    meeting.pass(20_000);
    const sender = meeting.guest("sender", { number: 1 });
    lossy(sender);
    meeting.pass(40_000);
    assert(isBound(sender));
    assert(isBound(receiver));
  });
}
