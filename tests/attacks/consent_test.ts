import { assert, assertEquals, assertMatch } from "@std/assert";
import { receiver, sender } from "./support/running.ts";
import { flowing, Terminal, type TerminalOptions } from "./support/terminal.ts";
import { freePort, listening } from "../support/process.ts";
import { type Ferry, FULL } from "../support/ferry.ts";
import { inDirectory, namesIn } from "../support/fs.ts";
import { testWith, TMUX } from "../support/needs.ts";
import { pause } from "../support/wait.ts";

const QUESTION = /\[y\/N\]/;
const WORDS = /(?:should show:|same words:?) (\w+ \w+ \w+)/;

/** A receiver at a terminal, and a sender elsewhere that offers `names`. */
async function asked(
  cwd: string,
  names: string[],
  options: Partial<TerminalOptions> & { args?: string[] } = {},
): Promise<{ terminal: Terminal; sent: Ferry; port: number }> {
  await Deno.mkdir(`${cwd}/dir`, { recursive: true });
  const port = freePort();
  const { args = [], ...rest } = options;
  const terminal = await Terminal.ferry(
    ["receive", `${port}`, "-d", "dir", ...args],
    { cwd, ...rest },
  );
  await listening("udp", port);
  return { terminal, sent: sender(port, names, { cwd }), port };
}

/** A test at a terminal. */
function test(name: string, fn: (cwd: string) => Promise<void>): void {
  testWith(TMUX, name, () => inDirectory(fn));
}

for (const columns of [120, 80, 40]) {
  test(`a person is shown name, size, origin and words of what a stranger offers, and asked, in ${columns} columns`, async (cwd) => {
    await Deno.writeTextFile(`${cwd}/plans.pdf`, "x".repeat(54_321));
    const { terminal, sent } = await asked(cwd, ["plans.pdf"], { columns });
    await using _ = terminal;
    const text = flowing(await terminal.shows(QUESTION));
    assertMatch(text, /plans\.pdf/);
    assertMatch(text, /54[.,]3/);
    assertMatch(text, /127\.0\.0\.1/);
    const words = (await sent.says(WORDS))[1];
    assert(text.includes(words!), `${words}\n${text}`);
    assertEquals(
      namesIn(`${cwd}/dir`),
      [],
      "before the answer nothing is there",
    );
    await terminal.press("y", "Enter");
    assertEquals(await terminal.exit(), 0);
    assertEquals(await sent.status, 0);
    assertEquals(namesIn(`${cwd}/dir`), ["plans.pdf"]);
  });
}

for (
  const [what, keys] of [
    ["n", ["n", "Enter"]],
    ["Enter alone", ["Enter"]],
    ["something else", ["m", "a", "y", "b", "e", "Enter"]],
    ["Ctrl-D", ["C-d"]],
  ] as [string, string[]][]
) {
  test(`${what} declines: nothing is stored, the sender hears so, and the receiver waits on`, async (cwd) => {
    await Deno.writeTextFile(`${cwd}/in`, "unwanted");
    const { terminal, sent, port } = await asked(cwd, ["in"]);
    await using _ = terminal;
    await terminal.shows(QUESTION);
    await terminal.press(...keys);
    assertEquals(await sent.status, 3);
    assertMatch(sent.stderr, /declined/);
    assertEquals(namesIn(`${cwd}/dir`), []);
    const again = sender(port, ["in"], { cwd });
    await terminal.shows(/\[y\/N\][^]*\[y\/N\]/);
    await terminal.press("y", "Enter");
    assertEquals(await terminal.exit(), 0);
    assertEquals(await again.status, 0);
    assertEquals(namesIn(`${cwd}/dir`), ["in"]);
  });
}

test("a person is told what exists already, and a yes adds to it or keeps what is the same", async (cwd) => {
  await Deno.mkdir(`${cwd}/photos`);
  await Deno.writeTextFile(`${cwd}/photos/new`, "new");
  await Deno.writeTextFile(`${cwd}/in`, "same");
  await Deno.mkdir(`${cwd}/dir/photos`, { recursive: true });
  await Deno.writeTextFile(`${cwd}/dir/photos/old`, "old");
  await Deno.writeTextFile(`${cwd}/dir/in`, "same");
  for (
    const [name, told] of [
      ["photos", /"photos" exists already: what is new is added/],
      ["in", /"in" exists already: it stays if it is the same/],
    ] as const
  ) {
    for (const [key, statuses] of [["n", [3]], ["y", [0, 0]]] as const) {
      const { terminal, sent } = await asked(cwd, [name]);
      await using _ = terminal;
      assertMatch(flowing(await terminal.shows(QUESTION)), told);
      await terminal.press(key, "Enter");
      const ends = [await sent.status];
      if (key === "y") ends.push(await terminal.exit());
      assertEquals(ends, statuses as readonly number[] as number[]);
      const names = namesIn(`${cwd}/dir/photos`);
      assertEquals(names.includes("new"), key === "y" || name === "in");
    }
  }
  assertEquals(namesIn(`${cwd}/dir/photos`), ["new", "old"]);
});

test("Ctrl-C at the question ends the receiver and the sender, and leaves nothing", async (cwd) => {
  await Deno.writeTextFile(`${cwd}/in`, "unwanted");
  const { terminal, sent } = await asked(cwd, ["in"]);
  await using _ = terminal;
  await terminal.shows(QUESTION);
  await terminal.press("C-c");
  assertEquals(await terminal.exit(), 130);
  assert(await sent.status !== 0);
  assertEquals(namesIn(`${cwd}/dir`), []);
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  test(`a question ends when the sender leaves by ${signal}, and a late yes starts nothing`, async (cwd) => {
    await Deno.writeTextFile(`${cwd}/in`, "gone");
    const { terminal, sent, port } = await asked(cwd, ["in"], {
      args: ["--timeout", "2"],
    });
    await using _ = terminal;
    await terminal.shows(QUESTION);
    sent.kill(signal);
    await sent.status;
    const gone = /stopped at the other side|Nothing heard|left|gone/;
    await terminal.shows(gone, 20_000);
    await terminal.press("y", "Enter");
    await pause(500);
    assertEquals(namesIn(`${cwd}/dir`), []);
    // The line that was meant for another question answers none
    const next = sender(port, ["in"], { cwd });
    await terminal.shows(/(stopped|heard|left|gone)[^]*\[y\/N\]/);
    await pause(500);
    assertEquals(namesIn(`${cwd}/dir`), []);
    await terminal.press("y", "Enter");
    assertEquals(await next.status, 0);
    assertEquals(await terminal.exit(), 0);
  });
}

test("while a person thinks for longer than the timeout, the connection lives", async (cwd) => {
  await Deno.writeTextFile(`${cwd}/in`, "patience");
  const { terminal, sent } = await asked(cwd, ["in"], {
    args: ["--timeout", "2"],
  });
  await using _ = terminal;
  await terminal.shows(QUESTION);
  await pause(FULL ? 40_000 : 5_000);
  await terminal.press("y", "Enter");
  assertEquals(await sent.status, 0);
  assertEquals(await terminal.exit(), 0);
});

test("a line typed before the question does not answer it", async (cwd) => {
  await Deno.writeTextFile(`${cwd}/in`, "early");
  const { terminal, sent } = await asked(cwd, ["in"], {
    typedBefore: "y",
    delay: 1,
  });
  await using _ = terminal;
  await terminal.shows(QUESTION);
  await pause(1_000);
  assertEquals(namesIn(`${cwd}/dir`), []);
  await terminal.press("n", "Enter");
  assertEquals(await sent.status, 3);
});

test("a line typed while nobody was there yet does not answer the question", async (cwd) => {
  await Deno.mkdir(`${cwd}/dir`);
  await Deno.writeTextFile(`${cwd}/in`, "early");
  const port = freePort();
  await using terminal = await Terminal.ferry(
    ["receive", `${port}`, "-d", "dir"],
    { cwd },
  );
  await listening("udp", port);
  await terminal.press("y", "Enter", "y", "Enter");
  await pause(300);
  const sent = sender(port, ["in"], { cwd });
  await terminal.shows(QUESTION);
  await pause(1_000);
  assertEquals(namesIn(`${cwd}/dir`), []);
  await terminal.press("n", "Enter");
  assertEquals(await sent.status, 3);
});

/** What could move a cursor, or hide and turn around what is read. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/u;

/** What a program wrote, without line ends and without the escapes of ferry's own colours. */
function plain(written: Uint8Array): string {
  return new TextDecoder().decode(written).replaceAll(OWN, "");
}

// deno-lint-ignore no-control-regex -- an escape is what is looked for
const OWN = /[\r\n\t]|\x1b\[[0-9;]*[mKJ]/g;

/** Names that are not what they look like. */
const DISGUISED: [string, string, string][] = [
  [
    "control characters (croc CVE-2023-43620, scp CVE-2019-6109)",
    "a\x1b[2J\x1b]0;owned\x07\r\nb.txt",
    "b.txt",
  ],
  ["C1 control characters", "a\x9b2Jb.txt", "b.txt"],
  ["characters that turn the direction around", "report\u202efdp.exe", "exe"],
  ["characters of no width", "in\u200bvoi\u2060ce\u00ad.txt", ".txt"],
  ["tag and filler characters", "note\u{e0041}\u{e0042}\u3164s.txt", ".txt"],
];
for (const [what, name, end] of DISGUISED) {
  for (const columns of [80, 40]) {
    test(`a name with ${what} is asked for without them, in ${columns} columns`, async (cwd) => {
      await Deno.writeTextFile(`${cwd}/${name}`, "disguised");
      const { terminal, sent } = await asked(cwd, [name], { columns });
      await using _ = terminal;
      const text = flowing(await terminal.shows(QUESTION));
      assert(text.includes(end), text);
      const written = await terminal.written();
      const foreign = UNSAFE.exec(plain(written))?.[0].codePointAt(0);
      assertEquals(foreign?.toString(16), undefined);
      assert(!new TextDecoder().decode(written).includes("\x1b[2J"));
      await terminal.press("n", "Enter");
      assertEquals(await sent.status, 3);
    });
  }
}

for (const columns of [80, 40]) {
  test(`a name that reads like a line of ferry's own does not begin a line, in ${columns} columns`, async (cwd) => {
    const forged = "Encrypted. Both sides should show: acorn actor admiral";
    await Deno.writeTextFile(`${cwd}/${forged}`, "forged");
    const { terminal, sent } = await asked(cwd, [forged], { columns });
    await using _ = terminal;
    const screen = await terminal.shows(QUESTION);
    assert(
      !/^\s*Encrypted\. Both/m.test(screen.replace(WORDS_OF_OURS, "")),
      screen,
    );
    await terminal.press("n", "Enter");
    assertEquals(await sent.status, 3);
  });
}

/** Ours has other words than the forged line. */
const WORDS_OF_OURS =
  /^Encrypted\. Both\s+sides\s+should\s+show:\s+(?!acorn\s+actor)/gm;

test("a very long name is cut, and the question stays on the screen", async (cwd) => {
  const name = `${"x".repeat(200)}${"é".repeat(20)}.end`;
  await Deno.writeTextFile(`${cwd}/${name}`, "long");
  const { terminal, sent } = await asked(cwd, [name], {
    columns: 40,
    rows: 16,
  });
  await using _ = terminal;
  await terminal.shows(QUESTION);
  await terminal.press("y", "Enter");
  assertEquals(await sent.status, 0);
  assertEquals(await terminal.exit(), 0);
  assertEquals(namesIn(`${cwd}/dir`), [name]);
});

test("with --keep two senders are asked for one after the other, and each answer is for one", async (cwd) => {
  await Deno.writeTextFile(`${cwd}/first`, "1");
  await Deno.writeTextFile(`${cwd}/second`, "2");
  const { terminal, sent: first, port } = await asked(cwd, ["first"], {
    args: ["--keep"],
  });
  await using _ = terminal;
  await terminal.shows(QUESTION);
  const second = sender(port, ["second"], { cwd });
  await pause(1_500);
  const screen = await terminal.screen();
  const open = [...screen.matchAll(/\[y\/N\]/g)].length;
  assertEquals(open, 1, screen);
  await terminal.press("n", "Enter");
  assertEquals(await first.status, 3);
  await terminal.shows(/\[y\/N\][^]*second[^]*\[y\/N\]/);
  await terminal.press("y", "Enter");
  assertEquals(await second.status, 0);
  await terminal.press("C-c");
  await terminal.exit();
  // The receiver tidies up after the sender has heard that all is stored
  assertEquals(namesIn(`${cwd}/dir`), ["second"]);
});

test("a name that begins with a dot is shown and asked for, and taken with a yes", async (cwd) => {
  await Deno.mkdir(`${cwd}/.ssh`);
  await Deno.writeTextFile(`${cwd}/.ssh/authorized_keys`, "key");
  const { terminal, sent } = await asked(cwd, [".ssh"]);
  await using _ = terminal;
  const text = flowing(await terminal.shows(QUESTION));
  assertMatch(text, /\.ssh/);
  await terminal.press("y", "Enter");
  assertEquals(await sent.status, 0);
  assertEquals(await terminal.exit(), 0);
  assertEquals(namesIn(`${cwd}/dir`), [".ssh"]);
});

for (const args of [["--code=7-walnut"], ["--yes"], ["-o", "dir/in"]]) {
  test(`at a terminal, ${args} is an answer in advance`, async (cwd) => {
    await Deno.writeTextFile(`${cwd}/in`, "wanted");
    await Deno.mkdir(`${cwd}/dir`);
    const port = freePort();
    const where = args.includes("-o") ? [] : ["-d", "dir"];
    await using terminal = await Terminal.ferry(
      ["receive", `${port}`, ...where, ...args],
      { cwd },
    );
    await listening("udp", port);
    const code = args.filter((arg) => arg.startsWith("--code"));
    const sent = sender(port, ["in", ...code], { cwd });
    assertEquals(await sent.status, 0, sent.stderr);
    assertEquals(await terminal.exit(), 0);
    assert(!QUESTION.test(await terminal.screen()));
    assertEquals(namesIn(`${cwd}/dir`), ["in"]);
  });
}

Deno.test("--json says a refusal as an event, on both sides", () =>
  inDirectory(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/in`, "json");
    const received = await receiver(["-d", "dir", "--json"], { cwd });
    const sent = sender(received.port, ["in", "--json"], { cwd });
    assertEquals([await received.status, await sent.status], [3, 3]);
    for (const { stderr } of [received, sent]) {
      const events = stderr.trim().split("\n").map((line) => JSON.parse(line));
      const last = events.at(-1);
      assertEquals([last.event, last.status], ["error", 3], stderr);
    }
  }));
