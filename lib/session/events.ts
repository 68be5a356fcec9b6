import type { Failure, FailureDetail } from "../base/failure.ts";
import type { PathInUse } from "../protocol/connection/direct_paths.ts";
import type { Mapped, Unmapped } from "../mapping/outcome.ts";
import type { Omission } from "../transfer/source.ts";
import type { Digest, Offer } from "../transfer/wire/messages.ts";
import type { MeetingPoint } from "./meeting/meeting_point.ts";

/** Where a receiver can be reached. */
export interface Listening {
  /** The UDP port. */
  readonly port: number;
  /** Addresses of this machine; empty where they are not known. */
  readonly addresses: readonly string[];
  /** A code that was made up, and that nobody knows yet. */
  readonly newCode?: string | undefined;
  /** Whether senders need a code. */
  readonly wantsCode?: boolean | undefined;
  /** Where it is met. */
  readonly meet?: MeetingPoint | undefined;
}

/** What both sides have agreed on. */
export interface Agreement {
  /** Not encrypted, encrypted, or let in by a code, too. */
  readonly mode: "plain" | "encrypted" | "code";
  /** Words for two people to compare, where only that shows that nobody is in the middle. */
  readonly words: readonly string[] | undefined;
  /** Whether the person at this side is asked whether to go on. */
  readonly asks: boolean;
  /** What seals and opens records at this side, unless nothing is encrypted. */
  readonly cipher: "OpenSSL" | "WebCrypto" | undefined;
}

/** How far a transfer has come. */
export interface Progress {
  /** Bytes of the content so far. */
  readonly bytes: number;
  /** Bytes of the content in all, where that is known. */
  readonly size: number | undefined;
  /** The file whose turn it is, of a tree. */
  readonly entry?: string | undefined;
  /** Files of a tree that are complete. */
  readonly files?: number | undefined;
  /** How many files a tree has, where that is known. */
  readonly totalFiles?: number | undefined;
  /** Bytes per second, of late. */
  readonly rate: number;
  /** Milliseconds since it began. */
  readonly time: number;
  /** At a sender, which measures it: round-trip time in milliseconds. */
  readonly rtt: number | undefined;
  /** At a sender: share of the datagrams sent that carried bytes again, 0 to 1. */
  readonly resent?: number | undefined;
  /** Milliseconds for which nothing has come from the peer, where that is unusually long. */
  readonly silence?: number | undefined;
  /** With `silence`: at how many milliseconds the connection is given up. */
  readonly timeout?: number | undefined;
  /** How the peer is reached, where a meeting point has brought it here. */
  readonly path?: PathInUse | undefined;
}

/** What is known of a transfer that succeeded. */
export interface Summary extends Omit<Digest, "files"> {
  /** How many files of a tree. */
  readonly files?: number | undefined;
  /** Which side this is. */
  readonly side: "send" | "receive";
  /** What was sent or stored: a file's name or path; undefined for a stream. */
  readonly name: string | undefined;
  /** Milliseconds from the handshake to the end. */
  readonly time: number;
  /** Bytes that were at the receiver before, and were not sent. */
  readonly kept?: number;
  /** Entries of a tree that a sender left out as unwanted, each with all that is in it. */
  readonly excluded?: number | undefined;
  /** Datagrams this side has sent since the handshake, of every kind. */
  readonly datagramsSent: number;
  /** Datagrams that were sent with bytes which an earlier one had carried. */
  readonly retransmissions: number;
  /** Datagrams that arrived and brought nothing new. */
  readonly duplicates: number;
  /** How the peer was reached in the end, where a meeting point has brought it here. */
  readonly path?: PathInUse | undefined;
}

/** What happens in the course of sending or receiving, by the type of the event. */
export interface EventData {
  /** A receiver waits for senders. */
  "listening": Listening;
  /** Whom a receiver without a code lets in: what they may send. */
  "admits": {
    readonly port: number;
    /**
     * Everything; everything that somebody at this side accepts; or, as nobody
     * can be asked, only what has no name of the sender's choice.
     */
    readonly what: "all" | "offers" | "unnamed";
  };
  /** The gateway leads a port of its own to the receiver's. */
  "mapped": Mapped & {
    /** A code that was made up, and that nobody knows yet. */
    readonly newCode?: string | undefined;
    /** Whether only who knows a code is let in. */
    readonly wantsCode: boolean;
  };
  /** No gateway does that, or it does no longer. */
  "not-mapped": Unmapped;
  /** No receiver with this number has answered for a while; 0 stands for a code without one. */
  "searching": { readonly number: number };
  /** A receiver at `address` says that it has the number, and is tried. */
  "found": { readonly address: string };
  /** The receiver at `address` is not the wanted one, and others are tried. */
  "passed-over": {
    readonly address: string;
    readonly failure: FailureDetail;
  };
  /** The receiver at `address` has not answered for a while. */
  "waiting": {
    readonly address: string;
    /** Whether its system says that nothing listens at the port. */
    readonly refused: boolean;
    /** Seconds after which it is given up; `undefined`: never. */
    readonly seconds: number | undefined;
  };
  /** Content is sent to `peer`. */
  "sending": { readonly peer: string; readonly offer: Offer };
  /** The meeting point does not help yet; it is asked again. */
  "meet-waiting": {
    readonly meet: string;
    /** It does not answer; nobody waits under the number; it has no room; somebody else has the number; it was asked too often. */
    readonly reason: "silent" | "unknown" | "full" | "taken" | "too-often";
  };
  /** The peer, whom a meeting point has brought here, is reached in another way, at `peer`. */
  "path": PathInUse & { readonly peer: string };
  /** A person at the receiver has not accepted the offer yet. */
  "asking": { readonly address: string };
  /** The handshake with `peer` is complete. */
  "connected": { readonly peer: string };
  /** Both sides have agreed on how to talk. */
  "agreed": Agreement;
  /** A sender was not let in. */
  "not-admitted": {
    readonly peer: string;
    readonly failure: FailureDetail;
    /** Where it tried a wrong code: after how many of them nobody is let in. */
    readonly maxTries?: number | undefined;
  };
  /** Somebody agreed on session words and left, for the `count`th time. */
  "words-tried": { readonly peer: string; readonly count: number };
  /** A sender was declined, or has left, and the next one is waited for. */
  "still-waiting": {
    readonly peer: string;
    readonly failure?: FailureDetail | undefined;
  };
  /** The key by which a receiver knows this user again is not used: others may have it. */
  "key-unusable": { readonly path: string };
  /** The sender offers something, which goes to `target`: a path, or undefined for a stream. */
  "offer": { readonly offer: Offer; readonly target: string | undefined };
  /** Content from an earlier attempt is not sent again. */
  "resumed": { readonly bytes: number; readonly path?: string | undefined };
  /** What arrived before is not the beginning of what is sent, all of which is sent. */
  "restarted": { readonly path?: string | undefined };
  /** An entry of a tree is not sent. */
  "omitted": Omission;
  /** The sender left out entries that it could not read. */
  "incomplete": { readonly omitted: number };
  /** It has come so far. */
  "progress": Progress;
  /** Everything is stored, but the sender may not know. */
  "unconfirmed": Record<never, never>;
  /** It is complete. */
  "done": Summary;
  /** One transfer of several has failed. */
  "failed": { readonly failure: Failure };
}

/** The type of an event. */
export type EventType = keyof EventData;

/** What happens in the course of sending or receiving. */
export type SessionEvent<T extends EventType = EventType> =
  & { [K in T]: { readonly type: K } & EventData[K] }[T]
  & {
    /** Where there may be several transfers at once: the peer of the one that this is about. */
    readonly transfer?: string;
  };

/** Is called for each event. */
export type OnEvent = (event: SessionEvent) => void;
