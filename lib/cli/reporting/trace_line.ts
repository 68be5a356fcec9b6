import { Flag } from "../../protocol/wire/segment.ts";
import type { TraceEvent } from "../../protocol/connection/trace.ts";

/** In the order in which they are named, as in `ACK SYN` and `ACK FIN`. */
const FLAGS = ["ACK", "SYN", "FIN", "RST", "PSH", "BLOCKED", "COOKIE"] as const;

/**
 * A datagram's line of `--trace`, without a line end: `SEND 43 0 4 ACK`,
 * with `DUP` at the end of a retransmission and the reason at the end of a drop.
 */
export function traceLine(event: TraceEvent): string {
  const words: (string | number)[] = [
    event.what,
    event.seq,
    event.ack,
    event.connection,
  ];
  for (const name of FLAGS) if (event.flags & Flag[name]) words.push(name);
  if (event.duplicate) words.push("DUP");
  if (event.what === "DROP" && event.reason !== undefined) {
    words.push(event.reason);
  }
  return words.join(" ");
}
