import { assert, assertEquals, assertMatch } from "@std/assert";
import { Prng } from "../../../lib/base/prng.ts";
import { freePort, listening } from "../../support/process.ts";
import { Relay } from "../../net/relay.ts";
import { assertDone } from "../../support/assertions.ts";
import {
  Ferry,
  FULL,
  type PairOptions,
  runPair,
  startPair,
} from "../../support/ferry.ts";
import {
  inDirectory,
  namesIn,
  sameFiles,
  staged,
  writeRandomFile,
} from "../../support/fs.ts";
import { grown, until } from "../../support/wait.ts";
import { EXECUTABLE, ROOT, testWith } from "../../support/needs.ts";

const NOBODY = 65534;
const KILLS = FULL ? 100 : 8;

/** What somebody else on the machine can read below a directory. */
async function readable(directory: string): Promise<string> {
  const { stdout } = await new Deno.Command("find", {
    args: [directory, "-type", "f", "-readable"],
    uid: NOBODY,
    gid: NOBODY,
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

/** Has `directory` be one that all may write, each their own. */
function share(cwd: string, directory: string): void {
  Deno.chmodSync(cwd, 0o755);
  Deno.mkdirSync(directory);
  Deno.chmodSync(directory, 0o1777);
}

for (const into of ["-o", "-d"]) {
  testWith(
    ROOT,
    `another user reads nothing of what arrives with ${into}, neither before nor while nor after, if it is private`,
    () =>
      inDirectory(async (cwd) => {
        share(cwd, `${cwd}/dir`);
        await writeRandomFile(`${cwd}/in`, 5_000_000);
        Deno.chmodSync(`${cwd}/in`, 0o600);
        const pair = await startPair({
          cwd,
          send: { args: ["in", "--rate", "40"] },
          receive: { args: into === "-o" ? ["-o", "dir/in"] : ["-d", "dir"] },
        });
        await grown(() => staged(`${cwd}/dir`, "in"), 100_000, pair);
        let over = false;
        pair.ended.then(() => over = true);
        let looks = 0;
        for (; !over; looks++) {
          assertEquals(await readable(`${cwd}/dir`), "");
        }
        assert(looks > 1);
        assertDone(await pair.ended);
        assertEquals(await readable(`${cwd}/dir`), "");
        const { mode, uid } = Deno.statSync(`${cwd}/dir/in`);
        assertEquals([mode! & 0o7777, uid], [0o600, 0]);
      }),
  );
}

Deno.test("a receiver with -o leaves nothing in the directory before anybody sends, and no name to guess", () =>
  inDirectory(async (cwd) => {
    const port = freePort();
    const receiver = new Ferry(["receive", `${port}`, "-o", "x"], { cwd });
    await listening("udp", port);
    assertEquals(namesIn(cwd), []);
    receiver.kill("SIGTERM");
    await receiver.ended;
    assertEquals(namesIn(cwd), []);
  }));

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
    () =>
      inDirectory(async (cwd) => {
        share(cwd, `${cwd}/dir`);
        await plant(`${cwd}/dir`, NOBODY - 1);
        const before = namesIn(`${cwd}/dir`);
        await writeRandomFile(`${cwd}/in`, 300_000);
        const options = `--reuid=${uid} --regid=${uid} --clear-groups`;
        const ended = await runPair({
          cwd,
          send: { args: ["in"] },
          receive: {
            shell: `exec setpriv ${options} "$@"`,
            args: ["-d", "dir"],
          },
        });
        assertDone(ended);
        assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
        assertEquals(Deno.statSync(`${cwd}/dir/in`).uid, uid);
        assertEquals(namesIn(`${cwd}/dir`), [...before, "in"].sort());
      }),
  );
}

testWith(
  ROOT.met ? EXECUTABLE : [],
  "a umask that takes everything away leaves nothing behind",
  () =>
    inDirectory(async (cwd) => {
      Deno.writeTextFileSync(`${cwd}/in`, "hello");
      share(cwd, `${cwd}/dir`);
      const drop = `setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups`;
      const [, sent] = await runPair({
        cwd,
        send: { args: ["in"] },
        receive: {
          shell: `umask 777; exec ${ROOT.met ? drop : ""} "$@"`,
          args: ["-d", "dir"],
        },
      });
      assertEquals(sent.code, 3);
      assertEquals(namesIn(`${cwd}/dir`), []);
    }),
);

Deno.test("a file that is larger than files may be there fails like a full disk, and goes on without the limit", () =>
  inDirectory(async (cwd) => {
    await writeRandomFile(`${cwd}/in`, 3_000_000);
    await Deno.mkdir(`${cwd}/dir`);
    const pair = (shell: string) =>
      runPair({
        cwd,
        send: { args: ["in"] },
        receive: { shell, args: ["-d", "dir"] },
      });
    const [received, sent] = await pair('ulimit -f 1000; exec "$@"');
    assertEquals([received.code, sent.code], [1, 1]);
    assertMatch(received.stderr, /too large/);
    const ended = await pair('exec "$@"');
    assertDone(ended);
    assertMatch(ended[1].stderr, /were there before/);
    assertEquals(namesIn(`${cwd}/dir`), ["in"]);
  }));

Deno.test("what the umask takes away stays away, and set-user-id bits do not arrive", () =>
  inDirectory(async (cwd) => {
    await Deno.mkdir(`${cwd}/tree`);
    await Deno.writeTextFile(`${cwd}/tree/x`, "x");
    await Deno.chmod(`${cwd}/tree/x`, 0o6777);
    await Deno.chmod(`${cwd}/tree`, 0o1777);
    await Deno.writeTextFile(`${cwd}/in`, "in");
    for (const umask of [0o022, 0o077]) {
      await Deno.mkdir(`${cwd}/dir`);
      const shell = `umask ${umask.toString(8)}; exec "$@"`;
      for (const name of ["tree", "in"]) {
        const options: PairOptions = {
          cwd,
          send: { args: [name] },
          receive: { shell, args: ["-d", "dir"] },
        };
        assertDone(await runPair(options));
      }
      const modes = ["tree", "tree/x", "in"].map((name) =>
        Deno.statSync(`${cwd}/dir/${name}`).mode! & 0o7777
      );
      assertEquals(modes, [0o777 & ~umask, 0o777 & ~umask, 0o644 & ~umask]);
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
  }));

Deno.test("a directory that was there keeps its mode, however often the same is sent", () =>
  inDirectory(async (cwd) => {
    await Deno.mkdir(`${cwd}/private`);
    await Deno.chmod(`${cwd}/private`, 0o777);
    await writeRandomFile(`${cwd}/private/in`, 5_000_000);
    await Deno.mkdir(`${cwd}/dir/private`, { recursive: true });
    await Deno.chmod(`${cwd}/dir/private`, 0o700);
    await Deno.writeTextFile(`${cwd}/dir/private/diary`, "dear");
    for (let attempt = 0; attempt < 2; attempt++) {
      const [received, sent] = await runPair({
        cwd,
        send: { args: ["private"] },
        receive: { args: ["-d", "dir"] },
      });
      assertEquals([received.code, sent.code], [1, 3]);
      assertMatch(received.stderr, /private: it exists already/);
    }
    assertEquals(namesIn(`${cwd}/dir`), ["private"]);
    const { mode } = await Deno.stat(`${cwd}/dir/private`);
    assertEquals(mode! & 0o7777, 0o700);
  }));

Deno.test(`after ${KILLS} kills of either side at random moments nothing wrong has a final name, and little was sent twice`, () =>
  inDirectory(async (cwd) => {
    const random = new Prng(29);
    const SIZE = 4_000_000;
    await Deno.mkdir(`${cwd}/tree/sub`, { recursive: true });
    await writeRandomFile(`${cwd}/tree/large`, SIZE * 0.6);
    for (let i = 0; i < 40; i++) {
      await writeRandomFile(`${cwd}/tree/sub/${i}`, SIZE * 0.005);
    }
    await writeRandomFile(`${cwd}/z`, SIZE * 0.2);
    await Deno.mkdir(`${cwd}/dir`);
    const wrong = async () => {
      for (const name of namesIn(`${cwd}/dir`)) {
        if (name.endsWith(".ferry-part")) continue;
        const { success } = await new Deno.Command("diff", {
          args: ["-r", `${cwd}/${name}`, `${cwd}/dir/${name}`],
        }).output();
        if (!success) return name;
      }
      return undefined;
    };
    let bytes = 0;
    let done = 0;
    for (let kills = 0; kills < KILLS;) {
      let relay: Relay | undefined;
      let arrived = 0;
      const pair = await startPair({
        cwd,
        send: { args: ["tree", "z", "--rate", "40", "--timeout", "1"] },
        receive: { args: ["-d", "dir", "--timeout", "1"] },
        via: (port) => {
          relay = Relay.start({
            to: { hostname: "127.0.0.1", port },
            onDatagram: (datagram, direction) => {
              if (direction === "up") arrived += datagram.length;
            },
          });
          return relay.port;
        },
      });
      let over = false;
      pair.ended.then(() => over = true);
      const target = random.int(SIZE / 2);
      await until(() => over || arrived >= target);
      if (!over) {
        kills++;
        pair[random.int(2) === 0 ? "sender" : "receiver"].kill("SIGKILL");
      }
      const codes = (await pair.ended).map(({ code }) => code);
      await relay!.close();
      bytes += arrived;
      assertEquals(await wrong(), undefined);
      if (codes.some((code) => code !== 0)) continue;
      done++;
      assertEquals(namesIn(`${cwd}/dir`), ["tree", "z"]);
      await Deno.remove(`${cwd}/dir`, { recursive: true });
      await Deno.mkdir(`${cwd}/dir`);
    }
    // What an attempt sends before it knows what is there
    const limit = 1.1 * SIZE * (done + 1) + 600_000 * (KILLS + done);
    assert(bytes < limit, `${bytes} bytes were sent for ${done} transfers`);
  }));
