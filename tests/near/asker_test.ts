import { assert, assertEquals } from "@std/assert";
import { Asker } from "../../lib/near/asker.ts";
import { decodeQuestion, encodeAnswer } from "../../lib/near/message.ts";
import type { Address } from "../../lib/protocol/connection/address.ts";
import { bytesOf } from "../support/bytes.ts";

const NONCE = bytesOf("0102030405060708");

function askerOf(number = 17): Asker {
  return new Asker(1000, { number, random: () => NONCE });
}

/** What the receiver with this id answers. */
function answerOf(id: number, number = 17, nonce = NONCE): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(4, id);
  return encodeAnswer({ number, nonce, id: bytes });
}

function at(hostname: string, port = 5000): Address {
  return { hostname, port };
}

/** Where to try next. */
function nextOf(asker: Asker): string | undefined {
  const next = asker.next();
  return next && `${next.hostname}:${next.port}`;
}

Deno.test("it asks three times in 300 ms, and then each second", () => {
  const asker = askerOf();
  const times: number[] = [];
  for (let now = 1000; now <= 4500; now++) {
    const question = asker.poll(now);
    if (question === undefined) continue;
    times.push(now - 1000);
    assertEquals(decodeQuestion(question), { number: 17, nonce: NONCE });
  }
  assertEquals(times, [0, 150, 300, 1300, 2300, 3300]);
  assertEquals(asker.deadline, 5300);
});

// N-3
Deno.test("spoofed answers: with another number or nonce they are dropped", () => {
  const asker = askerOf();
  const other = bytesOf("0102030405060709");
  assert(!asker.receive(answerOf(1, 18), at("192.0.2.1")));
  assert(!asker.receive(answerOf(1, 17, other), at("192.0.2.1")));
  assert(!asker.receive(bytesOf("00112233"), at("192.0.2.1")));
  assertEquals(asker.next(), undefined);
});

Deno.test("receivers are tried in the order of their answers, at each address once", () => {
  const asker = askerOf();
  assert(asker.receive(answerOf(1), at("192.0.2.1")));
  assert(!asker.receive(answerOf(1), at("192.0.2.1")));
  assert(asker.receive(answerOf(2), at("192.0.2.2")));
  assertEquals(nextOf(asker), "192.0.2.1:5000");
  asker.unreachable(asker.next()!);
  assertEquals(nextOf(asker), "192.0.2.2:5000");
  asker.unreachable(asker.next()!);
  assertEquals(asker.next(), undefined);
  assert(asker.receive(answerOf(1), at("192.0.2.1")), "it may be back");
});

// N-5
Deno.test("a receiver that was not the wanted one is tried no more, wherever it answers", () => {
  const asker = askerOf();
  asker.receive(answerOf(1), at("192.0.2.1"));
  asker.receive(answerOf(1), at("198.51.100.1"));
  asker.receive(answerOf(2), at("192.0.2.1", 5001));
  asker.refused(asker.next()!);
  assertEquals(nextOf(asker), "192.0.2.1:5001");
  assert(!asker.receive(answerOf(1), at("203.0.113.1")));
  assertEquals(nextOf(asker), "192.0.2.1:5001");
});

// N-6
Deno.test("after three receivers that were not the wanted one none is tried", () => {
  const asker = askerOf();
  for (let id = 1; id <= 4; id++) {
    asker.receive(answerOf(id), at(`192.0.2.${id}`));
  }
  for (let i = 0; i < 3; i++) {
    assert(!asker.exhausted);
    asker.refused(asker.next()!);
  }
  assert(asker.exhausted);
  assertEquals(asker.next(), undefined);
});

Deno.test("a flood of answers from one address takes turns with others, and little memory", () => {
  const asker = askerOf();
  let taken = 0;
  for (let id = 1; id <= 10_000; id++) {
    if (asker.receive(answerOf(id), at("192.0.2.66", id))) taken++;
  }
  assertEquals(taken, 4);
  assert(asker.receive(answerOf(20_000), at("192.0.2.7")));
  assertEquals(nextOf(asker), "192.0.2.66:1");
  asker.refused(asker.next()!);
  assertEquals(nextOf(asker), "192.0.2.7:5000");
});

Deno.test("a flood of answers under one id, or from forged addresses, is not remembered without end", () => {
  const asker = askerOf();
  let taken = 0;
  for (let i = 0; i < 10_000; i++) {
    const from = at(`10.0.${i >>> 8}.${i & 255}`);
    if (asker.receive(answerOf(1), from)) taken++;
    if (asker.receive(answerOf(2 + i), from)) taken++;
  }
  assert(taken <= 72, `${taken}`);
  // Addresses where nobody is make room
  while (asker.next() !== undefined) asker.unreachable(asker.next()!);
  assert(asker.receive(answerOf(30_000), at("192.0.2.7")));
});
