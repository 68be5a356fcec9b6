import { createHmac, timingSafeEqual } from "node:crypto";
import {
  uint16At,
  uint32At,
  writeUint16,
  writeUint32,
} from "../base/integers.ts";
import type { Address } from "../protocol/connection/address.ts";
import { COOKIE_SIZE } from "../protocol/demux/address_validation.ts";
import {
  decodeSideDatagram,
  encodeSideDatagram,
  SideMark,
} from "../protocol/wire/side_datagram.ts";
import { ADDRESS_SIZE, readAddress, writeAddress } from "./address_codec.ts";

/** What a datagram of this protocol is. Below 16 a request, from there on an answer. */
export const MeetKind = {
  /** A receiver asks for a place, or renews it. */
  REGISTER: 1,
  /** A sender asks for the receiver of a number. */
  JOIN: 2,
  /** A place, or a pair, is needed no more. */
  LEAVE: 3,
  /** Come again with this cookie. */
  COOKIE: 16,
  /** The receiver has a place. */
  PLACE: 17,
  /** The two are a pair. */
  BOUND: 18,
  /** The request is refused. */
  REFUSED: 19,
} as const;

/** Why a request is refused, by their numbers from 1 on; `README.md` has what they mean. */
const REFUSALS = ["unknown", "full", "token", "taken", "too-often"] as const;
export type MeetRefusal = typeof REFUSALS[number];

/** Bytes of the id by which a client knows answers to it. */
export const CLIENT_ID_SIZE = 8;
const PROOF_SIZE = 32;

/** What a client asks for. */
export interface MeetRequest {
  readonly kind: number;
  /** {@linkcode CLIENT_ID_SIZE} random bytes, the same in all requests of a client. */
  readonly id: Uint8Array;
  /** The wanted number; 0 for any. */
  readonly number: number;
  /** The pair that is over, 0 for none. */
  readonly ends: number;
  /** The newest cookie; zeros before there is one. */
  readonly cookie: Uint8Array;
  /** The proof of the token; zeros without one. */
  readonly proof: Uint8Array;
  /** All that comes before it, which it proves. */
  readonly proven: Uint8Array;
}

const ID_AT = 0;
const NUMBER_AT = ID_AT + CLIENT_ID_SIZE;
const ENDS_AT = NUMBER_AT + 2;
const REQUEST_COOKIE_AT = ENDS_AT + 4;
const PROOF_AT = REQUEST_COOKIE_AT + COOKIE_SIZE;
const REQUEST_SIZE = PROOF_AT + PROOF_SIZE;

/** The cookie of a client that has none yet. */
export const NO_COOKIE: Uint8Array = new Uint8Array(COOKIE_SIZE);

/** Makes a request; with a token, its proof. */
export function encodeRequest(
  request: Omit<MeetRequest, "proof" | "proven">,
  token?: string,
): Uint8Array {
  const body = new Uint8Array(REQUEST_SIZE);
  const { kind, id, number, ends, cookie } = request;
  body.set(id, ID_AT);
  writeUint16(body, NUMBER_AT, number);
  writeUint32(body, ENDS_AT, ends);
  body.set(cookie, REQUEST_COOKIE_AT);
  if (token !== undefined) {
    const proven = body.subarray(0, PROOF_AT);
    body.set(proofOf(kind, proven, token), PROOF_AT);
  }
  return encodeSideDatagram(SideMark.MEET, { kind, body });
}

/** Reads a request; `undefined` if it is none. Its parts are in place. */
export function decodeRequest(datagram: Uint8Array): MeetRequest | undefined {
  const said = decodeSideDatagram(SideMark.MEET, datagram);
  if (said === undefined || said.body.length < REQUEST_SIZE) return undefined;
  const { kind, body } = said;
  if (kind < MeetKind.REGISTER || kind > MeetKind.LEAVE) return undefined;
  return {
    kind,
    id: body.subarray(ID_AT, ID_AT + CLIENT_ID_SIZE),
    number: uint16At(body, NUMBER_AT),
    ends: uint32At(body, ENDS_AT),
    cookie: body.subarray(REQUEST_COOKIE_AT, REQUEST_COOKIE_AT + COOKIE_SIZE),
    proof: body.subarray(PROOF_AT, PROOF_AT + PROOF_SIZE),
    proven: body.subarray(0, PROOF_AT),
  };
}

/** Whether the maker of a request knows the token. */
export function provesToken(
  { kind, proof, proven }: MeetRequest,
  token: string,
): boolean {
  return timingSafeEqual(proofOf(kind, proven, token), proof);
}

// Over the cookie, which is bound to the address and soon expires: of no use elsewhere or later.
function proofOf(kind: number, proven: Uint8Array, token: string): Uint8Array {
  const hmac = createHmac("sha256", token).update(Uint8Array.of(kind));
  return hmac.update(proven).digest();
}

export type MeetAnswer =
  & {
    /** Of the request. */
    readonly id: Uint8Array;
  }
  & (
    | { readonly kind: typeof MeetKind.COOKIE; readonly cookie: Uint8Array }
    | ({
      readonly kind: typeof MeetKind.PLACE;
      readonly number: number;
    } & Seen)
    | ({
      readonly kind: typeof MeetKind.BOUND;
      readonly number: number;
      /** Names the pair. */
      readonly pair: number;
      /** Whether all that the two send is relayed, not only so much that they find each other. */
      readonly relays: boolean;
    } & Seen)
    | { readonly kind: typeof MeetKind.REFUSED; readonly reason: MeetRefusal }
  );

/** What every good answer has. */
interface Seen {
  /** For the next request. */
  readonly cookie: Uint8Array;
  /** Where the request came from. */
  readonly seen: Address;
}

/** Behind an id and a number, which are where requests have them. */
const ANSWER_COOKIE_AT = NUMBER_AT + 2;
const SEEN_AT = ANSWER_COOKIE_AT + COOKIE_SIZE;
const PAIR_AT = SEEN_AT + ADDRESS_SIZE;
const RELAYS_AT = PAIR_AT + 4;

/** Bytes of the bodies of answers. */
const SIZES: Readonly<Record<number, number>> = {
  [MeetKind.COOKIE]: CLIENT_ID_SIZE + COOKIE_SIZE,
  [MeetKind.PLACE]: PAIR_AT,
  [MeetKind.BOUND]: RELAYS_AT + 1,
  [MeetKind.REFUSED]: CLIENT_ID_SIZE + 1,
};

/** Makes an answer. None is longer than a request. */
export function encodeAnswer(answer: MeetAnswer): Uint8Array {
  const { kind } = answer;
  const body = new Uint8Array(SIZES[kind]!);
  body.set(answer.id);
  switch (answer.kind) {
    case MeetKind.COOKIE:
      body.set(answer.cookie, CLIENT_ID_SIZE);
      break;
    case MeetKind.REFUSED:
      body[CLIENT_ID_SIZE] = 1 + REFUSALS.indexOf(answer.reason);
      break;
    default:
      writeUint16(body, NUMBER_AT, answer.number);
      body.set(answer.cookie, ANSWER_COOKIE_AT);
      writeAddress(body, SEEN_AT, answer.seen);
      if (answer.kind !== MeetKind.BOUND) break;
      writeUint32(body, PAIR_AT, answer.pair);
      body[RELAYS_AT] = Number(answer.relays);
  }
  return encodeSideDatagram(SideMark.MEET, { kind, body });
}

/** Reads an answer; `undefined` if it is none. */
export function decodeAnswer(datagram: Uint8Array): MeetAnswer | undefined {
  const said = decodeSideDatagram(SideMark.MEET, datagram);
  if (said === undefined) return undefined;
  const { kind } = said;
  if (said.body.length < (SIZES[kind] ?? Infinity)) return undefined;
  const body = said.body.slice();
  const id = body.subarray(0, CLIENT_ID_SIZE);
  const cookieAt = (at: number) => body.subarray(at, at + COOKIE_SIZE);
  switch (kind) {
    case MeetKind.COOKIE:
      return { kind, id, cookie: cookieAt(CLIENT_ID_SIZE) };
    case MeetKind.REFUSED: {
      const reason = REFUSALS[body[CLIENT_ID_SIZE]! - 1];
      return reason && { kind, id, reason };
    }
    case MeetKind.PLACE:
    case MeetKind.BOUND: {
      const seen = readAddress(body, SEEN_AT);
      if (seen === undefined) return undefined;
      const number = uint16At(body, NUMBER_AT);
      const place = { id, number, cookie: cookieAt(ANSWER_COOKIE_AT), seen };
      if (kind === MeetKind.PLACE) return { kind, ...place };
      const pair = uint32At(body, PAIR_AT);
      return { kind, ...place, pair, relays: body[RELAYS_AT] === 1 };
    }
    default:
      return undefined;
  }
}
