import { assert, assertEquals } from "@std/assert";
import { Meter } from "../../support/meter.ts";
import { eventsOf, runFerry, runPair, startPair } from "../../support/ferry.ts";
import { namesIn, test, writeRandomFile } from "../../support/fs.ts";

test("a transfer over a lossy path says that the path limits it, and draws its course", async (cwd) => {
  await writeRandomFile(`${cwd}/file`, 2_000_000);
  const up = { loss: 0.05, delay: 10, rate: 2000, queue: 40_000 };
  await using network = new Meter({ up, seed: 3 });
  const args = ["-v", "--report", "sender.svg"];
  const [received, sent] = await runPair({
    cwd,
    via: network.start,
    receive: { args: ["--json", "-v", "--report", "receiver.svg"] },
    send: { args: [...args, "file"] },
  });
  assertEquals([received.code, sent.code], [0, 0], sent.stderr);

  const lines = sent.stderr.trimEnd().split("\n");
  assert(/^Sent file, /.test(lines.at(-3)!), sent.stderr);
  assert(
    /^Limited by .*the path .*\d%.*; \d+/.test(lines.at(-4)!),
    sent.stderr,
  );
  assert(lines.some((line) => / [1-9][\d.]*% \w+$/.test(line)), sent.stderr);

  const [explanation, done] = eventsOf(received).slice(-2);
  assertEquals([explanation?.event, done?.event], ["explanation", "done"]);
  const { held, course } = explanation as unknown as {
    held: { sender: number };
    course: unknown[];
  };
  assert(held.sender > 0.5 && course.length === 10, received.stderr);

  for (const name of ["sender", "receiver"]) {
    const svg = await Deno.readTextFile(`${cwd}/${name}.svg`);
    assert(svg.startsWith("<svg") && svg.endsWith("</svg>\n"));
    assert(
      /(To|From) 127\.0\.0\.1:\d+, 20\d\d-\d\d-\d\d .* UTC, ferry \d/.test(
        svg,
      ),
    );
    // Self-contained: nothing is fetched
    assertEquals(svg.match(/\b(href|url\(|@import)/g), null);
  }
});

test("a receiver whose reader is slow is named by both sides", async (cwd) => {
  await writeRandomFile(`${cwd}/file`, 20_000_000);
  const { receiver, ended } = await startPair({
    cwd,
    receive: { args: ["-v"], output: true },
    send: { args: ["-v", "file"] },
  });
  // Reads only while somebody is waiting for it
  const reader = receiver.stdout.getReader();
  let read = 0;
  for (;;) {
    const { value } = await reader.read();
    if (value === undefined) break;
    read += value.length;
    if (read < 15_000_000) await new Promise((next) => setTimeout(next, 5));
  }
  const [received, sent] = await ended;
  assertEquals([received.code, sent.code], [0, 0]);
  assert(/^Limited by .*the receiver/m.test(sent.stderr), sent.stderr);
  assert(/^Limited by .*the disk or reader here/m.test(received.stderr));
});

Deno.test("a sender that waits for its program, and one that waits for --rate, say so", async () => {
  const { sender, receiver, ended } = await startPair({
    receive: { output: true },
    send: { input: true, args: ["-v"] },
  });
  const writer = sender.stdin.getWriter();
  await writer.write(Uint8Array.of(1));
  const reading = receiver.stdout.getReader();
  await reading.read();
  await new Promise((next) => setTimeout(next, 1200));
  await writer.close();
  await reading.read();
  const [, slow] = await ended;
  assert(/^Limited by .*the source here/m.test(slow.stderr), slow.stderr);
  const paced = await runPair({
    send: {
      shell: 'head -c 1500000 /dev/zero | "$@"',
      args: ["-v", "--rate", "8"],
    },
  });
  assert(/^Limited by .*--rate/m.test(paced[1].stderr), paced[1].stderr);
});

test("a report that cannot be written is refused before anything is sent", async (cwd) => {
  for (const path of ["nowhere/a.svg", "photo.jpg"]) {
    const { code, stderr } = await runFerry(
      ["send", "127.0.0.1", "9", "--report", path],
      { cwd },
    );
    assertEquals(code, 2);
    assert(/report.*(nowhere|photo\.jpg)/.test(stderr), stderr);
  }
  assertEquals(namesIn(cwd), []);
});
