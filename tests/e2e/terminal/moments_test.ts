import { assert, assertEquals, assertMatch } from "@std/assert";
import { flowing, type Terminal } from "../../attacks/support/terminal.ts";
import { freePort, listening } from "../../support/process.ts";
import { portOf, udpSocket } from "../../net/udp.ts";
import { moment, SLOW, writeTree } from "./panes.ts";

const CODE = "13-bubble-fossil";

/** The last line that is not empty. */
async function lastLine(terminal: Terminal): Promise<string> {
  return (await terminal.screen()).trimEnd().split("\n").at(-1)!;
}

moment("nobody answers, and Ctrl-C ends the wait", async ({ a }) => {
  const silent = udpSocket();
  const port = portOf(silent);
  const sender = await a(["send", "127.0.0.1", `${port}`, "holiday.mp4"]);
  const waiting = `No answer from 127.0.0.1:${port} yet; waiting (Ctrl-C ends)`;
  const shows = async () =>
    assert(flowing(await sender.screen()).includes(waiting));
  await sender.shows(/\(Ctrl-C ends\)/);
  await shows();
  await sender.press("C-c");
  assertEquals(await sender.exit(), 130);
  await shows();
  await sender.shows(/ends\) ferry: Interrupted \[exit 130\]/);
  silent.close();
});

moment("Ctrl-C at the receiver, once and twice", async ({ a, b, port }) => {
  const receiver = await b(["receive", port, "--yes"]);
  await listening("udp", Number(port));
  const args = ["send", "127.0.0.1", port, "holiday.mp4", "--yes", ...SLOW];
  const sender = await a(args);
  await receiver.shows(/ [1-9]\d?% .*MB\/s/);
  await receiver.press("C-c");
  assertEquals(await receiver.exit(), 130);
  await receiver.shows(
    /12\.0 MB ferry: Interrupted; to resume, run both commands again \(what arrived is in holiday\.mp4\.\w+\.ferry-part\) \[exit 130\]/,
  );
  assertEquals(await sender.exit(), 1);
  await sender.shows(
    /ferry: The transfer was stopped at the other side \(127\.0\.0\.1:\d+\); to resume, run both commands again \[exit 1\]/,
  );
  const twice = await b(["receive", port, "--yes"]);
  await twice.shows(/To require a code: --code/);
  await twice.press("C-c", "C-c");
  assertEquals(await twice.exit(), 130);
});

moment("the other side falls silent", async ({ a, b, kill, port, columns }) => {
  const receiver = await b(["receive", port, "--yes"]);
  await listening("udp", Number(port));
  const sender = await a(
    ["send", "127.0.0.1", port, "holiday.mp4", "--yes", ...SLOW],
  );
  await receiver.shows(/ [1-9]\d?% .*MB\/s/);
  await kill();
  assertEquals(await sender.exit(), 137);
  const left = columns >= 80 ? ", giving up at 30 s" : "";
  await receiver.shows(RegExp(`% .*nothing heard for \\d s${left}`));
  await receiver.press("C-c");
  assertEquals(await receiver.exit(), 130);
  assertMatch(
    flowing(await receiver.screen()),
    /12\.0 MB ferry: Interrupted; to resume/,
  );
});

moment("a sender is asked for the receiver's code", async ({ a, b, port }) => {
  const receiver = await b(["receive", port, `--code=${CODE}`]);
  await receiver.shows(
    /run, with the same code: ferry send --code \S+ \d+ FILE/,
  );
  const send = ["send", "127.0.0.1", port, "holiday.mp4"];
  const wrong = await a(send);
  await wrong.shows(/^The receiver's code: *$/m);
  await wrong.press(`${CODE}s`, "Enter");
  assertEquals(await wrong.exit(), 3);
  await wrong.shows(/ferry: The code is wrong: ask the person at the receiver/);
  await receiver.shows(
    /gave no code, and was told that one is needed 127\.0\.0\.1:\d+ was not let in \(1 of 3\): the sender's code is wrong/,
  );
  const right = await a(send);
  await right.shows(/^The receiver's code: *$/m);
  await right.press(CODE, "Enter");
  for (const terminal of [right, receiver]) {
    assertEquals(await terminal.exit(), 0);
  }
  await right.shows(/Sent holiday\.mp4, 12\.0 MB in/);
  await receiver.shows(/Received holiday\.mp4, 12\.0 MB in/);
});

moment(
  "a tree is asked about, and its share, files and time left are shown",
  async ({ a, b, port, columns, cwd }) => {
    await writeTree(`${cwd}/A/summer photos`, 100);
    const receiver = await b(["receive", port]);
    await listening("udp", Number(port));
    const sender = await a(
      ["send", "127.0.0.1", port, "summer photos", ...SLOW],
    );
    await receiver.shows(
      /offers the directory "summer photos", 100 files, 12\.0 MB The sender must see the same words: \w+ \w+ \w+ Save it\? \[y\/N\]/,
    );
    await receiver.press("y", "Enter");
    await sender.shows(
      /Connected to 127\.0\.0\.1:\d+, without a code The receiver must see the same words: \w+ \w+ \w+ Send it there\? \[y\/N\]/,
    );
    await sender.press("y", "Enter");
    const files = columns >= 80 ? " {2}\\d+ of 100 files" : " *";
    for (const terminal of [sender, receiver]) {
      await terminal.shows(
        RegExp(`^ *\\d\\d?% .*\\d MB +\\d.* MB/s {2}0:0\\d left${files}`, "m"),
      );
    }
    for (const terminal of [sender, receiver]) {
      assertEquals(await terminal.exit(), 0);
    }
    await sender.shows(
      /Sent "summer photos", 100 files, 12\.0 MB in \d.* Stored there, every file verified by SHA-256 \[exit 0\]/,
    );
    await receiver.shows(
      /Received "summer photos", 100 files, 12\.0 MB in \d.* every file verified by SHA-256 \[exit 0\]/,
    );
  },
);

moment("a meeting point brings them together", async ({ a, b, port }) => {
  const point = await b(["meet", port]);
  await point.shows(
    /Bringing senders and receivers together on port \d+; on the others, run ferry receive --meet \S+:\d+/,
  );
  const meet = ["--meet", `127.0.0.1:${port}`];
  const receiver = await b(
    ["receive", `${freePort()}`, ...meet, "--code"],
  );
  await receiver.shows(
    /Waiting at 127\.0\.0\.1:\d+\. .* What arrives is saved/,
  );
  const [, code] = /FERRY_CODE=(\S+) /.exec(await receiver.text())!;
  const sender = await a(
    ["send", ...meet, "holiday.mp4"],
    { FERRY_CODE: code! },
  );
  for (const terminal of [sender, receiver]) {
    assertEquals(await terminal.exit(), 0);
    await terminal.shows(
      /holiday\.mp4, 12\.0 MB in \d.*MB\/s, (directly|through)/,
    );
  }
  const late = await a(["send", ...meet, "holiday.mp4"], { FERRY_CODE: code! });
  await late.shows(
    /The meeting point 127\.0\.0\.1\S* knows no receiver with this number yet; still trying/,
  );
  await late.press("C-c");
  assertEquals(await late.exit(), 130);
  await point.press("C-c");
  assertEquals(await point.exit(), 0);
  // What the terminal showed of the Ctrl-C is gone
  assertEquals(await lastLine(point), "[exit 0]");
});

moment("a receiver that is not near, and a router that does not answer", async (
  { a, b, port },
) => {
  const [sender, receiver] = await Promise.all([
    a(["send", "--near", "--wait", "2", "holiday.mp4"], {
      FERRY_CODE: "999-walnut-copper-lagoon",
    }),
    b(["receive", port, "--map"]),
  ]);
  assertEquals(await sender.exit(), 1);
  await sender.shows(
    /Looking for the receiver on the local network… ferry: No receiver with this code answered on this network within 2 s: .* give its address instead of --near/,
  );
  await receiver.shows(/router .*; going on without/);
  await receiver.press("C-c");
  assertEquals(await receiver.exit(), 130);
});
