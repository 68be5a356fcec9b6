import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type Ended,
  FULL,
  runPair,
  sendFiles,
  startPair,
} from "../../support/ferry.ts";
import { namesIn, sameFiles, test, writeRandomFile } from "../../support/fs.ts";
import { until } from "../../support/wait.ts";
import { assertDone, assertSmall } from "../../support/assertions.ts";

/** Asserts that both sides succeeded, and say so with the same digest and nothing else. */
function assertDoneAlike(ended: [Ended, Ended]): void {
  assertDone(ended);
  const [one, other] = ["Received", "Sent"].map((done, side) => {
    const { stderr } = ended[side]!;
    const digest = / .*\n.* by SHA-256:\n {2}([0-9a-f]{64}) {2}\S+\n$/;
    assertMatch(stderr, new RegExp(`^${done}${digest.source}`));
    return digest.exec(stderr)![1];
  });
  assertEquals(one, other);
}

/** Sends the file `in` of a directory both ways that there are, one of them plain, and compares. */
async function assertCarried(cwd: string): Promise<void> {
  assertDoneAlike(
    await runPair({
      cwd,
      send: { shell: 'cat in | "$@"', args: ["--plain"] },
      receive: { shell: '"$@" | cat > out', args: ["--plain"] },
    }),
  );
  assert(await sameFiles(`${cwd}/in`, `${cwd}/out`), "by pipe");
  await Deno.remove(`${cwd}/out`);

  assertDoneAlike(await sendFiles(cwd, ["in"], ["-d", "dir"]));
  assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`), "by file");
  assertEquals(namesIn(`${cwd}/dir`), ["in"]);
}

for (const size of [0, 1, 511, 512, 513, 65_536]) {
  test(`${size} bytes arrive as they were sent, by pipe and by file`, async (cwd) => {
    await writeRandomFile(`${cwd}/in`, size);
    await assertCarried(cwd);
  });
}

for (const without of [["send", "receive"], ["send"], ["receive"]]) {
  const sides = without.join(" and ");
  test(`everything arrives where ${sides} may not call libraries of the system`, async (cwd) => {
    const shell = (side: string) =>
      without.includes(side) ? '"${@/#--allow-ffi=*/--no-lock}"' : '"$@"';
    await writeRandomFile(`${cwd}/in`, 5_000_000);
    assertDoneAlike(
      await runPair({
        cwd,
        send: { shell: `cat in | ${shell("send")}` },
        receive: { shell: `${shell("receive")} > out` },
      }),
    );
    assert(await sameFiles(`${cwd}/in`, `${cwd}/out`));
  });
}

test("300 MB arrive as they were sent, by pipe and by file", async (cwd) => {
  await writeRandomFile(`${cwd}/in`, 300_000_000);
  await assertCarried(cwd);
});

test("standard input and output may be files, and -o names one", async (cwd) => {
  await writeRandomFile(`${cwd}/in`, 70_000);
  assertDoneAlike(
    await runPair({
      cwd,
      send: { shell: 'exec "$@" < in' },
      receive: { shell: 'exec "$@" > out' },
    }),
  );
  assert(await sameFiles(`${cwd}/in`, `${cwd}/out`));
  assertDoneAlike(
    await runPair({
      cwd,
      send: { shell: 'exec "$@" < in', args: ["-"] },
      receive: { args: ["-o", "named"] },
    }),
  );
  assert(await sameFiles(`${cwd}/in`, `${cwd}/named`));
});

test("a stream that is saved in a directory is named after the time", async (cwd) => {
  assertDoneAlike(await runPair({ cwd, receive: { args: ["-d", "."] } }));
  const [name, ...others] = namesIn(cwd);
  assertMatch(name!, /^ferry-\d{8}-\d{6}$/);
  assertEquals(others, []);
});

test("a line that is typed arrives before the stream ends", async (cwd) => {
  const { sender, ended } = await startPair({
    cwd,
    send: { input: true },
    receive: { shell: 'exec "$@" > out' },
  });
  const writer = sender.stdin.getWriter();
  for (const text of ["one\n", "two\n"]) {
    await writer.write(new TextEncoder().encode(text));
    await until(async () =>
      (await Deno.readTextFile(`${cwd}/out`)).endsWith(text)
    );
  }
  await writer.close();
  assertDoneAlike(await ended);
});

const MEGABYTES = FULL ? 2000 : 250;
test(`memory stays flat for ${MEGABYTES} MB`, async (cwd) => {
  const pair = await startPair({
    cwd,
    send: {
      shell: `head -c ${MEGABYTES}000000 /dev/zero > in; exec "$@" < in`,
    },
    receive: { shell: 'exec "$@" > /dev/null' },
  });
  await assertSmall(pair, 150e6);
});
