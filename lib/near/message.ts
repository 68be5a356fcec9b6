import { uint16At, writeUint16 } from "../base/integers.ts";
import {
  decodeSideDatagram,
  encodeSideDatagram,
  SideMark,
} from "../protocol/wire/side_datagram.ts";

/** Bytes of a nonce, and of a receiver's id. */
export const NONCE_SIZE = 8;
export const ID_SIZE = 8;
/** Bytes of a question, with padding: as many as an answer has. */
export const QUESTION_SIZE = 32;

const QUESTION = 1;
const ANSWER = 2;
const NUMBER_SIZE = 2;
const ID_AT = NUMBER_SIZE + NONCE_SIZE;
const ANSWER_BODY_SIZE = ID_AT + ID_SIZE;

/** "Who has this number?" */
export interface Question {
  /** The number of a code, 0 for one that has none. */
  readonly number: number;
  /** Random bytes, which the answer repeats. */
  readonly nonce: Uint8Array;
}

/** "I have it." */
export interface Answer extends Question {
  /** Random bytes, the same in all answers of a receiver. */
  readonly id: Uint8Array;
}

/** Makes the datagram of a question. */
export function encodeQuestion(question: Question): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(ID_AT);
  writeQuestion(body, question);
  const message = { kind: QUESTION, body };
  return encodeSideDatagram(SideMark.NEAR, message, QUESTION_SIZE);
}

/** Makes the datagram of an answer. */
export function encodeAnswer(answer: Answer): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(ANSWER_BODY_SIZE);
  writeQuestion(body, answer);
  body.set(answer.id, ID_AT);
  return encodeSideDatagram(SideMark.NEAR, { kind: ANSWER, body });
}

/** Reads a question; `undefined` if the datagram is none, or too short for an answer. */
export function decodeQuestion(datagram: Uint8Array): Question | undefined {
  if (datagram.length < QUESTION_SIZE) return undefined;
  const body = bodyOf(QUESTION, ID_AT, datagram);
  return body && readQuestion(body);
}

/** Reads an answer; `undefined` if the datagram is none. */
export function decodeAnswer(datagram: Uint8Array): Answer | undefined {
  const body = bodyOf(ANSWER, ANSWER_BODY_SIZE, datagram);
  if (body === undefined) return undefined;
  const id = body.slice(ID_AT, ANSWER_BODY_SIZE);
  return { ...readQuestion(body), id };
}

function bodyOf(
  kind: number,
  size: number,
  datagram: Uint8Array,
): Uint8Array | undefined {
  const message = decodeSideDatagram(SideMark.NEAR, datagram);
  const isWanted = message?.kind === kind && message.body.length >= size;
  return isWanted ? message.body : undefined;
}

function writeQuestion(body: Uint8Array, { number, nonce }: Question): void {
  writeUint16(body, 0, number);
  body.set(nonce, NUMBER_SIZE);
}

function readQuestion(body: Uint8Array): Question {
  return {
    number: uint16At(body, 0),
    nonce: body.slice(NUMBER_SIZE, ID_AT),
  };
}
