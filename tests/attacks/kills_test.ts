import { assert, assertEquals } from "@std/assert";
import "../support/libraries.ts";
import { Prng } from "../../lib/base/prng.ts";
import { receiver, type Running, sender, stateOf } from "./support/running.ts";
import { FULL } from "../support/ferry.ts";
import {
  inDirectory,
  namesIn,
  sameFiles,
  writeRandomFile,
} from "../support/fs.ts";
import { Meter } from "../support/meter.ts";
import { pause } from "../support/wait.ts";

/** Random kills of either side in each transfer, and transfers of a file: a hundred kills in full runs. */
const KILLS = FULL ? 5 : 8;
const SEEDS = Array.from({ length: FULL ? 20 : 1 }, (_, at) => at + 1);
const SIZE = FULL ? 500_000_000 : 20_000_000;
const RATE = FULL ? "1000" : "80";
/** Of what is sent, more than this share of the size was sent in vain. */
const MOST = 1.1;
/**
 * Bytes that each attempt may send before it knows what is there, and what is on
 * its way when it breaks: with few bytes in all, that is most of them.
 */
const ALLOWANCE = FULL ? 0 : 1_000_000;
const SIGNALS = ["SIGKILL", "SIGKILL", "SIGINT", "SIGTERM"] as const;

/** What is broken off again and again. */
interface Breaking {
  cwd: string;
  receive: string[];
  send: string[];
  /** What stands in bash for the sender. */
  shell?: string;
  env?: Record<string, string>;
  /** Asserts that no wrong file has a final name. */
  check(): Promise<void>;
}

/** Kills one side, or the network, at a random moment, `kills` times, then lets it end. @returns bytes sent in all */
async function breakAgainAndAgain(
  { cwd, receive, send, shell, env: code = {}, check }: Breaking,
  kills: number,
  seed: number,
): Promise<{ sent: number; complete: number }> {
  const random = new Prng(seed);
  const meter = new Meter();
  const env = { ...stateOf(`${cwd}/state`), ...code };
  const timeout = ["--timeout", "2"];
  const attempt = async (blow?: (sides: Running[]) => Promise<void>) => {
    const received = await receiver([...receive, ...timeout], { cwd, env });
    const port = meter.start(received.port);
    const sent = sender(port, [...send, ...timeout], {
      cwd,
      env,
      ...shell !== undefined && { shell },
    });
    if (blow !== undefined) {
      await blow([received, sent]);
      // A receiver whose sender never came waits as long as it takes
      const patience = setTimeout(() => received.kill("SIGINT"), 6_000);
      received.ended.then(() => clearTimeout(patience));
    }
    const both = await Promise.all([received.ended, sent.ended]);
    await meter.relay!.close();
    return { both, said: received.stderr + sent.stderr };
  };
  let complete = 0;
  for (let i = 0; i < kills; i++) {
    const share = 1.6 * SIZE / kills * random.int(1000) / 1000;
    const target = meter.bytes + share;
    const signal = SIGNALS[random.int(SIGNALS.length)];
    const side = random.int(3);
    const { both } = await attempt(async (sides) => {
      let over = false;
      Promise.all(sides.map(({ ended }) => ended)).then(() => over = true);
      while (!over && meter.bytes < target) await pause(2);
      if (side === 2) meter.relay!.darken();
      else sides[side]!.kill(signal);
    });
    await check();
    if (both.every((status) => status === 0)) {
      complete++;
      break;
    }
  }
  if (complete === 0) {
    const { both, said } = await attempt();
    assertEquals(both, [0, 0], said);
    await check();
  }
  return { sent: meter.bytes, complete };
}

/** Nothing of an attempt is left beside what arrived. */
function assertClean(dir: string, ...names: string[]): void {
  assertEquals(namesIn(dir), names);
}

function assertSparing(sent: number, kills: number): void {
  const most = MOST * SIZE + kills * ALLOWANCE;
  assert(sent < most, `${sent} bytes were sent, ${sent / SIZE} of the size`);
}

for (const seed of SEEDS) {
  Deno.test(`a file whose sender and receiver are killed at random ${KILLS} times is never wrong under its name, seed ${seed}`, () =>
    inDirectory(async (cwd) => {
      await writeRandomFile(`${cwd}/in`, SIZE);
      await Deno.mkdir(`${cwd}/dir`);
      const { sent } = await breakAgainAndAgain(
        {
          cwd,
          receive: ["-d", "dir", "--yes"],
          send: ["in", "--rate", RATE],
          check: async () => {
            const there = await Deno.lstat(`${cwd}/dir/in`).catch(() => null);
            assert(
              there === null || await sameFiles(`${cwd}/in`, `${cwd}/dir/in`),
            );
          },
        },
        KILLS,
        seed,
      );
      assertClean(`${cwd}/dir`, "in");
      assertSparing(sent, KILLS);
    }));
}

/** A tree with large and small files, links, empty and forbidden directories. */
async function makeTree(cwd: string): Promise<void> {
  await Deno.mkdir(`${cwd}/tree/sub/none`, { recursive: true });
  await writeRandomFile(`${cwd}/tree/a`, SIZE * 0.4);
  for (let i = 0; i < 100; i++) {
    await writeRandomFile(`${cwd}/tree/sub/${i}`, SIZE * 0.002);
  }
  await writeRandomFile(`${cwd}/tree/z`, SIZE * 0.4);
  await Deno.symlink("a", `${cwd}/tree/link`);
  await Deno.chmod(`${cwd}/tree/sub/none`, 0o555);
  await Deno.mkdir(`${cwd}/dir`);
}

async function differences(one: string, other: string): Promise<string> {
  const args = ["-r", "--no-dereference", one, other];
  const { stdout } = await new Deno.Command("diff", { args }).output();
  return new TextDecoder().decode(stdout);
}

for (
  const [what, args, env] of [
    ["", ["--yes"], {}],
    [" with a code", ["--code"], { FERRY_CODE: "17-walnut-copper-lagoon" }],
  ] as [string, string[], Record<string, string>][]
) {
  Deno.test(`a tree whose sender and receiver are killed at random${what} is complete under its name, or not there`, () =>
    inDirectory(async (cwd) => {
      await makeTree(cwd);
      const send = ["tree", "--rate", RATE];
      const { sent } = await breakAgainAndAgain(
        {
          cwd,
          receive: ["-d", "dir", ...args],
          send: args.includes("--code") ? [...send, "--code"] : send,
          env,
          check: async () => {
            const there = await Deno.lstat(`${cwd}/dir/tree`).catch(() => null);
            if (there === null) return;
            assertEquals(
              await differences(`${cwd}/tree`, `${cwd}/dir/tree`),
              "",
            );
          },
        },
        KILLS,
        7,
      );
      assertClean(`${cwd}/dir`, "tree");
      assertEquals(await differences(`${cwd}/tree`, `${cwd}/dir/tree`), "");
      assertSparing(sent, KILLS);
    }));
}

Deno.test("a pipe that is broken off goes on with --resume, and is never wrong under its name", () =>
  inDirectory(async (cwd) => {
    await writeRandomFile(`${cwd}/in`, SIZE);
    await Deno.mkdir(`${cwd}/dir`);
    const kills = FULL ? 20 : 5;
    const { sent } = await breakAgainAndAgain(
      {
        cwd,
        receive: ["-o", "dir/out"],
        send: ["--resume", "--rate", RATE],
        shell: 'exec "$@" < in',
        check: async () => {
          const there = await Deno.lstat(`${cwd}/dir/out`).catch(() => null);
          assert(
            there === null || await sameFiles(`${cwd}/in`, `${cwd}/dir/out`),
          );
        },
      },
      kills,
      9,
    );
    assertClean(`${cwd}/dir`, "out");
    assertSparing(sent, kills);
  }));

Deno.test("with --keep a sender that is killed again and again goes on with its own, beside others", () =>
  inDirectory(async (cwd) => {
    await writeRandomFile(`${cwd}/in`, SIZE);
    await Deno.mkdir(`${cwd}/other`);
    await Deno.mkdir(`${cwd}/dir`);
    await writeRandomFile(`${cwd}/other/beside`, 1_000_000);
    const env = stateOf(`${cwd}/state`);
    await using received = await receiver(
      ["-d", "dir", "--keep", "--yes", "--timeout", "2"],
      { cwd },
    );
    const meter = new Meter();
    const port = meter.start(received.port);
    const random = new Prng(11);
    const kills = FULL ? 20 : 4;
    const args = ["in", "--rate", RATE, "--timeout", "2"];
    for (let i = 0; i < kills; i++) {
      const target = meter.bytes + SIZE / kills * random.int(1000) / 1000;
      const sent = sender(port, args, { cwd, env });
      let over = false;
      sent.ended.then(() => over = true);
      while (!over && meter.bytes < target) await pause(2);
      sent.kill();
      await sent.ended;
      const there = await Deno.lstat(`${cwd}/dir/in`).catch(() => null);
      if (there !== null) break;
    }
    const beside = sender(received.port, ["beside"], { cwd: `${cwd}/other` });
    assertEquals(await beside.ended, 0, beside.stderr);
    // Until the receiver has noticed, the name may still be taken
    let status = 1;
    let said = "";
    for (let i = 0; i < 5 && status !== 0; i++) {
      if (namesIn(`${cwd}/dir`).includes("in")) break;
      const last = sender(port, args, { cwd, env });
      status = await last.ended;
      said += last.stderr;
    }
    await meter.relay!.close();
    assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`), said);
    assertSparing(meter.bytes, kills);
    assertClean(`${cwd}/dir`, "beside", "in");
  }));
