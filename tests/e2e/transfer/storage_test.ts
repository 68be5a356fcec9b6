import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertDone } from "../../support/assertions.ts";
import { freePort } from "../../support/process.ts";
import {
  eventsOf,
  runFerry,
  runPair,
  sendFiles,
  startReceiver,
} from "../../support/ferry.ts";
import {
  makeFiles,
  namesIn,
  sameFiles,
  test,
  writeRandomFile,
} from "../../support/fs.ts";
import { EXECUTABLE, ROOT, SOURCE, testWith } from "../../support/needs.ts";

const NOBODY = 65534;

/** Has `directory` be one that all may write, each their own. */
function share(cwd: string, directory: string): void {
  Deno.chmodSync(cwd, 0o755);
  Deno.mkdirSync(directory);
  Deno.chmodSync(directory, 0o1777);
}

test("a receiver with -o leaves nothing in the directory before anybody sends, and no name to guess", async (cwd) => {
  const { receiver } = await startReceiver(["-o", "x"], { cwd });
  assertEquals(namesIn(cwd), []);
  receiver.kill("SIGTERM");
  await receiver.ended;
  assertEquals(namesIn(cwd), []);
});

/** Has another user put things where a file called `in` will arrive. */
async function plant(directory: string, user: number): Promise<void> {
  const script = `umask 0
    echo planted > in.ferry-part
    mkdir -p in.00000000.ferry-part/content
    echo '{"version":1,"kind":"file","names":["in"],"count":1}' \
      > in.00000000.ferry-part/state
    echo planted > in.00000000.ferry-part/content/in.ferry-part
    mkfifo in.11111111.ferry-part
    ln -s /etc in.22222222.ferry-part
    mkdir -m 700 in.33333333.ferry-part
    mkfifo -m 600 in.33333333.ferry-part/state`;
  const { success } = await new Deno.Command("bash", {
    args: ["-ec", script],
    cwd: directory,
    uid: user,
    gid: user,
  }).output();
  assert(success);
}

for (const [who, uid] of [["root", 0], ["a user", NOBODY]] as const) {
  testWith(
    // Another user may not be allowed to run Deno
    uid === 0 ? ROOT : [ROOT, EXECUTABLE],
    `what another user has planted in a shared directory is neither filled nor waited for, nor removed, by ${who}`,
    async (cwd) => {
      share(cwd, `${cwd}/dir`);
      await plant(`${cwd}/dir`, NOBODY - 1);
      const before = namesIn(`${cwd}/dir`);
      await writeRandomFile(`${cwd}/in`, 300_000);
      const options = `--reuid=${uid} --regid=${uid} --clear-groups`;
      const shell = `exec setpriv ${options} "$@"`;
      assertDone(await sendFiles(cwd, ["in"], { shell, args: ["-d", "dir"] }));
      assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
      assertEquals(Deno.statSync(`${cwd}/dir/in`).uid, uid);
      assertEquals(namesIn(`${cwd}/dir`), [...before, "in"].sort());
    },
  );
}

testWith(
  ROOT.met ? EXECUTABLE : [],
  "a umask that takes everything away leaves nothing behind",
  async (cwd) => {
    Deno.writeTextFileSync(`${cwd}/in`, "hello");
    share(cwd, `${cwd}/dir`);
    const drop = `setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups`;
    const shell = `umask 777; exec ${ROOT.met ? drop : ""} "$@"`;
    const receive = { shell, args: ["-d", "dir"] };
    const [, sent] = await sendFiles(cwd, ["in"], receive);
    assertEquals(sent.code, 3);
    assertEquals(namesIn(`${cwd}/dir`), []);
  },
);

test("a file that is larger than files may be there fails like a full disk, and goes on without the limit", async (cwd) => {
  await writeRandomFile(`${cwd}/in`, 3_000_000);
  await Deno.mkdir(`${cwd}/dir`);
  const pair = (shell: string) =>
    sendFiles(cwd, ["in"], { shell, args: ["-d", "dir"] });
  // Deno's own cache is too large, too: it is to be complete, and used no more
  await runFerry(["receive", `${freePort()}`, "--wait", "0.01", "-d", "dir"]);
  const command = SOURCE.met ? '"${@:1:2}" --no-code-cache "${@:3}"' : '"$@"';
  const [received, sent] = await pair(`ulimit -f 1000; exec ${command}`);
  assertEquals([received.code, sent.code], [1, 1]);
  assertMatch(received.stderr, /too large/);
  const ended = await pair('exec "$@"');
  assertDone(ended);
  assertMatch(ended[1].stderr, /already there/);
  assertEquals(namesIn(`${cwd}/dir`), ["in"]);
});

test("what the umask takes away stays away, and set-user-id bits do not arrive", async (cwd) => {
  const large = new Uint8Array(300_000);
  const files = { "tree/sub/": "", "tree/x": "x", "tree/large": large };
  makeFiles(cwd, { ...files, in: "in" });
  await Deno.chmod(`${cwd}/tree/x`, 0o6777);
  await Deno.chmod(`${cwd}/tree/large`, 0o4777);
  await Deno.chmod(`${cwd}/tree/sub`, 0o3777);
  await Deno.chmod(`${cwd}/tree`, 0o1777);
  for (const umask of [0o022, 0o077]) {
    const shell = `umask ${umask.toString(8)}; exec "$@"`;
    for (const name of ["tree", "in"]) {
      const receive = { shell, args: ["-d", "dir"] };
      assertDone(await sendFiles(cwd, [name], receive));
    }
    const names = ["tree", "tree/x", "tree/large", "tree/sub"];
    for (const name of [...names, "in"]) {
      const { mode } = Deno.statSync(`${cwd}/dir/${name}`);
      const sent = name === "in" ? 0o644 : 0o777;
      assertEquals(mode! & 0o7777, sent & ~umask, name);
    }
    // A stream comes without a mode
    assertDone(
      await runPair({
        cwd,
        send: { shell: 'exec "$@" < in' },
        receive: { shell, args: ["-o", "dir/out"] },
      }),
    );
    const { mode } = Deno.statSync(`${cwd}/dir/out`);
    assertEquals(mode! & 0o7777, 0o666 & ~umask);
    await Deno.remove(`${cwd}/dir`, { recursive: true });
  }
});

test("what is there already and is the same is kept, with and without force, and both sides say so", async (cwd) => {
  await writeRandomFile(`${cwd}/large`, 3_000_000);
  await Deno.writeTextFile(`${cwd}/small`, "small");
  for (const name of ["large", "small"]) {
    const send = { args: [name] };
    const receive = { args: ["-d", "dir"] };
    assertDone(await runPair({ cwd, send, receive }));
    const { ino } = await Deno.stat(`${cwd}/dir/${name}`);
    await Deno.chmod(`${cwd}/${name}`, 0o600);
    const security = ["--code=7-walnut-cobra"];
    const again = await runPair({ cwd, send, receive, security });
    assertDone(again);
    for (const { stderr } of again) {
      assertMatch(stderr, /already there\)/);
      // Nothing has broken off
      assertEquals(/[Rr]esum/.test(stderr), false);
    }
    const there = await Deno.stat(`${cwd}/dir/${name}`);
    assertEquals([there.ino, there.mode! & 0o777], [ino, 0o600]);
    const args = ["-d", "dir", "--force"];
    assertDone(await runPair({ cwd, send, receive: { args } }));
    assertEquals(namesIn(`${cwd}/dir`).includes(name), true);
  }
  assertEquals(namesIn(`${cwd}/dir`), ["large", "small"]);
});

// T-13
test("a receiver's --rate limits what it is sent", async (cwd) => {
  await writeRandomFile(`${cwd}/in`, 4_000_000);
  const limit = ["-d", "dir", "--rate", "16"];
  const ended = await sendFiles(cwd, ["in", "--json"], limit);
  assertDone(ended);
  const { event, rate } = eventsOf(ended[1]).at(-1)!;
  assertEquals(event, "done");
  // What left before the limit was known is little of it
  assert(Number(rate) < 2_400_000, `${rate} bytes per second`);
});

test("with --rename what has a name that is taken gets a number, and both sides succeed", async (cwd) => {
  makeFiles(cwd, { "tree/file": "1" });
  for (const text of ["1", "2", "3"]) {
    await Deno.writeTextFile(`${cwd}/photo.jpg`, text);
    for (const name of ["photo.jpg", "tree"]) {
      const ended = await sendFiles(cwd, [name], ["-d", "dir", "--rename"]);
      assertDone(ended);
      if (text === "1") continue;
      const saved = name === "tree" ? `tree (${text})` : `photo (${text}).jpg`;
      assertMatch(
        ended[0].stderr,
        new RegExp(saved.replace(/[().]/g, "\\$&")),
      );
    }
  }
  assertEquals(namesIn(`${cwd}/dir`), [
    "photo (2).jpg",
    "photo (3).jpg",
    "photo.jpg",
    "tree",
    "tree (2)",
    "tree (3)",
  ]);
  assertEquals(await Deno.readTextFile(`${cwd}/dir/photo (3).jpg`), "3");
});
