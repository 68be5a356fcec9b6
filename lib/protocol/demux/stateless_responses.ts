import type { Address } from "../connection/address.ts";
import { writeChecksum } from "../wire/datagram_prefix.ts";
import { writeReset } from "../wire/pending_reset.ts";
import {
  encodeHeader,
  Flag,
  MAX_HEADER_SIZE,
  PathKind,
  pathPartSize,
  Segment,
} from "../wire/segment.ts";
import { type AddressValidation, COOKIE_SIZE } from "./address_validation.ts";
import type { Transmit } from "./datagram_protocol.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Responses that wait to be sent; further ones are not made. */
const MAX_PENDING = 64;
/** Bytes of the largest one. */
const MAX_RESPONSE_SIZE = MAX_HEADER_SIZE +
  pathPartSize(PathKind.COOKIE, COOKIE_SIZE);
/** Resets a second, so that a flood does not keep the server busy with answers. */
const RESETS = { rate: 1000, burst: 64 };

/** A datagram that belongs to no connection. */
export interface Unrouted<Peer> {
  readonly datagram: Uint8Array;
  readonly from: Peer;
  /** What it says; the id at least is valid. */
  readonly segment: Segment;
}

/**
 * The answers to datagrams that belong to no connection: none is larger than
 * what it answers, and nothing is kept of it once it is sent.
 */
export class StatelessResponses<Peer extends Address> {
  readonly #validation: AddressValidation;
  readonly #resets = new TokenBucket(RESETS);
  readonly #pending: Transmit<Peer>[] = [];
  readonly #segment = new Segment();

  constructor(validation: AddressValidation) {
    this.#validation = validation;
  }

  /** Whether any waits to be sent. */
  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Takes the next one to be sent. */
  next(): Transmit<Peer> | undefined {
    return this.#pending.shift();
  }

  /** Answers with a RST of this code. */
  reset(now: number, code: number, to: Unrouted<Peer>): void {
    if (!this.#resets.take(now)) return;
    this.#answer(to, (segment, into) => writeReset(segment, 0, code, into));
  }

  /** Asks the sender of a SYN to repeat it with a cookie. */
  requestCookie(now: number, syn: Unrouted<Peer>): void {
    this.#answer(syn, (segment, into) => {
      const { id } = segment;
      segment.flags = Flag.PATH;
      segment.pathKind = PathKind.COOKIE;
      segment.cookie = this.#validation.issue(now, { from: syn.from, id });
      const size = encodeHeader(segment, into);
      writeChecksum(into, size);
      return size;
    });
  }

  #answer(
    { segment: { id }, datagram, from }: Unrouted<Peer>,
    write: (segment: Segment, into: Uint8Array) => number,
  ): void {
    if (this.#pending.length >= MAX_PENDING) return;
    const into = new Uint8Array(MAX_RESPONSE_SIZE);
    const segment = this.#segment;
    segment.id = id;
    segment.packetNumber = 0;
    segment.seq = 0;
    const size = write(segment, into);
    if (size > datagram.length) return;
    this.#pending.push({ bytes: into.subarray(0, size), to: from });
  }
}
