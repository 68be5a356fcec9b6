import type {
  FailureDetail,
  OfferRequest,
  ReceiverRequest,
  SessionEvent,
  TraceEvent,
} from "../../mod.ts";
import { Flag } from "../../protocol/wire/segment.ts";
import type { HostEvent } from "../../session/meeting/host.ts";
import type { Explanation } from "./bottleneck.ts";

/** What a person is asked. */
export type Question =
  /** Whether what a sender offers is taken. */
  | { readonly about: "offer"; readonly request: OfferRequest }
  /** Whether content is sent to a receiver. */
  | { readonly about: "receiver"; readonly request: ReceiverRequest };

/** What is said of whatever was thrown, and how the process ends. */
export interface ErrorReport {
  readonly detail: FailureDetail | { readonly code: "usage" };
  /** One line for a person. */
  readonly message: string;
  readonly status: number;
}

/** What happens in the command line itself, by the type of the event. */
interface CliEventData {
  "question": Question;
  /** The answer; `accepted` is undefined where the question was withdrawn. */
  "answer": Question & { readonly accepted: boolean | undefined };
  "start": { readonly version: string; readonly command: string };
  /** A receiver has waited for a while, and no datagram of a sender has come. */
  "nothing-arrived": { readonly port: number; readonly seconds: number };
  "typing": Record<never, never>;
  /** Standard output goes nowhere. */
  "output-discarded": Record<never, never>;
  "report-not-written": { readonly path: string };
  /** Why the transfer was as fast as it was. */
  "explanation": Explanation;
  "trace": { readonly datagram: TraceEvent };
  /** It has all failed. */
  "error": ErrorReport;
}

type OwnEvent = {
  [T in keyof CliEventData]: { readonly type: T } & CliEventData[T];
}[keyof CliEventData];

/** What is reported: what happens in the session, at `ferry meet`, and in the command line itself. */
export type CliEvent = (SessionEvent | HostEvent | OwnEvent) & {
  /** Where there may be several transfers at once: the peer of the one that this is about. */
  readonly transfer?: string | undefined;
};

export type EventOf<T extends CliEvent["type"]> = Extract<
  CliEvent,
  { type: T }
>;

/** Reports events on standard error. */
export interface Reporter {
  /** Milliseconds between progress events; `Infinity` where none are shown. */
  readonly progressInterval: number;
  on(event: CliEvent): void;
  /**
   * Writes what is held back.
   *
   * @param options.interrupted whether a Ctrl-C was how it ends in order
   */
  close(options?: { interrupted?: boolean }): void;
}

/** In the order in which they are named, as in `ACK SYN` and `ACK FIN`. */
const FLAGS = ["ACK", "SYN", "FIN", "RST", "PSH", "BLOCKED"] as const;

/**
 * A datagram's line of `--trace`, without a line end: `SEND 43 0 4 ACK`, with
 * `DUP` after a retransmission and the reason after a drop, then what else there
 * is to know of it, each with its name.
 */
export function traceLine(event: TraceEvent): string {
  const words: (string | number)[] = [
    event.what,
    event.seq,
    event.ack,
    event.connection,
  ];
  for (const name of FLAGS) if (event.flags & Flag[name]) words.push(name);
  if (event.path !== undefined) words.push(event.path);
  if (event.duplicate) words.push("DUP");
  if (event.what === "DROP" && event.reason !== undefined) {
    words.push(event.reason);
  }
  words.push(`t=${event.time.toFixed(3)}`, `pkt=${event.packet}`);
  words.push(`size=${event.size}`, `len=${event.length}`);
  if (event.window !== undefined) words.push(`win=${event.window}`);
  if (event.sackBlocks.length > 0) {
    const blocks = event.sackBlocks.map(([from, to]) => `${from}-${to - 1}`);
    words.push(`sack=${blocks.join(",")}`);
  }
  if (event.reset !== undefined) words.push(`reset=${event.reset}`);
  return words.join(" ");
}
