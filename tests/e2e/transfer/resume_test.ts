import { assert, assertEquals, assertMatch } from "@std/assert";
import { Prng } from "../../../lib/base/prng.ts";
import type { Relay } from "../../net/relay.ts";
import { assertDone } from "../../support/assertions.ts";
import {
  type Ended,
  FULL,
  type Pair,
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
import { Meter } from "../../support/meter.ts";
import { grown, until } from "../../support/wait.ts";

const SIZE = FULL ? 500_000_000 : 20_000_000;
/** Slow enough to be interrupted in the middle. */
const RATE = FULL ? "1000" : "80";
/**
 * Bytes that every attempt may send before it knows what is there, and what is
 * on its way when it breaks: on a busy machine that is most of what is small.
 */
const ALLOWANCE = FULL ? 0 : 1_500_000;

/** What puts an end to a transfer. */
type Blow = (pair: Pair, relay: Relay) => void;

const BLOWS: Blow[] = [
  ({ sender }) => sender.kill("SIGKILL"),
  ({ receiver }) => receiver.kill("SIGKILL"),
  ({ sender }) => sender.kill("SIGINT"),
  ({ receiver }) => receiver.kill("SIGINT"),
  (_, relay) => relay.darken(),
];

/** Breaks a transfer of SIZE bytes at random points. @returns the bytes sent in all */
async function breakOff(
  options: PairOptions,
  blows: Blow[],
): Promise<{ sent: number; last: [Ended, Ended] }> {
  const random = new Prng(5);
  const meter = new Meter();
  const via = (port: number) => meter.start(port);
  for (const blow of blows) {
    const share = 0.1 + 0.1 * random.int(1000) / 1000;
    const target = meter.bytes + share * SIZE;
    const pair = await startPair({ ...options, via });
    await until(() => meter.bytes >= target, pair);
    blow(pair, meter.relay!);
    const ended = await pair.ended;
    await meter.relay!.close();
    assert(ended.some(({ code }) => code !== 0));
  }
  const last = await runPair({ ...options, via });
  await meter.relay!.close();
  return { sent: meter.bytes, last };
}

const TIMEOUT = ["--timeout", "1"];

/** A pair that sends `names` from `cwd` into `dir`, slowly. */
function slowly(cwd: string, ...names: string[]): PairOptions {
  return {
    cwd,
    send: { args: [...names, "--rate", RATE, ...TIMEOUT] },
    receive: { args: ["-d", "dir", ...TIMEOUT] },
  };
}

function assertSparing(sent: number, attempts: number): void {
  const limit = 1.1 * SIZE + attempts * ALLOWANCE;
  assert(sent < limit, `${sent} bytes were sent`);
}

Deno.test(`a file of ${SIZE} bytes that is broken five times arrives, and little is sent twice`, () =>
  inDirectory(async (cwd) => {
    await writeRandomFile(`${cwd}/in`, SIZE);
    await Deno.mkdir(`${cwd}/dir`);
    const { sent, last } = await breakOff(slowly(cwd, "in"), BLOWS);
    assertDone(last);
    for (const { stderr } of last) assertMatch(stderr, /Going on after/);
    assertSparing(sent, BLOWS.length);
    assertEquals(namesIn(`${cwd}/dir`), ["in"]);
    assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
  }));

Deno.test(`a tree of ${SIZE} bytes that is broken again and again arrives, and little is sent twice`, () =>
  inDirectory(async (cwd) => {
    await Deno.mkdir(`${cwd}/tree/sub/none`, { recursive: true });
    await writeRandomFile(`${cwd}/tree/a`, SIZE * 0.4);
    for (let i = 0; i < 100; i++) {
      await writeRandomFile(`${cwd}/tree/sub/${i}`, SIZE * 0.002);
    }
    await writeRandomFile(`${cwd}/tree/z`, SIZE * 0.4);
    await Deno.symlink("a", `${cwd}/tree/link`);
    await Deno.chmod(`${cwd}/tree/sub/none`, 0o555);
    await Deno.mkdir(`${cwd}/dir`);
    const blows = FULL ? BLOWS : BLOWS.slice(1, 3);
    const { sent, last } = await breakOff(slowly(cwd, "tree"), blows);
    assertDone(last);
    assertSparing(sent, blows.length);
    assertEquals(namesIn(`${cwd}/dir`), ["tree"]);
    const diff = await new Deno.Command("diff", {
      args: ["-r", "--no-dereference", `${cwd}/tree`, `${cwd}/dir/tree`],
    }).output();
    assertEquals(new TextDecoder().decode(diff.stdout), "");
  }));

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
  assertMatch(receiver.stderr, /^Interrupted; what arrived stays/);
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

Deno.test("a part file that was tampered with is noticed, said, and sent anew", () =>
  inDirectory(async (cwd) => {
    await interrupted(cwd);
    using part = await Deno.open(staged(`${cwd}/dir`, "in"), { write: true });
    await part.seek(1_000_000, Deno.SeekMode.Start);
    await part.write(new TextEncoder().encode("tampered"));
    const ended = await runPair(slowly(cwd, "in"));
    assertDone(ended);
    for (const { stderr } of ended) assertMatch(stderr, /starting over/);
    assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
  }));

Deno.test("another file of the same name is not mixed with what arrived before", () =>
  inDirectory(async (cwd) => {
    await interrupted(cwd);
    await Deno.remove(`${cwd}/in`);
    await writeRandomFile(`${cwd}/in`, 1000);
    const ended = await runPair(slowly(cwd, "in"));
    assertDone(ended);
    assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
  }));

Deno.test("a stream goes on with --resume", () =>
  inDirectory(async (cwd) => {
    await interrupted(cwd, "-q");
    const before = await Deno.stat(staged(`${cwd}/dir`, "in"));
    const resumed = await runPair(streamed(cwd, "--resume"));
    assertDone(resumed);
    for (const { stderr } of resumed) assertMatch(stderr, /Going on after/);
    assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
    assert(before.size > 0);
  }));

Deno.test("a stream that was broken off starts over without --resume, and says so", () =>
  inDirectory(async (cwd) => {
    await interrupted(cwd, "-q");
    const anew = await runPair(streamed(cwd));
    assertDone(anew);
    assertMatch(anew[0].stderr, /starting over/);
    assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`));
  }));

Deno.test("a stream that is another one than before fails with --resume, and nothing is lost", () =>
  inDirectory(async (cwd) => {
    await interrupted(cwd, "-q");
    const { size } = await Deno.stat(staged(`${cwd}/dir`, "in"));
    await Deno.remove(`${cwd}/in`);
    await writeRandomFile(`${cwd}/in`, SIZE);
    const [received, sent] = await runPair(streamed(cwd, "--resume"));
    assertEquals([received.code, sent.code], [1, 1]);
    assertMatch(sent.stderr, /is not the beginning of this stream/);
    assertEquals(namesIn(`${cwd}/dir`), ["in.ferry-part"]);
    assertEquals((await Deno.stat(staged(`${cwd}/dir`, "in"))).size, size);
  }));
