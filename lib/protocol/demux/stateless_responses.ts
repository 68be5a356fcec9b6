import {
  type Address,
  COOKIE_SIZE,
  type CookieJar,
} from "./address_validation.ts";
import { writeReset } from "../wire/pending_reset.ts";
import {
  encodeHeader,
  Flag,
  Segment,
  SEGMENT_HEADER_SIZE,
  SYN_PART_SIZE,
  writeChecksum,
} from "../wire/segment.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Answers that wait to be sent; more are not worth their memory. */
const MAX_REPLIES = 64;
/** Resets said to strangers, so that a flood cannot keep the host busy with saying that it is. */
const RESETS_PER_SECOND = 1000;
const RESET_BURST = 64;

/** An answer, and where it goes. */
export interface Reply<Peer> {
  readonly datagram: Uint8Array;
  readonly to: Peer;
}

/**
 * What a host says of its own accord to datagrams of no connection: not much,
 * never more than it was told, and nothing of it is kept once it is sent.
 */
export class Replies<Peer extends Address> {
  readonly #cookies: CookieJar;
  readonly #resets = new TokenBucket(RESETS_PER_SECOND / 1000, RESET_BURST);
  readonly #waiting: Reply<Peer>[] = [];
  readonly #segment = new Segment();

  constructor(cookies: CookieJar) {
    this.#cookies = cookies;
  }

  /** Whether any waits to be sent. */
  get some(): boolean {
    return this.#waiting.length > 0;
  }

  /** Takes the next one to be sent. */
  next(): Reply<Peer> | undefined {
    return this.#waiting.shift();
  }

  /** Says RST with this code to `datagram`, which is `segment`. */
  reset(
    now: number,
    code: number,
    segment: Segment,
    datagram: Uint8Array,
    to: Peer,
  ): void {
    if (!this.#resets.take(now)) return;
    this.#answer(
      segment,
      datagram,
      to,
      SEGMENT_HEADER_SIZE + 1,
      (reply, into) => {
        writeReset(reply, 0, code, into);
      },
    );
  }

  /** Asks the sender of `datagram`, which is the SYN `segment`, to come again with a cookie. */
  cookie(now: number, segment: Segment, datagram: Uint8Array, to: Peer): void {
    const size = SEGMENT_HEADER_SIZE + SYN_PART_SIZE + COOKIE_SIZE;
    this.#answer(segment, datagram, to, size, (reply, into) => {
      reply.flags = Flag.COOKIE;
      reply.payloadLength = 0;
      const { idHigh, idLow } = segment;
      reply.cookie = this.#cookies.issue(now, to, idHigh, idLow);
      encodeHeader(reply, into);
      writeChecksum(into, into.length);
    });
  }

  // An answer to a stranger is never larger than what it answers.
  #answer(
    { idHigh, idLow }: Segment,
    datagram: Uint8Array,
    to: Peer,
    size: number,
    write: (reply: Segment, into: Uint8Array) => void,
  ): void {
    if (size > datagram.length || this.#waiting.length >= MAX_REPLIES) return;
    const into = new Uint8Array(size);
    const reply = this.#segment;
    reply.idHigh = idHigh;
    reply.idLow = idLow;
    write(reply, into);
    this.#waiting.push({ datagram: into, to });
  }
}
