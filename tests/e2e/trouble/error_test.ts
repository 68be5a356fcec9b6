import { assert, assertEquals, assertMatch } from "@std/assert";
import { freePort, listening } from "../../support/process.ts";
import { assertDone, assertFailed } from "../../support/assertions.ts";
import {
  Ferry,
  runFerry,
  sendFiles,
  startPair,
  startReceiver,
} from "../../support/ferry.ts";
import {
  makeFiles,
  mount,
  namesIn,
  staged,
  test,
  unmount,
  writeRandomFile,
} from "../../support/fs.ts";
import { until } from "../../support/wait.ts";
import { FFI, MOUNT, NO_ROOT, testWith } from "../../support/needs.ts";

const PORT = `${freePort()}`;
const SEND = ["send", "127.0.0.1", PORT];
const RECEIVE = ["receive", PORT];
const NEVER = ["--timeout", "0.5"];
/** Commands that fail, in a directory with nothing but `file` in it. */
const FAILURES: [string[], status: number, RegExp][] = [
  [["send"], 2, /see ferry send --help/],
  [["receive", "x"], 2, /takes a port/],
  [["--bad"], 2, /Unknown option --bad/],
  [["send", "no-such-host.invalid"], 2, /Unknown host no-such-host\.invalid/],
  [[...SEND, "none"], 2, /Cannot read none: no such file or directory/],
  [[...SEND, ".", "none"], 2, /Cannot read none: no such file or directory/],
  [[...SEND, ...NEVER], 1, /No answer from 127\.0\.0\.1:\d+ within 0\.5 s/],
  [[...RECEIVE, "--wait", "0.3"], 1, /Nobody connected within 0\.3 s/],
  [[...RECEIVE, "-o", "none/x"], 2, /no such file or directory/],
  [[...RECEIVE, "-o", "."], 2, /it is a directory; use -d/],
  [[...RECEIVE, "-o", "none/"], 2, /it is a directory; use -d/],
  [[...RECEIVE, "-o", "/dev/null"], 2, /(regular file; use|below \/dev, \/p)/],
  [[...RECEIVE, "-o", "/dev/stdout"], 2, /(regular file; use|below \/dev, \/)/],
  [[...RECEIVE, "-o", "/proc/self/x"], 2, /(no such file|below .* \/proc and)/],
  [[...RECEIVE, "-o", "file"], 2, /it exists already; use --force/],
  [[...RECEIVE, "-d", "none"], 2, /There is no directory/],
  [[...RECEIVE, "-d", "file"], 2, /There is no directory/],
];
for (const [args, status, words] of FAILURES) {
  const line = args.join(" ").replace(PORT, "PORT");
  test(`ferry ${line} ends with status ${status} and one line that says why`, async (cwd) => {
    await Deno.writeTextFile(`${cwd}/file`, "old");
    assertFailed(await runFerry(args, { cwd }), status, words);
    assertEquals(namesIn(cwd), ["file"]);
    assertEquals(await Deno.readTextFile(`${cwd}/file`), "old");
  });
}

testWith(
  FFI,
  "a sender to which nothing listens gives up after --wait, and says what it knows",
  async () => {
    const ended = await runFerry([...SEND, "--wait", "0.5"]);
    assertFailed(ended, 1, /within 0\.5 s: nothing listens on that UDP port/);
  },
);

Deno.test("help and the version are printed on standard output", async () => {
  const help = await runFerry(["send", "--help"]);
  assertMatch(new TextDecoder().decode(help.stdout), /^ferry send HOST/);
  assertEquals([help.code, help.stderr], [0, ""]);
  const version = await runFerry(["--version"]);
  assertMatch(
    new TextDecoder().decode(version.stdout),
    /^ferry \d+\.\d+\.\d+\n$/,
  );
});

testWith(
  FFI,
  "where nothing listens a sender says so within a second, and is heard when a receiver comes",
  async (cwd) => {
    const port = `${freePort()}`;
    await Deno.writeTextFile(`${cwd}/in`, "late");
    const sender = new Ferry(["send", "127.0.0.1", port, "in"], {
      cwd,
      shell: 'exec "$@" 2> said',
    });
    const said = () => Deno.readTextFile(`${cwd}/said`).catch(() => "");
    const words =
      /^ferry: 127\.0\.0\.1 is up, but nothing listens on UDP port \d+ yet; waiting for up to 30 s\n/;
    await until(async () => words.test(await said()));
    const received = await runFerry(["receive", port, "-o", "out"], { cwd });
    assertEquals([received.code, (await sender.ended).code], [0, 0]);
    assertEquals(await Deno.readTextFile(`${cwd}/out`), "late");
    // What was sent before there was a receiver is no loss
    assert(!/resent/.test(await said()), await said());
  },
);

testWith(
  MOUNT,
  "all addresses of a name are tried, and all are named if none answers",
  async (cwd) => {
    const port = `${freePort()}`;
    await Deno.writeTextFile(`${cwd}/in`, "second");
    // Of the first address nothing comes back: it is reserved for documentation
    const hosts = "192.0.2.77 two.test\n127.0.0.1 two.test\n::1 localhost\n";
    await Deno.writeTextFile(`${cwd}/hosts`, hosts);
    const shell =
      `unshare --mount bash -c 'mount --bind hosts /etc/hosts && exec "$@"' bash "$@"`;
    const send = (...options: string[]) =>
      runFerry(["send", "two.test", port, "in", ...options], { cwd, shell });
    const none = await send("--wait", "1.5");
    assertFailed(
      none,
      1,
      /192\.0\.2\.77:\d+ and 127\.0\.0\.1:\d+|127\.0\.0\.1:\d+ and 192/,
    );
    const receiver = new Ferry(["receive", port, "-o", "out"], { cwd });
    await listening("udp", Number(port));
    assertEquals((await send()).code, 0);
    assertEquals((await receiver.ended).code, 0);
    assertEquals(await Deno.readTextFile(`${cwd}/out`), "second");
  },
);

Deno.test("a port that is in use is bad input", async () => {
  const { receiver: first, port } = await startReceiver([]);
  assertFailed(
    await runFerry(["receive", `${port}`]),
    2,
    /Port \d+ is in use/,
  );
  first.kill("SIGTERM");
  await first.ended;
});

testWith(
  NO_ROOT,
  "a file that may not be read cannot be sent",
  async (cwd) => {
    await Deno.writeTextFile(`${cwd}/x`, "x", { mode: 0 });
    assertFailed(
      await runFerry(["send", "127.0.0.1", `${cwd}/x`]),
      2,
      /Cannot read .*\/x: permission denied/,
    );
  },
);

test("a file that is there already is refused, and replaced by force", async (cwd) => {
  makeFiles(cwd, { in: "new", "dir/in": "old" });
  const [received, sent] = await sendFiles(cwd, ["in"], ["-d", "dir"]);
  const here = /dir\/in: it exists already, .* --force to replace it/;
  const there = /The receiver refused: something of that name exists there/;
  assertFailed(received, 1, here);
  assertFailed(sent, 3, there);
  assertEquals(namesIn(`${cwd}/dir`), ["in"]);
  assertEquals(await Deno.readTextFile(`${cwd}/dir/in`), "old");

  assertDone(await sendFiles(cwd, ["in"], ["-d", "dir", "--force"]));
  assertEquals(await Deno.readTextFile(`${cwd}/dir/in`), "new");
});

test("a second sender is told that the receiver is busy, and the first goes on", async (cwd) => {
  let port = 0;
  const { sender, ended } = await startPair({
    cwd,
    via: (used) => port = used,
    send: { input: true },
    receive: { shell: 'exec "$@" > out' },
  });
  const writer = sender.stdin.getWriter();
  await writer.write(new TextEncoder().encode("first"));
  await until(async () => (await Deno.readTextFile(`${cwd}/out`)) === "first");
  assertFailed(
    await runFerry(["send", "127.0.0.1", `${port}`]),
    3,
    /is busy with another transfer/,
  );
  await writer.close();
  assertEquals((await ended).map(({ code }) => code), [0, 0]);
});

for (
  const [what, shell, here, there] of [
    [
      "is closed early",
      '"$@" | head -c 10',
      /output: it was closed/,
      /output was closed/,
    ],
    [
      "takes nothing",
      'exec "$@" > /dev/full',
      /output: the disk is full/,
      /disk is full/,
    ],
  ] as const
) {
  test(`an output that ${what} fails the transfer on both sides`, async (cwd) => {
    await writeRandomFile(`${cwd}/in`, 5_000_000);
    const [received, sent] = await sendFiles(cwd, ["in"], { shell });
    assertFailed(received, 1, here);
    assertFailed(sent, 1, there);
    assertMatch(sent.stderr, /The receiver could not go on: its/);
  });
}

test("an output that was closed from the start is warned of", async (cwd) => {
  await writeRandomFile(`${cwd}/in`, 10_000);
  const [received, sent] = await sendFiles(cwd, ["in"], {
    shell: 'exec "$@" >&-',
  });
  assertMatch(received.stderr, /^Standard output is closed or discarded/);
  assertEquals([received.code, sent.code], [0, 0]);
});

/** Registers a test with a file system of 1 MB at `disk`. */
function testWithDisk(
  name: string,
  options: string,
  body: (cwd: string) => Promise<void>,
): void {
  testWith(MOUNT, name, async (cwd) => {
    const disk = `${cwd}/disk`;
    await Deno.mkdir(disk);
    assert(await mount(disk, `size=1m,${options}`));
    try {
      await body(cwd);
    } finally {
      await unmount(disk);
    }
  });
}

testWithDisk(
  "a disk without room for a file fails the transfer on both sides, and nothing is left",
  "rw",
  async (cwd) => {
    await writeRandomFile(`${cwd}/in`, 5_000_000);
    const [received, sent] = await sendFiles(cwd, ["in"], ["-d", "disk"]);
    assertFailed(received, 1, /disk\/in: the disk is full/);
    assertFailed(sent, 1, /The receiver could not go on: its disk is full/);
    assertEquals(namesIn(`${cwd}/disk`), []);
  },
);

testWithDisk(
  "a disk that fills fails the transfer on both sides, and names the file",
  "rw",
  async (cwd) => {
    await Deno.mkdir(`${cwd}/tree`);
    for (let i = 0; i < 40; i++) {
      await writeRandomFile(`${cwd}/tree/${i}`, 50_000);
    }
    const [received, sent] = await sendFiles(cwd, ["tree"], ["-d", "disk"]);
    assertFailed(received, 1, /disk\/tree\/\d+: the disk is full; to resume/);
    assertFailed(sent, 1, /on: its disk is full \(tree\/\d+\)/);
    const tree = staged(`${cwd}/disk`, "tree", "tree");
    for (const name of namesIn(tree)) {
      const { size } = await Deno.stat(`${tree}/${name}`);
      assertEquals(size === 50_000, !name.endsWith(".ferry-part"));
    }
    assertEquals(namesIn(`${cwd}/disk`), ["tree.ferry-part"]);
  },
);

testWithDisk(
  "a disk that is read-only fails the transfer on both sides, with the cause",
  "ro",
  async (cwd) => {
    makeFiles(cwd, { "tree/": "", in: "x" });
    for (const name of ["in", "tree"]) {
      const [received, sent] = await sendFiles(cwd, [name], ["-d", "disk"]);
      assertFailed(received, 1, /the file system is read-only/);
      assertFailed(sent, 3, /refused: its file system is read-only/);
    }
  },
);
