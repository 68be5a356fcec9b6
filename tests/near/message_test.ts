import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
  QUESTION_SIZE,
} from "../../lib/near/message.ts";
import {
  encodeSideDatagram,
  SideMark,
} from "../../lib/protocol/wire/side_datagram.ts";
import { bytesOf, hexOf } from "../support/bytes.ts";

const NONCE = bytesOf("0102030405060708");
const ID = bytesOf("1112131415161718");

// N-1
Deno.test("a question and an answer are a number and random bytes, and nothing else", () => {
  const question = encodeQuestion({ number: 17, nonce: NONCE });
  const answer = encodeAnswer({ number: 17, nonce: NONCE, id: ID });
  assertEquals(
    hexOf(question.subarray(4)),
    "0020fa01" + "0011" + "0102030405060708" + "00".repeat(14),
  );
  assertEquals(
    hexOf(answer.subarray(4)),
    "001afa02" + "0011" + "0102030405060708" + "1112131415161718",
  );
  assertEquals(question.length, QUESTION_SIZE);
});

Deno.test("what was encoded is decoded", () => {
  const bytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
  const number = fc.integer({ min: 0, max: 65_535 });
  fc.assert(fc.property(number, bytes, bytes, (number, nonce, id) => {
    const question = encodeQuestion({ number, nonce });
    assertEquals(decodeQuestion(question), { number, nonce });
    assertEquals(decodeAnswer(question), undefined);
    const answer = encodeAnswer({ number, nonce, id });
    assertEquals(decodeAnswer(answer), { number, nonce, id });
    assertEquals(decodeQuestion(answer), undefined);
  }));
});

Deno.test("a damaged, cut or strange datagram is neither question nor answer", () => {
  const isNothing = (datagram: Uint8Array) =>
    decodeQuestion(datagram) === undefined &&
    decodeAnswer(datagram) === undefined;
  const question = encodeQuestion({ number: 17, nonce: NONCE });
  const answer = encodeAnswer({ number: 17, nonce: NONCE, id: ID });
  for (const datagram of [question, answer]) {
    for (let at = 0; at < datagram.length; at++) {
      assert(isNothing(datagram.subarray(0, at)), `cut to ${at} bytes`);
      const damaged = datagram.slice();
      damaged[at]! ^= 1;
      assert(isNothing(damaged), `damaged at ${at}`);
    }
    assert(isNothing(Uint8Array.of(...datagram, 0)));
  }
  const body = new Uint8Array(24);
  assert(isNothing(encodeSideDatagram(SideMark.NEAR, { kind: 3, body })));
  assert(isNothing(encodeSideDatagram(SideMark.MEET, { kind: 1, body })));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), isNothing));
});
