import { resolve } from "node:path";
import { assertEquals } from "@std/assert";
import { headline, summaryLines } from "../../../lib/cli/reporting/summary.ts";
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
const REST = "60.0 MB in 5.00 s, 12.0 MB/s";

function lines(changes: Partial<Summary>, verbose = false): string[] {
  return summaryLines({ ...SENT, ...changes }, { verbose });
}

Deno.test("a sender tells what it sent, how fast, what was resent, and the digest as sha256sum prints it", () => {
  assertEquals(lines({}), [
    `Sent photo.raw, ${REST}, 2.0% resent`,
    "Stored there and verified by SHA-256:",
    "  51f6  photo.raw",
  ]);
  assertEquals(lines({ retransmissions: 1 })[0], `Sent photo.raw, ${REST}`);
  assertEquals(lines({ name: undefined }).at(-1), "  51f6  -");
});

Deno.test("a receiver tells where it is now", () => {
  assertEquals(lines({ side: "receive", name: "dir/photo.raw" }), [
    `Received dir/photo.raw, ${REST}`,
    `Saved as ${resolve("dir/photo.raw")} and verified by SHA-256:`,
    "  51f6  photo.raw",
  ]);
  assertEquals(
    lines({ side: "receive", name: undefined })[1],
    "Written to standard output and verified by SHA-256:",
  );
});

Deno.test("of a tree, whose digest nobody can compute otherwise, it is shown only on demand", () => {
  const tree = { side: "receive", name: "dir", files: 4 } as const;
  const saved = `Saved in ${resolve("dir")}, every file verified by SHA-256`;
  assertEquals(lines(tree), [`Received dir, 4 files, ${REST}`, saved]);
  assertEquals(lines(tree, true).at(-1), "  51f6  (digest of the transfer)");
});

Deno.test("what was saved is named, but for several things in the current directory", () => {
  const received = (name: string | undefined, files?: number) =>
    headline({ ...SENT, side: "receive", name, ...files && { files } });
  assertEquals(received("dir", 4), `Received dir, 4 files, ${REST}`);
  assertEquals(received(".", 4), `Received 4 files, ${REST}`);
  assertEquals(received(undefined), `Received ${REST}`);
  assertEquals(
    headline({ ...SENT, kept: 15_000_000, retransmissions: 0 }),
    "Sent photo.raw, 60.0 MB (15.0 MB already there) in 5.00 s, 9.0 MB/s",
  );
});
