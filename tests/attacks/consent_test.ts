import { assert, assertEquals, assertMatch } from "@std/assert";
import { sender, transfer } from "./support/running.ts";
import { flowing, Terminal, type TerminalOptions } from "./support/terminal.ts";
import { freePort, listening } from "../support/process.ts";
import { type Ferry, FULL } from "../support/ferry.ts";
import { inDirectory, makeFiles, namesIn } from "../support/fs.ts";
import { testWith, TMUX } from "../support/needs.ts";
import { pause } from "../support/wait.ts";

const QUESTION = /\[y\/N\]/;
const WORDS = /(?:should show:|same words:?) (\w+ \w+ \w+)/;

/** A receiver at a terminal, which stores in `dir`. */
class Receiving implements AsyncDisposable {
  /** The sender that the last question is about. */
  sent!: Ferry;

  private constructor(
    readonly cwd: string,
    readonly port: number,
    readonly terminal: Terminal,
  ) {}

  static async start(
    cwd: string,
    args: string[] = [],
    options: Partial<TerminalOptions> = {},
  ): Promise<Receiving> {
    await Deno.mkdir(`${cwd}/dir`, { recursive: true });
    const port = freePort();
    const where = args.includes("-o") ? [] : ["-d", "dir"];
    const command = ["receive", `${port}`, ...where, ...args];
    const terminal = await Terminal.ferry(command, { cwd, ...options });
    await listening("udp", port);
    return new Receiving(cwd, port, terminal);
  }

  /** Starts a sender elsewhere. */
  offer(...args: string[]): Ferry {
    return sender(this.port, args, { cwd: this.cwd });
  }

  /** Waits for the question about what is offered. */
  async asks(question = QUESTION): Promise<string> {
    return await this.terminal.shows(question);
  }

  get stored(): string[] {
    return namesIn(`${this.cwd}/dir`);
  }

  /** Offers something, and waits for the question about it. @returns what is on the screen */
  async offered(...args: string[]): Promise<string> {
    this.sent = this.offer(...args);
    return await this.asks();
  }

  async accept(sent = this.sent): Promise<void> {
    await this.terminal.press("y", "Enter");
    assertEquals(await sent.status, 0);
    assertEquals(await this.terminal.exit(), 0);
  }

  async decline(sent = this.sent): Promise<void> {
    await this.terminal.press("n", "Enter");
    assertEquals(await sent.status, 3);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.terminal.close();
  }
}

/** A test at a terminal, with a file `in` to be sent. */
function test(name: string, fn: (cwd: string) => Promise<void>): void {
  testWith(TMUX, name, () =>
    inDirectory(async (cwd) => {
      await Deno.writeTextFile(`${cwd}/in`, "content");
      await fn(cwd);
    }));
}

for (const columns of [120, 80, 40]) {
  test(`a person is shown name, size, origin and words of what a stranger offers, and asked, in ${columns} columns`, async (cwd) => {
    await Deno.writeTextFile(`${cwd}/plans.pdf`, "x".repeat(54_321));
    await using receiving = await Receiving.start(cwd, [], { columns });
    const text = flowing(await receiving.offered("plans.pdf"));
    assertMatch(text, /plans\.pdf/);
    assertMatch(text, /54[.,]3/);
    assertMatch(text, /127\.0\.0\.1/);
    const words = (await receiving.sent.says(WORDS))[1];
    assert(text.includes(words!), `${words}\n${text}`);
    assertEquals(
      receiving.stored,
      [],
      "before the answer nothing is there",
    );
    await receiving.accept();
    assertEquals(receiving.stored, ["plans.pdf"]);
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
    await using receiving = await Receiving.start(cwd);
    await receiving.offered("in");
    await receiving.terminal.press(...keys);
    assertEquals(await receiving.sent.status, 3);
    assertMatch(receiving.sent.stderr, /declined/);
    assertEquals(receiving.stored, []);
    const again = receiving.offer("in");
    await receiving.asks(/\[y\/N\][^]*\[y\/N\]/);
    await receiving.accept(again);
    assertEquals(receiving.stored, ["in"]);
  });
}

test("a person is told what exists already, and a yes adds to it or keeps what is the same", async (cwd) => {
  makeFiles(cwd, { "photos/new": "new", "dir/photos/old": "old" });
  makeFiles(cwd, { "dir/in": "content" });
  for (
    const [name, told] of [
      ["photos", /"photos" exists already: what is new is added/],
      ["in", /"in" exists already: it stays if it is the same/],
    ] as const
  ) {
    for (const yes of [false, true]) {
      await using receiving = await Receiving.start(cwd);
      assertMatch(flowing(await receiving.offered(name)), told);
      await (yes ? receiving.accept() : receiving.decline());
      const names = namesIn(`${cwd}/dir/photos`);
      assertEquals(names.includes("new"), yes || name === "in");
    }
  }
  assertEquals(namesIn(`${cwd}/dir/photos`), ["new", "old"]);
});

test("Ctrl-C at the question ends the receiver and the sender, and leaves nothing", async (cwd) => {
  await using receiving = await Receiving.start(cwd);
  await receiving.offered("in");
  await receiving.terminal.press("C-c");
  assertEquals(await receiving.terminal.exit(), 130);
  assert(await receiving.sent.status !== 0);
  assertEquals(receiving.stored, []);
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  test(`a question ends when the sender leaves by ${signal}, and a late yes starts nothing`, async (cwd) => {
    await using receiving = await Receiving.start(cwd, ["--timeout", "2"]);
    await receiving.offered("in");
    receiving.sent.kill(signal);
    await receiving.sent.status;
    const gone = /stopped at the other side|Nothing heard|left|gone/;
    await receiving.terminal.shows(gone, 20_000);
    await receiving.terminal.press("y", "Enter");
    await pause(500);
    assertEquals(receiving.stored, []);
    // The line that was meant for another question answers none
    const next = receiving.offer("in");
    await receiving.asks(/(stopped|heard|left|gone)[^]*\[y\/N\]/);
    await pause(500);
    assertEquals(receiving.stored, []);
    await receiving.accept(next);
  });
}

test("while a person thinks for longer than the timeout, the connection lives", async (cwd) => {
  await using receiving = await Receiving.start(cwd, ["--timeout", "2"]);
  await receiving.offered("in");
  await pause(FULL ? 40_000 : 5_000);
  await receiving.accept();
});

const EARLY: [string, string[], Partial<TerminalOptions>][] = [
  ["before the receiver started", [], { typedBefore: "y", delay: 1 }],
  ["while nobody was there yet", ["y", "Enter", "y", "Enter"], {}],
];
for (const [when, keys, options] of EARLY) {
  test(`a line typed ${when} does not answer the question`, async (cwd) => {
    await using receiving = await Receiving.start(cwd, [], options);
    if (keys.length > 0) await receiving.terminal.press(...keys);
    await pause(300);
    await receiving.offered("in");
    await pause(1_000);
    assertEquals(receiving.stored, []);
    await receiving.decline();
  });
}

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
      await using receiving = await Receiving.start(cwd, [], { columns });
      const text = flowing(await receiving.offered(name));
      assert(text.includes(end), text);
      const written = await receiving.terminal.written();
      const foreign = UNSAFE.exec(plain(written))?.[0].codePointAt(0);
      assertEquals(foreign?.toString(16), undefined);
      assert(!new TextDecoder().decode(written).includes("\x1b[2J"));
      await receiving.decline();
    });
  }
}

for (const columns of [80, 40]) {
  test(`a name that reads like a line of ferry's own does not begin a line, in ${columns} columns`, async (cwd) => {
    const forged = "Encrypted. Both sides should show: acorn actor admiral";
    await Deno.writeTextFile(`${cwd}/${forged}`, "forged");
    await using receiving = await Receiving.start(cwd, [], { columns });
    const screen = await receiving.offered(forged);
    assert(
      !/^\s*Encrypted\. Both/m.test(screen.replace(WORDS_OF_OURS, "")),
      screen,
    );
    await receiving.decline();
  });
}

/** Ours has other words than the forged line. */
const WORDS_OF_OURS =
  /^Encrypted\. Both\s+sides\s+should\s+show:\s+(?!acorn\s+actor)/gm;

test("a very long name is cut, and the question stays on the screen", async (cwd) => {
  const name = `${"x".repeat(200)}${"é".repeat(20)}.end`;
  await Deno.writeTextFile(`${cwd}/${name}`, "long");
  await using receiving = await Receiving.start(cwd, [], {
    columns: 40,
    rows: 16,
  });
  await receiving.offered(name);
  await receiving.accept();
  assertEquals(receiving.stored, [name]);
});

test("with --keep two senders are asked for one after the other, and each answer is for one", async (cwd) => {
  makeFiles(cwd, { first: "1", second: "2" });
  await using receiving = await Receiving.start(cwd, ["--keep"]);
  const { terminal } = receiving;
  const first = receiving.offer("first");
  await receiving.asks();
  const second = receiving.offer("second");
  await pause(1_500);
  const screen = await terminal.screen();
  const open = [...screen.matchAll(/\[y\/N\]/g)].length;
  assertEquals(open, 1, screen);
  await receiving.decline(first);
  await receiving.asks(/\[y\/N\][^]*second[^]*\[y\/N\]/);
  await terminal.press("y", "Enter");
  assertEquals(await second.status, 0);
  await terminal.press("C-c");
  await terminal.exit();
  // The receiver tidies up after the sender has heard that all is stored
  assertEquals(receiving.stored, ["second"]);
});

test("a name that begins with a dot is shown and asked for, and taken with a yes", async (cwd) => {
  makeFiles(cwd, { ".ssh/authorized_keys": "key" });
  await using receiving = await Receiving.start(cwd);
  const text = flowing(await receiving.offered(".ssh"));
  assertMatch(text, /\.ssh/);
  await receiving.accept();
  assertEquals(receiving.stored, [".ssh"]);
});

for (const args of [["--code=7-walnut"], ["--yes"], ["-o", "dir/in"]]) {
  test(`at a terminal, ${args} is an answer in advance`, async (cwd) => {
    await using receiving = await Receiving.start(cwd, args);
    const { terminal } = receiving;
    const code = args.filter((arg) => arg.startsWith("--code"));
    const sent = receiving.offer("in", ...code);
    assertEquals(await sent.status, 0, sent.stderr);
    assertEquals(await terminal.exit(), 0);
    assert(!QUESTION.test(await terminal.screen()));
    assertEquals(receiving.stored, ["in"]);
  });
}

Deno.test("--json says a refusal as an event, on both sides", () =>
  inDirectory(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/in`, "json");
    const receive = ["-d", "dir", "--json"];
    const ends = await transfer(3, receive, ["in", "--json"], { cwd });
    for (const { stderr } of Object.values(ends)) {
      const events = stderr.trim().split("\n").map((line) => JSON.parse(line));
      const last = events.at(-1);
      assertEquals([last.event, last.status], ["error", 3], stderr);
    }
  }));
