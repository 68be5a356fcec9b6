import { assertEquals } from "@std/assert";
import { traceLine } from "../../../lib/cli/reporting/trace_line.ts";

const EVENT = {
  what: "SEND",
  time: 1,
  seq: 43,
  ack: 0,
  connection: "0123456789abcdef",
  flags: 4,
  length: 512,
  duplicate: false,
} as const;

Deno.test("a datagram has a line in the form of the seed", () => {
  assertEquals(traceLine(EVENT), "SEND 43 0 0123456789abcdef ACK");
  assertEquals(
    traceLine({ ...EVENT, what: "RECV", seq: 0, ack: 1, flags: 6 }),
    "RECV 0 1 0123456789abcdef ACK SYN",
  );
  assertEquals(
    traceLine({ ...EVENT, flags: 5, duplicate: true }),
    "SEND 43 0 0123456789abcdef ACK FIN DUP",
  );
});

Deno.test("a dropped datagram has the reason at the end", () => {
  assertEquals(
    traceLine({ ...EVENT, what: "DROP", flags: 0, reason: "damaged" }),
    "DROP 43 0 0123456789abcdef damaged",
  );
});
