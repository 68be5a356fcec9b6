import type { Offer } from "../transfer/messages.ts";
import type { Verdict } from "./exit_status.ts";
import type { Explanation } from "./explanation.ts";
import type { Progress } from "./progress_line.ts";
import type { Summary } from "./summary.ts";

/** Where a receiver can be reached. */
export interface Listening {
  readonly port: number;
  /** Addresses of this machine; empty where they are not known. */
  readonly addresses: readonly string[];
  /** A code that was made up, and that nobody knows yet. */
  readonly newCode?: string;
}

/** What both sides have agreed on. */
export interface Agreement {
  readonly mode: "plain" | "encrypted" | "code";
  /** Words for two people to compare, where only that shows that nobody is in the middle. */
  readonly words: readonly string[] | undefined;
}

/** What happens in the course of a command, told as it happens. */
export interface Reporter {
  /** Milliseconds between calls of `progress`; undefined: it is not wanted. */
  readonly progressInterval: number | undefined;
  listening(where: Listening): void;
  /** `address` has not answered for a while. */
  waiting(address: string): void;
  /** The handshake with `peer` is complete. */
  connected(peer: string): void;
  /** Both sides have agreed on how to talk. */
  agreed(agreement: Agreement): void;
  /** The peer offers something, which goes to `target`: a path, or undefined for standard output. */
  offered(offer: Offer, target: string | undefined): void;
  progress(progress: Progress): void;
  /** Something that a person should know and that ends nothing: one line. */
  notice(text: string): void;
  trace(line: string): void;
  done(summary: Summary): void;
  /** Why it was as fast as it was. */
  explained(explanation: Explanation): void;
  failed(verdict: Verdict): void;
  /** Nothing follows: what is held back is written. */
  close(): void;
}
