import { assertEquals } from "@std/assert";
import { failureOfClose } from "../../lib/endpoint/close_failure.ts";

const DETAILS = { peer: "192.0.2.1:5000", timeout: 1540, sendError: undefined };

Deno.test("each reason of a close has its failure, with the peer", () => {
  const reasons = [
    ["no answer", "no-answer"],
    ["silence", "peer-silent"],
    ["stopped", "interrupted"],
    ["busy", "busy"],
    ["displaced", "displaced"],
    ["aborted", "peer-stopped"],
    ["unknown", "unknown-connection"],
    ["protocol", "peer-protocol-error"],
    ["breach", "invalid-ack"],
    ["version", "version-mismatch"],
  ] as const;
  for (const [reason, code] of reasons) {
    const { detail } = failureOfClose(reason, DETAILS);
    assertEquals(detail.code, code);
    if (code !== "interrupted") {
      assertEquals("peer" in detail && detail.peer, DETAILS.peer);
    }
  }
});

Deno.test("silence is told in tenths of a second, with what the system said about sending", () => {
  const sendError = "Network is unreachable";
  const { detail } = failureOfClose("silence", { ...DETAILS, sendError });
  const { peer } = DETAILS;
  assertEquals(detail, { code: "peer-silent", peer, seconds: 1.5, sendError });
});
