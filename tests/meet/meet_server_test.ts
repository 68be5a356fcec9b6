import { assert, assertEquals } from "@std/assert";
import { Prng } from "../../lib/base/prng.ts";
import { encodeRequest, MeetKind, NO_COOKIE } from "../../lib/meet/messages.ts";
import type { Address } from "../../lib/protocol/connection/address.ts";
import {
  encodeSideDatagram,
  SideMark,
} from "../../lib/protocol/wire/side_datagram.ts";
import {
  isBound,
  Meeting,
  numberOf,
  refusalsOf,
  segmentLike,
} from "./meeting.ts";

Deno.test("a receiver gets the smallest free number, and both hear of their pair and where they are seen", () => {
  const meeting = new Meeting();
  const first = meeting.guest("receiver");
  const second = meeting.arrived("receiver");
  assertEquals([numberOf(first), numberOf(second)], [1, 2]);
  const sender = meeting.arrived("sender", { number: 2 });
  assertEquals(sender.events.at(-1), {
    type: "bound",
    number: 2,
    relays: true,
    seen: sender.address,
  });
  assert(isBound(second));
  assert(!isBound(first));
});

Deno.test("what one side of a pair sends the other gets unchanged, and nobody else (M-6)", () => {
  const meeting = new Meeting();
  const { sender, receiver } = meeting.pair();
  const other = meeting.pair();
  const prng = new Prng(1);
  for (let size = 38; size < 1472; size += 100) {
    const there = segmentLike(size, prng.uint32());
    const back = segmentLike(size + 1, prng.uint32());
    meeting.send(there, sender.address);
    meeting.send(back, receiver.address);
    assertEquals(receiver.segments.at(-1), there);
    assertEquals(sender.segments.at(-1), back);
  }
  assertEquals(other.sender.segments, []);
  assertEquals(other.receiver.segments, []);
});

Deno.test("what a kernel has joined is passed on in one piece, and requests in it are answered", () => {
  const meeting = new Meeting();
  const { sender, receiver } = meeting.pair();
  const segment = segmentLike(100);
  const joined = Uint8Array.of(...segment, ...segment, ...segment);
  meeting.send(joined, sender.address);
  assertEquals(receiver.segments, [joined]);
  const request = encodeRequest({
    kind: MeetKind.JOIN,
    id: new Uint8Array(8),
    number: 9,
    ends: 0,
    cookie: NO_COOKIE,
  });
  const before = meeting.bytesOut.get(`${sender.address.hostname} 40000`)!;
  meeting.send(Uint8Array.of(...segment, ...request), sender.address);
  assertEquals(receiver.segments.at(-1), segment);
  assert(meeting.bytesOut.get(`${sender.address.hostname} 40000`)! > before);
});

Deno.test("a third hears of a number in use what it hears of one that nobody has (M-5)", () => {
  const meeting = new Meeting();
  meeting.pair();
  const ofUsed = meeting.guest("sender", { number: 1 });
  const ofNone = meeting.arrived("sender", { number: 77 });
  assertEquals(refusalsOf(ofUsed), ["unknown"]);
  assertEquals(refusalsOf(ofNone), ["unknown"]);
});

Deno.test("a flood from forged addresses is answered with fewer bytes than it has, and keeps nothing (M-1, M-2)", () => {
  const meeting = new Meeting();
  const { sender, receiver } = meeting.pair();
  const prng = new Prng(2);
  for (let index = 0; index < 20_000; index++) {
    const from = {
      hostname: `10.${prng.uint32() & 255}.${prng.uint32() & 255}.1`,
      port: 1 + (prng.uint32() & 0x7fff),
    };
    const kind = 1 + (prng.uint32() % 3);
    const request = encodeRequest({
      kind,
      id: prng.bytes(8),
      number: prng.uint32() & 127,
      ends: prng.uint32(),
      cookie: prng.bytes(20),
    });
    meeting.send(request, from);
    if (index % 100 === 0) meeting.pass(1);
  }
  const forged = [...meeting.bytesOut]
    .filter(([address]) => address.startsWith("10."));
  assert(forged.length > 500);
  for (const [address, bytes] of forged) {
    assert(bytes <= meeting.bytesIn.get(address)!, address);
  }
  assertEquals(meeting.server.placeCount, 1);
  assertEquals(meeting.server.pairCount, 1);
  assertEquals(meeting.server.sourceCount, 1);
  meeting.send(segmentLike(500), sender.address);
  assertEquals(receiver.segments.length, 1);
});

Deno.test("nothing else that comes from somebody in no pair is answered (M-3)", () => {
  const meeting = new Meeting();
  meeting.pair();
  const stranger: Address = { hostname: "192.0.2.66", port: 1 };
  const prng = new Prng(3);
  const body = prng.bytes(66);
  const sent = [
    segmentLike(1200),
    new Uint8Array(0),
    prng.bytes(1),
    prng.bytes(74),
    encodeSideDatagram(SideMark.MEET, { kind: 1, body: body.slice(1) }),
    encodeSideDatagram(SideMark.MEET, { kind: 17, body }),
    encodeSideDatagram(SideMark.NEAR, { kind: 1, body }),
    encodeSideDatagram(SideMark.CANDIDATES, { kind: 1, body }),
  ];
  for (const datagram of sent) meeting.send(datagram, stranger);
  assertEquals(meeting.bytesOut.get("192.0.2.66 1"), undefined);
});

Deno.test("what is no segment and no candidates is not passed on to the other side", () => {
  const meeting = new Meeting();
  const { sender, receiver } = meeting.pair();
  const out = () => meeting.bytesOut.get(`${receiver.address.hostname} 40000`);
  const before = out();
  meeting.send(new Uint8Array(100), sender.address);
  const body = new Uint8Array(50);
  const near = encodeSideDatagram(SideMark.NEAR, { kind: 1, body });
  meeting.send(near, sender.address);
  assertEquals(out(), before);
});

Deno.test("without the token nothing is given, with it all is (M-4)", () => {
  const meeting = new Meeting({ token: "correct horse" });
  const knows = meeting.guest("receiver", { token: "correct horse" });
  const guesses = meeting.guest("receiver", { token: "battery staple" });
  const asks = meeting.arrived("receiver");
  assertEquals(numberOf(knows), 1);
  assertEquals(refusalsOf(guesses), ["token"]);
  assertEquals(refusalsOf(asks), ["token"]);
  assertEquals(meeting.server.placeCount, 1);
  const stranger = meeting.arrived("sender", { number: 1 });
  assertEquals(refusalsOf(stranger), ["token"]);
  assert(!isBound(knows));
});

Deno.test("a proof of the token is of no use from another address, or with another number (M-4)", () => {
  const meeting = new Meeting({ token: "t" });
  const knows = meeting.arrived("receiver", { token: "t" });
  const request = knows.client.poll(meeting.now + 15_000)!.bytes;
  meeting.send(request, { hostname: "192.0.2.66", port: 1 });
  const changed = request.slice();
  changed[8 + 9]! ^= 1;
  meeting.send(changed, knows.address);
  assertEquals(meeting.server.placeCount, 1);
});

Deno.test("a place stays while it is renewed, and is free after a minute of silence", () => {
  const meeting = new Meeting();
  const receiver = meeting.guest("receiver");
  meeting.pass(600_000);
  assertEquals(meeting.server.placeCount, 1);
  assertEquals(
    receiver.events.filter(({ type }) => type === "place").length,
    1,
  );
  receiver.client.leave(false);
  receiver.client.poll(meeting.now);
  meeting.pass(61_000);
  assertEquals(meeting.server.placeCount, 0);
});

Deno.test("places and pairs are bounded, and what is over makes room", () => {
  const meeting = new Meeting({ places: 2, pairs: 1 });
  const receivers = [1, 2, 3].map(() => meeting.arrived("receiver"));
  assertEquals(refusalsOf(receivers[2]!), ["full"]);
  const sender = meeting.guest("sender", { number: 1 });
  const other = meeting.arrived("sender", { number: 2 });
  assert(isBound(sender));
  assertEquals(refusalsOf(other), ["full"]);
  receivers[0]!.client.leave(true);
  meeting.pass(6000);
  assertEquals(numberOf(receivers[2]!), 1);
  assert(isBound(other));
});

Deno.test("a pair ends after 30 s unless both sides are heard of, and after 5 min of silence", () => {
  const meeting = new Meeting();
  const { sender, receiver } = meeting.pair();
  meeting.send(segmentLike(100), sender.address);
  meeting.pass(32_000);
  assertEquals(meeting.ended.map(({ met }) => met), [false]);
  // The receiver's place is there again
  const next = meeting.arrived("sender", { number: numberOf(receiver) });
  assert(isBound(next));
  meeting.send(segmentLike(100), next.address);
  meeting.send(segmentLike(100), receiver.address);
  meeting.pass(290_000);
  assertEquals(meeting.server.pairCount, 1);
  meeting.pass(20_000);
  assertEquals(meeting.ended.map(({ met, bytes }) => [met, bytes]), [
    [false, 100],
    [true, 200],
  ]);
});

Deno.test("a receiver that was brought a wrong sender waits again under its number", () => {
  const meeting = new Meeting();
  const { sender, receiver } = meeting.pair();
  meeting.send(segmentLike(100), sender.address);
  meeting.send(segmentLike(100), receiver.address);
  receiver.client.reopen(meeting.now);
  meeting.pass(10);
  assertEquals(numberOf(receiver), 1);
  assertEquals(meeting.server.pairCount, 0);
  const next = meeting.arrived("sender", { number: 1 });
  assert(isBound(next));
  meeting.send(segmentLike(300), next.address);
  assertEquals(receiver.segments.at(-1)?.length, 300);
  // What the first one still sends reaches nobody
  meeting.send(segmentLike(400), sender.address);
  assertEquals(receiver.segments.at(-1)?.length, 300);
});

Deno.test("a request that gave up a pair does no harm to the next one when it comes late", () => {
  const meeting = new Meeting();
  const { receiver } = meeting.pair();
  receiver.client.reopen(meeting.now);
  const late = receiver.client.poll(meeting.now)!.bytes.slice();
  meeting.send(late, receiver.address);
  const next = meeting.arrived("sender", { number: 1 });
  assert(isBound(next));
  meeting.send(late, receiver.address);
  assertEquals(meeting.server.pairCount, 1);
});

Deno.test("a receiver that has joined another is in that pair only", () => {
  const meeting = new Meeting();
  const other = meeting.guest("receiver");
  const { address } = meeting.arrived("receiver", { number: 5 });
  meeting.arrived("sender", { number: numberOf(other), address });
  assert(isBound(other));
  const third = meeting.arrived("sender", { number: 5 });
  assertEquals(refusalsOf(third), ["unknown"]);
  assertEquals(meeting.server.pairCount, 1);
});

Deno.test("joins are limited for each source, an IPv6 /64 being one, and others still join", () => {
  const meeting = new Meeting({ joins: 3 });
  const waiting = meeting.arrived("receiver");
  const at = (hostname: string, port: number) =>
    meeting.guest("sender", { number: 99, address: { hostname, port } });
  const many = [1, 2, 3, 4, 5].map((port) => at(`2001:db8::${port}`, port));
  meeting.pass(10);
  const reasons = many.map((guest) => refusalsOf(guest)[0]);
  assertEquals(new Set(reasons.slice(0, 3)), new Set(["unknown"]));
  assertEquals(new Set(reasons.slice(3)), new Set(["too-often"]));
  assertEquals(refusalsOf(at("2001:db8:0:1::1", 1)), []);
  const other = meeting.arrived("sender", { number: numberOf(waiting) });
  assert(isBound(other));
});

Deno.test("a scanner of all numbers learns which are taken and nothing else, at the rate of its limit", () => {
  const meeting = new Meeting({ joins: 30, places: 128 });
  const receivers = Array.from(
    { length: 100 },
    () => meeting.arrived("receiver"),
  );
  const scanners = Array.from(
    { length: 128 },
    (_, index) =>
      meeting.guest("sender", {
        number: 1 + index,
        address: { hostname: "192.0.2.66", port: 1000 + index },
      }),
  );
  meeting.pass(1000);
  assertEquals(scanners.filter(isBound).length, 30);
  assertEquals(receivers.filter(isBound).length, 30);
  assertEquals(
    new Set(scanners.flatMap(refusalsOf)),
    new Set(["too-often"]),
  );
  // Whoever does nothing with the pair loses it again
  meeting.pass(31_000);
  assert(meeting.ended.length >= 30);
  assert(meeting.ended.every(({ met }) => !met));
});

Deno.test("the relay's rate is kept to, and its bytes out are never more than its bytes in", () => {
  const meeting = new Meeting({ relayRate: 100 });
  const { sender, receiver } = meeting.pair();
  for (let index = 0; index < 10_000; index++) {
    meeting.send(segmentLike(1000), sender.address);
    meeting.pass(1);
  }
  const passed = receiver.segments.length * 1000;
  assert(passed > 0.95 * 1_000_000 && passed < 1.05 * 1_000_000, `${passed}`);
});

Deno.test("a meeting point that does not relay says so, and passes on what introduces the two", () => {
  const meeting = new Meeting({ relays: false });
  const { sender, receiver } = meeting.pair();
  const bound = sender.events.at(-1);
  assert(bound?.type === "bound" && !bound.relays);
  for (let index = 0; index < 100; index++) {
    meeting.send(segmentLike(1000), sender.address);
  }
  assertEquals(receiver.segments.length, 65);
});

Deno.test("500 pairs are served at a time", () => {
  const meeting = new Meeting({ places: 500 });
  const pairs = Array.from({ length: 500 }, () => meeting.pair());
  assertEquals(meeting.server.pairCount, 500);
  for (const [index, { sender }] of pairs.entries()) {
    meeting.send(segmentLike(100 + index), sender.address);
  }
  for (const [index, { receiver }] of pairs.entries()) {
    assertEquals(receiver.segments.map(({ length }) => length), [100 + index]);
  }
});

Deno.test("the sources that are remembered are bounded", () => {
  const meeting = new Meeting();
  for (let index = 0; index < 6000; index++) {
    const hostname = `10.${index >>> 8}.${index & 255}.1`;
    meeting.guest("sender", { number: 5, address: { hostname, port: 1 } });
    if (index % 200 === 0) meeting.pass(50);
  }
  meeting.pass(2000);
  assert(meeting.server.sourceCount <= 4096);
});
