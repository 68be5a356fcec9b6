import { createHmac, timingSafeEqual } from "node:crypto";
import { uint32At, writeUint32 } from "../base/integers.ts";
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

/** Why a request is refused. */
export const MeetReason = {
  /** No receiver waits under this number. */
  UNKNOWN: 1,
  /** There are as many places, or pairs, as may be. */
  FULL: 2,
  /** The token is missing or wrong. */
  TOKEN: 3,
  /** Somebody else has this number. */
  TAKEN: 4,
  /** This source has asked too often. */
  TOO_OFTEN: 5,
} as const;

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
  request: Omit<MeetRequest, "proof">,
  token?: string,
): Uint8Array {
  const body = new Uint8Array(REQUEST_SIZE);
  const { kind, id, number, ends, cookie } = request;
  body.set(id, ID_AT);
  body[NUMBER_AT] = number >>> 8;
  body[NUMBER_AT + 1] = number;
  writeUint32(body, ENDS_AT, ends);
  body.set(cookie, REQUEST_COOKIE_AT);
  if (token !== undefined) {
    body.set(proofOf(request, token), PROOF_AT);
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
    number: body[NUMBER_AT]! << 8 | body[NUMBER_AT + 1]!,
    ends: uint32At(body, ENDS_AT),
    cookie: body.subarray(REQUEST_COOKIE_AT, REQUEST_COOKIE_AT + COOKIE_SIZE),
    proof: body.subarray(PROOF_AT, PROOF_AT + PROOF_SIZE),
  };
}

/** Whether the maker of a request knows the token. */
export function provesToken(request: MeetRequest, token: string): boolean {
  return timingSafeEqual(proofOf(request, token), request.proof);
}

// Over the cookie, which is bound to the address and soon expires: of no use elsewhere or later.
function proofOf(
  { kind, id, number, ends, cookie }: Omit<MeetRequest, "proof">,
  token: string,
): Uint8Array {
  const bound = new Uint8Array(1 + PROOF_AT);
  bound[0] = kind;
  bound.set(id, 1 + ID_AT);
  bound[1 + NUMBER_AT] = number >>> 8;
  bound[2 + NUMBER_AT] = number;
  writeUint32(bound, 1 + ENDS_AT, ends);
  bound.set(cookie, 1 + REQUEST_COOKIE_AT);
  return createHmac("sha256", token).update(bound).digest();
}

/** What the meeting point answers. */
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
    | { readonly kind: typeof MeetKind.REFUSED; readonly reason: number }
  );

/** What every good answer has. */
interface Seen {
  /** For the next request. */
  readonly cookie: Uint8Array;
  /** Where the request came from. */
  readonly seen: Address;
}

const PLACE_SIZE = CLIENT_ID_SIZE + 2 + COOKIE_SIZE + ADDRESS_SIZE;
const BOUND_SIZE = PLACE_SIZE + 5;

/** Makes an answer. None is longer than a request. */
export function encodeAnswer(answer: MeetAnswer): Uint8Array {
  const { kind } = answer;
  const body = new Uint8Array(sizeOf(kind));
  body.set(answer.id);
  let at = CLIENT_ID_SIZE;
  switch (answer.kind) {
    case MeetKind.COOKIE:
      body.set(answer.cookie, at);
      break;
    case MeetKind.REFUSED:
      body[at] = answer.reason;
      break;
    default:
      body[at] = answer.number >>> 8;
      body[at + 1] = answer.number;
      at += 2;
      body.set(answer.cookie, at);
      at += COOKIE_SIZE;
      writeAddress(body, at, answer.seen);
      if (answer.kind !== MeetKind.BOUND) break;
      at += ADDRESS_SIZE;
      writeUint32(body, at, answer.pair);
      body[at + 4] = answer.relays ? 1 : 0;
  }
  return encodeSideDatagram(SideMark.MEET, { kind, body });
}

/** Reads an answer; `undefined` if it is none. */
export function decodeAnswer(datagram: Uint8Array): MeetAnswer | undefined {
  const said = decodeSideDatagram(SideMark.MEET, datagram);
  if (said === undefined || said.body.length < sizeOf(said.kind)) {
    return undefined;
  }
  const { kind, body } = said;
  const id = body.slice(0, CLIENT_ID_SIZE);
  const rest = body.slice(CLIENT_ID_SIZE);
  switch (kind) {
    case MeetKind.COOKIE:
      return { kind, id, cookie: rest.subarray(0, COOKIE_SIZE) };
    case MeetKind.REFUSED:
      return { kind, id, reason: rest[0]! };
    case MeetKind.PLACE:
    case MeetKind.BOUND: {
      const seen = readAddress(rest, 2 + COOKIE_SIZE);
      if (seen === undefined) return undefined;
      const number = rest[0]! << 8 | rest[1]!;
      const cookie = rest.subarray(2, 2 + COOKIE_SIZE);
      if (kind === MeetKind.PLACE) return { kind, id, number, cookie, seen };
      const at = 2 + COOKIE_SIZE + ADDRESS_SIZE;
      const pair = uint32At(rest, at);
      const relays = rest[at + 4] === 1;
      return { kind, id, number, cookie, seen, pair, relays };
    }
    default:
      return undefined;
  }
}

/** Bytes of an answer's body; `Infinity` for what is no answer. */
function sizeOf(kind: number): number {
  switch (kind) {
    case MeetKind.COOKIE:
      return CLIENT_ID_SIZE + COOKIE_SIZE;
    case MeetKind.PLACE:
      return PLACE_SIZE;
    case MeetKind.BOUND:
      return BOUND_SIZE;
    case MeetKind.REFUSED:
      return CLIENT_ID_SIZE + 1;
    default:
      return Infinity;
  }
}

/** Whether two ids are the same. */
export function isSameId(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, at) => byte === other[at]);
}
