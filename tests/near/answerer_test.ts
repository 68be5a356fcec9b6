import { assert, assertEquals } from "@std/assert";
import { Answerer } from "../../lib/near/answerer.ts";
import { decodeAnswer, encodeQuestion } from "../../lib/near/message.ts";
import {
  encodeSideDatagram,
  SideMark,
} from "../../lib/protocol/wire/side_datagram.ts";
import { bytesOf } from "../support/bytes.ts";

const NONCE = bytesOf("0102030405060708");
const ID = bytesOf("1112131415161718");
const ASKER = { hostname: "192.0.2.1", port: 40_000 };
const QUESTION = encodeQuestion({ number: 17, nonce: NONCE });

function answererOf(number: number): Answerer<typeof ASKER> {
  return new Answerer({ number, id: ID });
}

// N-7
Deno.test("a question for the number is answered to where it came from, and others are not", () => {
  const answerer = answererOf(17);
  assert(!answerer.ask(0, encodeQuestion({ number: 18, nonce: NONCE }), ASKER));
  assertEquals(answerer.deadline, Infinity);
  assert(answerer.ask(0, QUESTION, ASKER));
  assertEquals(answerer.deadline, -Infinity);
  const { bytes, to } = answerer.poll()!;
  assertEquals(to, ASKER);
  assertEquals(decodeAnswer(bytes), { number: 17, nonce: NONCE, id: ID });
  assertEquals(answerer.poll(), undefined);
  assertEquals(answerer.deadline, Infinity);
});

// N-8
Deno.test("reflected questions: an answer never has more bytes than its question", () => {
  for (let size = 8; size < 64; size++) {
    const answerer = answererOf(17);
    const body = QUESTION.slice(8, 18);
    const question = encodeSideDatagram(
      SideMark.NEAR,
      { kind: 1, body },
      size,
    );
    answerer.ask(0, question, ASKER);
    const answer = answerer.poll();
    if (answer) assert(answer.bytes.length <= question.length, `${size}`);
  }
});

// N-9
Deno.test("a flood of questions: one address gets few answers a second, and others still get theirs", () => {
  const answerer = answererOf(17);
  let answers = 0;
  for (let now = 0; now < 10_000; now++) {
    answerer.ask(now, QUESTION, { ...ASKER, port: 1 + now });
    if (answerer.poll() !== undefined) answers++;
  }
  assert(answers <= 8 + 80, `${answers}`);
  assert(answerer.ask(10_000, QUESTION, { ...ASKER, hostname: "192.0.2.2" }));
});

// N-9
Deno.test("a flood from forged addresses: answers are few", () => {
  const answerer = answererOf(17);
  let answers = 0;
  for (let i = 0; i < 100_000; i++) {
    const hostname = `10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`;
    // For 10 seconds
    answerer.ask(i / 10, QUESTION, { hostname, port: 5 });
    while (answerer.poll() !== undefined) answers++;
  }
  assert(answers <= 256 * 11, `${answers}`);
});

Deno.test("what comes to the socket of the transfer is not this protocol's", () => {
  assertEquals(answererOf(17).receive(), false);
});
