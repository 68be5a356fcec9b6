import { assertEquals } from "@std/assert";
import { headline, summaryLine } from "../../../lib/cli/reporting/summary.ts";
import type { Summary } from "../../../lib/session/events.ts";

const SENT: Summary = {
  side: "send",
  name: "photo.raw",
  bytes: 60_000_000,
  sha256: "51f6",
  time: 5000,
  datagramsSent: 40_000,
  retransmissions: 800,
  duplicates: 0,
};

Deno.test("a summary says what the network cost, and a share only where there is one to speak of", () => {
  const resent = (retransmissions: number) =>
    summaryLine({ ...SENT, retransmissions }).split(", ")[3];
  assertEquals(
    summaryLine(SENT),
    "Sent photo.raw, 60.0 MB in 5.00 s, 12.0 MB/s, 800 datagrams resent (2.0%), SHA-256 51f6",
  );
  assertEquals(resent(0), "0 datagrams resent");
  assertEquals(resent(1), "1 datagram resent");
});

Deno.test("what was saved is named, but for several things in the current directory", () => {
  const received = (name: string | undefined, files?: number) =>
    headline({ ...SENT, side: "receive", name, ...files && { files } });
  const rest = "60.0 MB in 5.00 s, 12.0 MB/s";
  assertEquals(received("dir", 4), `Received dir, 4 files, ${rest}`);
  assertEquals(received(".", 4), `Received 4 files, ${rest}`);
  assertEquals(received(undefined), `Received ${rest}`);
});
