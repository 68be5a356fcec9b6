import { type Address, isSameAddress } from "../protocol/connection/address.ts";
import type { DatagramProtocol } from "../protocol/demux/datagram_protocol.ts";
import {
  decodeAnswer,
  encodeRequest,
  type MeetAnswer,
  MeetKind,
  type MeetRefusal,
  NO_COOKIE,
} from "./messages.ts";

/** Milliseconds between renewals of a place. */
const RENEWAL_INTERVAL = 15_000;
/** Milliseconds until a request is repeated at first, and at most. */
const FIRST_RETRY = 300;
const MAX_RETRY = 5000;
const RETRY_GROWTH = 1.6;
/** Milliseconds until a sender asks again for a number that nobody has, at first, and at most. */
const FIRST_REJOIN = 1000;
const MAX_REJOIN = 4000;
/** Milliseconds until somebody who was refused for another reason asks again. */
const REFUSED_RETRY = 5000;
/** Requests without an answer after which the meeting point counts as silent: 0.8 s. */
const SILENT_AFTER = 3;
/** Cookies in a row that are returned at once. */
const MAX_COOKIES = 4;

/** What a client of a meeting point hears. */
export type MeetEvent =
  /** The receiver has a place; also after it had lost it. */
  | {
    readonly type: "place";
    readonly number: number;
    /** Where this side is seen. */
    readonly seen: Address;
  }
  /** There is a sender, or a receiver, to talk with. */
  | {
    readonly type: "bound";
    /** The receiver's, which it may learn from this if PLACE was lost. */
    readonly number: number;
    readonly seen: Address;
    /** Whether content is relayed. */
    readonly relays: boolean;
  }
  /** Refused; it is asked for again, unless for want of a token. */
  | { readonly type: "refused"; readonly reason: MeetRefusal }
  /** The address is validated: what follows a request at once comes behind it. */
  | { readonly type: "validated" }
  | { readonly type: "silent" };

/** Settings of a {@linkcode MeetClient}. */
export interface MeetClientOptions<Peer extends Address> {
  readonly role: "sender" | "receiver";
  /** The meeting point. */
  readonly meet: Peer;
  /** The wanted number; 0 for any. */
  readonly number: number;
  readonly token?: string | undefined;
  /** 8 unpredictable bytes. */
  readonly id: Uint8Array;
  readonly on: (event: MeetEvent) => void;
}

/** One side at a meeting point, as a pure state machine. `README.md` has its states. */
export class MeetClient<Peer extends Address>
  implements DatagramProtocol<Peer> {
  readonly #options: MeetClientOptions<Peer>;
  #state: "asking" | "waiting" | "bound" | "ended" = "asking";
  #number: number;
  #cookie: Uint8Array = NO_COOKIE;
  #pair = 0;
  /** The pair that this side has given up. */
  #ended = 0;
  #nextAt = -Infinity;
  /** Requests since the last answer. */
  #unanswered = 0;
  #cookies = 0;
  #refusals = 0;
  #leaves = 0;

  constructor(options: MeetClientOptions<Peer>) {
    this.#options = options;
    this.#number = options.number;
  }

  /** Where the meeting point is. */
  get meet(): Peer {
    return this.#options.meet;
  }

  receive(now: number, datagram: Uint8Array, from: Peer): boolean {
    const answer = decodeAnswer(datagram);
    if (answer === undefined) return false;
    const { meet, id } = this.#options;
    const isOurs = isSameAddress(from, meet) &&
      id.every((byte, at) => byte === answer.id[at]);
    if (!isOurs || this.#state === "ended") return true;
    this.#unanswered = 0;
    this.#take(now, answer);
    return true;
  }

  #take(now: number, answer: MeetAnswer): void {
    const { role, on } = this.#options;
    if (answer.kind === MeetKind.COOKIE) {
      const isFirst = this.#cookie === NO_COOKIE;
      this.#cookie = answer.cookie;
      if (++this.#cookies > MAX_COOKIES) return;
      this.#nextAt = now;
      if (isFirst) on({ type: "validated" });
      return;
    }
    this.#cookies = 0;
    switch (answer.kind) {
      case MeetKind.REFUSED:
        return this.#onRefused(now, answer.reason);
      case MeetKind.PLACE: {
        if (role !== "receiver") return;
        const { number, cookie, seen } = answer;
        const isNews = this.#state !== "waiting" || number !== this.#number;
        this.#cookie = cookie;
        this.#state = "waiting";
        this.#number = number;
        this.#pair = 0;
        this.#refusals = 0;
        this.#nextAt = now + RENEWAL_INTERVAL;
        if (isNews) on({ type: "place", number, seen });
        return;
      }
      case MeetKind.BOUND: {
        const { number, pair, cookie, relays, seen } = answer;
        this.#cookie = cookie;
        // Told before this side gave it up
        if (pair === this.#ended) return;
        const isNews = this.#state !== "bound" || pair !== this.#pair;
        this.#state = "bound";
        this.#number = number;
        this.#pair = pair;
        this.#nextAt = now + RENEWAL_INTERVAL;
        if (isNews) on({ type: "bound", number, seen, relays });
      }
    }
  }

  #onRefused(now: number, reason: MeetRefusal): void {
    if (this.#state === "bound" && this.#options.role === "sender") {
      // It has forgotten the pair, which may have a direct path by now
      this.#nextAt = Infinity;
      return;
    }
    if (reason === "token") {
      this.#state = "ended";
      this.#nextAt = Infinity;
    } else if (reason === "unknown") {
      this.#nextAt = now +
        Math.min(MAX_REJOIN, FIRST_REJOIN * 2 ** this.#refusals);
    } else this.#nextAt = now + REFUSED_RETRY;
    this.#refusals++;
    this.#options.on({ type: "refused", reason });
  }

  /** The sender with whom the receiver was brought together was none: it waits for the next one. */
  reopen(now: number): void {
    if (this.#state !== "bound" || this.#options.role !== "receiver") return;
    this.#state = "asking";
    this.#ended = this.#pair;
    this.#nextAt = now;
  }

  /** The place is needed no more; a pair stays, unless it is to end as well. */
  leave(endPair: boolean): void {
    this.#state = "ended";
    this.#ended = endPair ? this.#pair : 0;
    this.#leaves = this.#cookie === NO_COOKIE ? 0 : 1;
    this.#nextAt = this.#leaves > 0 ? -Infinity : Infinity;
  }

  poll(now: number): { bytes: Uint8Array; to: Peer } | undefined {
    if (this.#nextAt > now) return undefined;
    if (this.#state === "ended") {
      this.#nextAt = Infinity;
      return this.#leaves-- > 0 ? this.#request(MeetKind.LEAVE) : undefined;
    }
    const wait = Math.min(
      MAX_RETRY,
      FIRST_RETRY * RETRY_GROWTH ** this.#unanswered,
    );
    this.#nextAt = now + wait;
    if (++this.#unanswered === SILENT_AFTER && this.#state !== "bound") {
      this.#options.on({ type: "silent" });
    }
    const isSender = this.#options.role === "sender";
    return this.#request(isSender ? MeetKind.JOIN : MeetKind.REGISTER);
  }

  #request(kind: number): { bytes: Uint8Array; to: Peer } {
    const { id, meet, token } = this.#options;
    const isRenewal = kind === MeetKind.JOIN && this.#state === "bound";
    const number = isRenewal ? 0 : this.#number;
    const ends = this.#ended;
    const cookie = this.#cookie;
    const request = { kind, id, number, ends, cookie };
    return { bytes: encodeRequest(request, token), to: meet };
  }

  get deadline(): number {
    return this.#nextAt;
  }
}
