import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { flowing } from "../../attacks/support/terminal.ts";
import { namesIn } from "../../support/fs.ts";
import { listening } from "../../support/process.ts";
import { testWith, TMUX } from "../../support/needs.ts";
import { moment, playAt, SLOW, writeTree } from "./panes.ts";

async function digestOf(path: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex");
}

moment(
  "a person sees waiting, a question, progress, Ctrl-C, resuming and the end",
  async ({ a, b, port, cwd }) => {
    const send = ["send", "127.0.0.1", port, "holiday.mp4"];
    {
      const sender = await a([...send, ...SLOW]);
      // Only where the kernel can be asked is it known at once
      await sender.shows(
        /(127\.0\.0\.1 is up, but nothing listens on UDP port \d+ yet|No answer from 127\.0\.0\.1:\d+ yet); waiting \(Ctrl-C ends\)/,
      );
      const receiver = await b(["receive", port]);
      await receiver.shows(
        /Listening on UDP port \d+\. On the other machine, run:/,
      );
      await receiver.shows(/What arrives is saved in \S*B/);
      await receiver.shows(/offers "holiday\.mp4", 12\.0 MB/);
      await receiver.shows(/Save it\? \[y\/N\]/);
      await receiver.press("y", "Enter");
      await sender.shows(/Send it there\? \[y\/N\]/);
      await sender.press("y", "Enter");
      await sender.shows(
        /Sending holiday\.mp4, 12\.0 MB, to 127\.0\.0\.1:\d+/,
      );
      for (const terminal of [sender, receiver]) {
        await terminal.shows(/ [1-9]\d?% .*\d MB .*MB\/s/);
      }
      await receiver.shows(/ [1-9]\d?% .* 0:0\d left/);
      assert(!/RTT|resent/.test(await receiver.screen()));
      await sender.press("C-c");
      assertEquals(await sender.exit(), 130);
      await sender.shows(
        /ferry: Interrupted; to resume, run both commands again/,
      );
      await receiver.exit();
      await receiver.shows(/to resume, run both commands again/);
    }
    const receiver = await b(["receive", port, "--yes"]);
    await listening("udp", Number(port));
    const sender = await a([...send, "--yes"]);
    for (const terminal of [receiver, sender]) {
      assertEquals(await terminal.exit(), 0);
      await terminal.shows(/Resuming at \d/);
      // Lines that the terminal has wrapped are one when they are copied
      const copied = await terminal.text();
      const digest = await digestOf(`${cwd}/A/holiday.mp4`);
      assertMatch(copied, RegExp(`^  ${digest}  holiday\\.mp4 *$`, "m"));
    }
    const saved = flowing(await receiver.text()).replaceAll(" ", "");
    const path = `${await Deno.realPath(cwd)}/B/holiday.mp4`;
    assert(saved.includes(`Savedas${path}andverified`), saved);
    assertMatch(
      flowing(await sender.screen()),
      /Sent holiday\.mp4, 12\.0 MB \(\d.* already there\) in \d.* s, .*MB\/s.* Stored there and verified by SHA-256:/,
    );
    assertEquals(namesIn(`${cwd}/B`), ["holiday.mp4"]);
  },
);

moment(
  "--keep redraws one line for several transfers",
  async ({ a, b, port, columns, cwd }) => {
    await writeTree(`${cwd}/A/tree`, 50);
    const receiver = await b(["receive", port, "--keep", "--yes"]);
    await listening("udp", Number(port));
    const send = (name: string) =>
      a(["send", "127.0.0.1", port, name, "--yes", ...SLOW]);
    const one = await send("holiday.mp4");
    const other = await send("tree");
    if (columns >= 80) {
      await receiver.shows(/2 transfers/);
      await other.shows(/\d+ of 50 files/);
    }
    for (const terminal of [one, other]) {
      assertEquals(await terminal.exit(), 0);
    }
    await receiver.shows(/Received holiday\.mp4, 12\.0 MB in/);
    await receiver.shows(/Received tree, 50 files, 12\.0 MB in/);
    await receiver.press("C-c");
    assertEquals(await receiver.exit(), 130);
    // No redrawing leaves a line behind
    const left = (await receiver.screen()).match(/MB\/s +0:0\d left/g);
    assert((left?.length ?? 0) <= 1, await receiver.screen());
  },
);

moment("a failure is a red line that says what to do", async ({ a, port }) => {
  const args = ["send", "127.0.0.1", port, "--wait", "1", "holiday.mp4"];
  const terminal = await a(args, { NO_COLOR: "" });
  assertEquals(await terminal.exit(), 1);
  await terminal.shows(
    /ferry: No answer from 127\.0\.0\.1:\d+ within 1 s: \S+/,
  );
  const written = new TextDecoder().decode(await terminal.written());
  assert(written.includes("\x1b[31mferry: No answer"), written);
});

testWith(
  TMUX,
  "a dumb terminal gets plain lines, NO_COLOR a bar without colour, and the C locale one in ASCII",
  async () => {
    await Promise.all(([
      [{ TERM: "dumb" }, /^Received holiday/m, /\p{Cc}(?<!\n)|━/u],
      [{ NO_COLOR: "1" }, /━╌/, /\p{Cc}\[\d*m/u],
      // Behind a space or, in colour, an escape sequence
      [{ LC_ALL: "C" }, /[ m]#+/, /[━─╌…]/],
    ] as const).map(([env, wanted, unwanted]) =>
      playAt(80, async ({ a, b, port }) => {
        const receiver = await b(["receive", port, "--yes"], env);
        await listening("udp", Number(port));
        const sender = await a(
          ["send", "127.0.0.1", port, "holiday.mp4", "--yes", ...SLOW],
        );
        assertEquals([await sender.exit(), await receiver.exit()], [0, 0]);
        const written = new TextDecoder().decode(await receiver.written())
          .replaceAll("\r\n", "\n");
        assertMatch(written, wanted);
        assert(!unwanted.test(written), JSON.stringify(written));
      })
    ));
  },
);
