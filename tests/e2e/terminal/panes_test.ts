import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { flowing, Terminal } from "../../attacks/support/terminal.ts";
import { inDirectory, namesIn, writeRandomFile } from "../../support/fs.ts";
import { COMMAND } from "../../support/ferry.ts";
import { freePort, listening } from "../../support/process.ts";
import { testWith, TMUX } from "../../support/needs.ts";
import { assertClean, WIDTHS } from "./panes.ts";

/** Bytes, and a rate in bits per second, that take some seconds. */
const SIZE = 12_000_000;
const SLOW = ["--rate", "24M"];

async function digestOf(path: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex");
}

/** Makes the directories of both machines, with a file to send. */
async function makeMachines(cwd: string): Promise<void> {
  await Deno.mkdir(`${cwd}/A`);
  await Deno.mkdir(`${cwd}/B`);
  await writeRandomFile(`${cwd}/A/holiday.mp4`, SIZE);
}

/** A test at all widths, side by side. */
function testAtWidths(
  name: string,
  at: (columns: number) => Promise<void>,
): void {
  testWith(TMUX, `at ${WIDTHS.join(", ")} columns ${name}`, async () => {
    await Promise.all(WIDTHS.map(at));
  });
}

testAtWidths(
  "a person sees waiting, a question, progress, Ctrl-C, resuming and the end",
  (columns) =>
    inDirectory(async (cwd) => {
      await makeMachines(cwd);
      const port = `${freePort()}`;
      const at = (machine: string) => ({ cwd: `${cwd}/${machine}`, columns });
      const send = (...options: string[]) =>
        Terminal.ferry(
          ["send", "127.0.0.1", port, "holiday.mp4", ...options],
          at("A"),
        );
      const receive = (...options: string[]) =>
        Terminal.ferry(["receive", port, ...options], at("B"));
      {
        await using sender = await send(...SLOW);
        // Only where the kernel can be asked is it known at once
        await sender.shows(
          /(127\.0\.0\.1 is up, but nothing listens on UDP port \d+ yet|No answer from 127\.0\.0\.1:\d+ yet); waiting \(Ctrl-C ends\)/,
        );
        await using receiver = await receive();
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
        await assertClean(sender, columns);
        await assertClean(receiver, columns);
      }
      await using receiver = await receive("--yes");
      await listening("udp", Number(port));
      await using sender = await send("--yes");
      for (const terminal of [receiver, sender]) {
        assertEquals(await terminal.exit(), 0);
        await terminal.shows(/Resuming at \d/);
        // Lines that the terminal has wrapped are one when they are copied
        const copied = await terminal.text();
        const digest = await digestOf(`${cwd}/A/holiday.mp4`);
        assertMatch(
          copied,
          RegExp(`^  ${digest}  holiday\\.mp4 *$`, "m"),
        );
        await assertClean(terminal, columns);
      }
      const saved = flowing(await receiver.text()).replaceAll(" ", "");
      const path = `${await Deno.realPath(cwd)}/B/holiday.mp4`;
      assert(saved.includes(`Savedas${path}andverified`), saved);
      assertMatch(
        flowing(await sender.screen()),
        /Sent holiday\.mp4, 12\.0 MB \(\d.* already there\) in \d.* s, .*MB\/s.* Stored there and verified by SHA-256:/,
      );
      assertEquals(namesIn(`${cwd}/B`), ["holiday.mp4"]);
    }),
);

testAtWidths(
  "--keep redraws one line for several transfers",
  (columns) =>
    inDirectory(async (cwd) => {
      await makeMachines(cwd);
      await Deno.mkdir(`${cwd}/A/tree`);
      for (let i = 0; i < 50; i++) {
        await writeRandomFile(`${cwd}/A/tree/${i}`, SIZE / 50);
      }
      const port = `${freePort()}`;
      await using receiver = await Terminal.ferry(
        ["receive", port, "--keep", "--yes"],
        { cwd: `${cwd}/B`, columns },
      );
      await listening("udp", Number(port));
      const send = (name: string) =>
        Terminal.ferry(
          ["send", "127.0.0.1", port, name, "--yes", ...SLOW],
          { cwd: `${cwd}/A`, columns },
        );
      await using one = await send("holiday.mp4");
      await using other = await send("tree");
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
      for (const terminal of [receiver, one, other]) {
        await assertClean(terminal, columns);
      }
      // No redrawing leaves a line behind
      const left = (await receiver.screen()).match(/MB\/s +0:0\d left/g);
      assert((left?.length ?? 0) <= 1, await receiver.screen());
    }),
);

testAtWidths(
  "a failure is a red line that says what to do",
  (columns) =>
    inDirectory(async (cwd) => {
      const port = `${freePort()}`;
      const args = ["send", "127.0.0.1", port, "--wait", "1", "x"];
      await Deno.writeTextFile(`${cwd}/x`, "x");
      const ferry = ["env", "-u", "NO_COLOR", ...COMMAND, ...args];
      await using terminal = await Terminal.run(ferry, { cwd, columns });
      assertEquals(await terminal.exit(), 1);
      await terminal.shows(
        /ferry: No answer from 127\.0\.0\.1:\d+ within 1 s: \S+/,
      );
      const written = new TextDecoder().decode(await terminal.written());
      assert(written.includes("\x1b[31mferry: No answer"), written);
      await assertClean(terminal, columns);
    }),
);

testWith(
  TMUX,
  "a dumb terminal gets plain lines, NO_COLOR a bar without colour, and the C locale one in ASCII",
  () =>
    Promise.all(([
      [{ TERM: "dumb" }, /^Received holiday/m, /\p{Cc}(?<!\n)|━/u],
      [{ NO_COLOR: "1" }, /━╌/, /\p{Cc}\[\d*m/u],
      [{ LC_ALL: "C" }, / #+/, /[━─╌…]/],
    ] as const).map(([env, wanted, unwanted]) =>
      inDirectory(async (cwd) => {
        await makeMachines(cwd);
        const port = `${freePort()}`;
        await using receiver = await Terminal.ferry(
          ["receive", port, "--yes"],
          { cwd: `${cwd}/B`, env },
        );
        await listening("udp", Number(port));
        await using sender = await Terminal.ferry(
          ["send", "127.0.0.1", port, "holiday.mp4", "--yes", ...SLOW],
          { cwd: `${cwd}/A` },
        );
        assertEquals([await sender.exit(), await receiver.exit()], [0, 0]);
        const written = new TextDecoder().decode(await receiver.written())
          .replaceAll("\r\n", "\n");
        assertMatch(written, wanted);
        assert(!unwanted.test(written), JSON.stringify(written));
      })
    )).then(() => {}),
);
