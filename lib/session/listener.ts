import type { Failure } from "../base/failure.ts";
import type { Digest, Offer } from "../transfer/wire/messages.ts";

/** Where a receiver can be reached. */
export interface Listening {
  /** The UDP port. */
  readonly port: number;
  /** Addresses of this machine; empty where they are not known. */
  readonly addresses: readonly string[];
  /** A code that was made up, and that nobody knows yet. */
  readonly newCode?: string;
}

/** What both sides have agreed on. */
export interface Agreement {
  /** Not encrypted, encrypted, or let in by a code, too. */
  readonly mode: "plain" | "encrypted" | "code";
  /** Words for two people to compare, where only that shows that nobody is in the middle. */
  readonly words: readonly string[] | undefined;
  /** Whether the person at this side is asked whether to go on. */
  readonly asks: boolean;
}

/** How far a transfer has come. */
export interface Progress {
  /** Bytes of the content so far. */
  readonly bytes: number;
  /** Bytes of the content in all, where that is known. */
  readonly size: number | undefined;
  /** The file whose turn it is, of a tree. */
  readonly entry?: string;
  /** Bytes per millisecond, of late. */
  readonly rate: number;
  /** Milliseconds since it began. */
  readonly time: number;
  /** Round-trip time in milliseconds, once it was measured. */
  readonly rtt: number | undefined;
  /** Share of the datagrams sent that carried bytes again, 0 to 1. */
  readonly resent: number;
}

/** What is said of a transfer that succeeded. */
export interface Summary extends Digest {
  /** Which side this is. */
  readonly side: "send" | "receive";
  /** What was sent or stored: a file's name or path; undefined for a stream. */
  readonly name: string | undefined;
  /** Milliseconds from the handshake to the end. */
  readonly time: number;
  /** Bytes that were at the receiver before, and were not sent. */
  readonly kept?: number;
  /** Of all kinds, by this side. */
  readonly datagramsSent: number;
  /** Datagrams that were sent with bytes which an earlier one had carried. */
  readonly retransmissions: number;
  /** Datagrams that arrived and brought nothing new. */
  readonly duplicates: number;
}

/** Hears of what happens in the course of a transfer, as it happens. */
export interface Listener {
  /**
   * Milliseconds between calls of `progress`; undefined: it is not wanted.
   *
   * @default {500, where there is a `progress`}
   */
  readonly progressInterval: number | undefined;
  /** A receiver waits for senders. */
  listening(where: Listening): void;
  /** `address` has not answered a sender for a while. */
  waiting(address: string): void;
  /** A person at the receiver has not accepted the offer yet. */
  asking(peer: string): void;
  /** The handshake with `peer` is complete. */
  connected(peer: string): void;
  /** Both sides have agreed on how to talk. */
  agreed(agreement: Agreement): void;
  /** The peer offers something, which goes to `target`: a path, or undefined for a stream. */
  offered(offer: Offer, target: string | undefined): void;
  /** It has come so far. */
  progress(progress: Progress): void;
  /** Something that a person should know and that ends nothing: one line. */
  notice(text: string): void;
  /** It is complete. */
  done(summary: Summary): void;
}

/** Hears of all that comes to a receiver that takes one transfer after another. */
export interface KeepListener extends Pick<Listener, "listening" | "notice"> {
  /** Somebody was let in. @returns who hears of that transfer */
  transfer(peer: string): Partial<Listener> & {
    /** It was not completed. */
    failed?(failure: Failure): void;
  };
}

const INTERVAL = 500;

/** A listener to everything, of one that hears of some of it. */
export function listenerOf(on: Partial<Listener> = {}): Listener {
  return {
    progressInterval: "progressInterval" in on
      ? on.progressInterval
      : on.progress && INTERVAL,
    listening: (where) => on.listening?.(where),
    waiting: (address) => on.waiting?.(address),
    asking: (peer) => on.asking?.(peer),
    connected: (peer) => on.connected?.(peer),
    agreed: (agreement) => on.agreed?.(agreement),
    offered: (offer, target) => on.offered?.(offer, target),
    progress: (progress) => on.progress?.(progress),
    notice: (text) => on.notice?.(text),
    done: (summary) => on.done?.(summary),
  };
}
