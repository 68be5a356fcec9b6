import { assertEquals } from "@std/assert";
import type { Channel } from "../../lib/endpoint/channel.ts";
import type { SessionEvent } from "../../lib/session/events.ts";
import { ProgressTracker, RateMeter } from "../../lib/session/progress.ts";

Deno.test("a rate is that of the last three seconds", () => {
  const meter = new RateMeter();
  assertEquals(meter.sample(0, 0), 0);
  assertEquals(meter.sample(1000, 1000), 1000);
  assertEquals(meter.sample(2000, 2000), 1000);
  assertEquals(meter.sample(3000, 2000), 2000 / 3);
  assertEquals(meter.sample(4000, 2000), 1000 / 3);
  assertEquals(meter.sample(5000, 2000), 0);
  assertEquals(meter.sample(6000, 2000), 0);
});

Deno.test("progress tells of the file whose turn it is at the other side, and of how many there are", async () => {
  const events: SessionEvent<"progress">[] = [];
  const seen = Promise.withResolvers<void>();
  let pending = 150_000;
  const channel = { counters: {} } as unknown as Channel;
  const progress = new ProgressTracker(channel, {}, {
    progressInterval: 1,
    on: (event) => {
      if (event.type !== "progress") return;
      events.push(event);
      if (event.bytes === 300_000) seen.resolve();
      pending = 0;
    },
  }, () => pending);
  progress.start();
  const entries = [0, 100_000, 200_000, 300_000].map((bytes, files) => ({
    type: "entry" as const,
    path: `${files}`,
    files,
    bytes,
  }));
  progress.take({ type: "total", files: 7, bytes: 700_000 });
  for (const entry of entries) progress.take(entry);
  progress.advance(300_000);
  await seen.promise;
  progress.stop();
  const shown = [events[0]!, events.at(-1)!].map((
    { bytes, size, entry, files, totalFiles },
  ) => [bytes, size, entry, files, totalFiles]);
  assertEquals(shown, [
    [150_000, 700_000, "1", 1, 7],
    [300_000, 700_000, "3", 3, 7],
  ]);
});

Deno.test("two samples at the same time make no rate", () => {
  const meter = new RateMeter();
  meter.sample(5, 0);
  assertEquals(meter.sample(5, 100), 0);
});

Deno.test("what was kept is an event once, and counts in the totals; all else is passed on", () => {
  const events: SessionEvent[] = [];
  const counters = {
    datagramsSent: 7,
    retransmissions: 2,
    duplicatesReceived: 1,
  };
  const channel = { counters } as unknown as Channel;
  const progress = new ProgressTracker(channel, {}, {
    on: (event) => events.push(event),
  });
  progress.take({ type: "kept", bytes: 100, path: "a" });
  progress.take({ type: "kept", bytes: 50, path: "b" });
  progress.take({ type: "entry", path: "b", files: 1, bytes: 100 });
  progress.take({ type: "restarted", path: "c" });
  assertEquals(events, [
    { type: "resumed", bytes: 100, path: "a" },
    { type: "restarted", path: "c" },
  ]);
  const { kept, datagramsSent, retransmissions } = progress.totals();
  assertEquals([kept, datagramsSent, retransmissions], [150, 7, 2]);
  progress.start();
  counters.datagramsSent += 5;
  // What was sent while nobody was there is no loss of the path
  assertEquals(progress.totals().datagramsSent, 5);
  assertEquals(progress.totals().retransmissions, 0);
  progress.stop();
});
