import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertDone } from "../../support/assertions.ts";
import {
  FULL,
  type PairOptions,
  runPair,
  startPair,
} from "../../support/ferry.ts";
import {
  namesIn,
  sameFiles,
  staged,
  test,
  writeRandomFile,
} from "../../support/fs.ts";
import { grown } from "../../support/wait.ts";

const SIZE = FULL ? 500_000_000 : 20_000_000;
/** Slow enough to be interrupted in the middle. */
const RATE = FULL ? "1000" : "80";
const TIMEOUT = ["--timeout", "1"];

/** A pair that sends `names` from `cwd` into `dir`, slowly. */
function slowly(cwd: string, ...names: string[]): PairOptions {
  return {
    cwd,
    send: { args: [...names, "--rate", RATE, ...TIMEOUT] },
    receive: { args: ["-d", "dir", ...TIMEOUT] },
  };
}

/** A transfer of `in` into `dir` that was interrupted when a part was there. */
async function interrupted(cwd: string, ...args: string[]): Promise<void> {
  await writeRandomFile(`${cwd}/in`, SIZE);
  await Deno.mkdir(`${cwd}/dir`);
  const pair = await startPair(
    args.length === 0 ? slowly(cwd, "in") : streamed(cwd, ...args),
  );
  await grown(() => staged(`${cwd}/dir`, "in"), SIZE / 10, pair);
  pair.receiver.kill("SIGINT");
  const [receiver] = await pair.ended;
  assertMatch(receiver.stderr, /^Interrupted; to resume/);
}

/** A pair that sends `in` from standard input. */
function streamed(cwd: string, ...args: string[]): PairOptions {
  return {
    cwd,
    send: {
      shell: 'exec "$@" < in',
      args: ["--rate", RATE, ...TIMEOUT, ...args],
    },
    receive: { args: ["-o", "dir/in", ...TIMEOUT] },
  };
}

test("a part file that was tampered with is noticed, said, and sent anew", async (cwd) => {
  await interrupted(cwd);
  using part = await Deno.open(staged(`${cwd}/dir`, "in"), { write: true });
  await part.seek(1_000_000, Deno.SeekMode.Start);
  await part.write(new TextEncoder().encode("tampered"));
  const ended = await runPair(slowly(cwd, "in"));
  assertDone(ended);
  for (const { stderr } of ended) assertMatch(stderr, /Starting over/);
  assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
});

test("another file of the same name is not mixed with what arrived before", async (cwd) => {
  await interrupted(cwd);
  await Deno.remove(`${cwd}/in`);
  await writeRandomFile(`${cwd}/in`, 1000);
  const ended = await runPair(slowly(cwd, "in"));
  assertDone(ended);
  assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
});

test("a stream goes on with --resume", async (cwd) => {
  await interrupted(cwd, "-q");
  const before = await Deno.stat(staged(`${cwd}/dir`, "in"));
  const resumed = await runPair(streamed(cwd, "--resume"));
  assertDone(resumed);
  for (const { stderr } of resumed) assertMatch(stderr, /Resuming at/);
  assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
  assert(before.size > 0);
});

test("a stream that was broken off starts over without --resume, and says so", async (cwd) => {
  await interrupted(cwd, "-q");
  const anew = await runPair(streamed(cwd));
  assertDone(anew);
  assertMatch(anew[0].stderr, /Starting over/);
  assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
});

test("a stream that is another one than before fails with --resume, and nothing is lost", async (cwd) => {
  await interrupted(cwd, "-q");
  const { size } = await Deno.stat(staged(`${cwd}/dir`, "in"));
  await Deno.remove(`${cwd}/in`);
  await writeRandomFile(`${cwd}/in`, SIZE);
  const [received, sent] = await runPair(streamed(cwd, "--resume"));
  assertEquals([received.code, sent.code], [1, 1]);
  assertMatch(sent.stderr, /is not the beginning of this stream/);
  assertEquals(namesIn(`${cwd}/dir`), ["in.ferry-part"]);
  assertEquals((await Deno.stat(staged(`${cwd}/dir`, "in"))).size, size);
});
