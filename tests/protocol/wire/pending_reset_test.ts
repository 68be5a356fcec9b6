import { assert, assertEquals } from "@std/assert";
import { writeReset } from "../../../lib/protocol/wire/pending_reset.ts";
import { Flag, Reset } from "../../../lib/protocol/wire/segment.ts";
import { closeReasonOfReset } from "../../../lib/protocol/connection/lifecycle.ts";
import { datagramOf, draftOf, segmentOf } from "../../support/packets.ts";

Deno.test("a reset bears the id, its packet number and a code", () => {
  const into = new Uint8Array(100);
  const segment = segmentOf({ id: 2 ** 31 + 7, flags: Flag.ACK });
  const length = writeReset(segment, 99, Reset.BUSY, into);
  const { flags, id, packetNumber, payload } = draftOf(
    into.subarray(0, length),
  );
  assertEquals({ flags, id, packetNumber }, {
    flags: Flag.RST,
    id: 2 ** 31 + 7,
    packetNumber: 99,
  });
  assertEquals([...payload], [Reset.BUSY]);
});

Deno.test("a reset is no larger than the smallest segment that it may answer", () => {
  const length = writeReset(
    segmentOf({}),
    0,
    Reset.UNKNOWN,
    new Uint8Array(100),
  );
  const oneByte = datagramOf({ payload: Uint8Array.of(1) });
  assert(length <= oneByte.length);
  assert(length <= datagramOf({ flags: Flag.ACK }).length);
});

Deno.test("a code that nobody knows means that the peer speaks otherwise", () => {
  assertEquals(closeReasonOfReset(200), "protocol");
  assertEquals(closeReasonOfReset(Reset.PROTOCOL), "protocol");
});

Deno.test("each code has its close reason", () => {
  const endings = Object.entries(Reset).map(([name, code]) =>
    `${name}: ${closeReasonOfReset(code)}`
  );
  assertEquals(endings, [
    "DONE: unknown",
    "BUSY: busy",
    "ABORTED: aborted",
    "UNKNOWN: unknown",
    "PROTOCOL: protocol",
    "VERSION: version",
    "TIMEOUT: silence",
  ]);
});
