import { assert, assertEquals } from "@std/assert";
import "../support/libraries.ts";
import { Prng } from "../../lib/base/prng.ts";
import { openReceiver, receiver, sender, stateOf } from "./support/running.ts";
import { type Ferry, FULL } from "../support/ferry.ts";
import { namesIn, sameFiles, test, writeRandomFile } from "../support/fs.ts";
import { Meter } from "../support/meter.ts";

/** Random kills of either side in each transfer, and transfers of a file. */
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

/** What is sent, and how. */
interface Transfer {
  /** What is sent, or standard input is read from. */
  name: "in" | "tree";
  receive: string[];
  send: string[];
  /** What stands in bash for the sender. */
  shell?: string;
  env?: Record<string, string>;
}

/** What is sent under its name, and taken from anyone. */
function named(name: Transfer["name"], ...args: string[]): Transfer {
  const send = [name, "--rate", RATE, ...args];
  return { name, receive: ["-d", "dir", "--yes"], send };
}

type Attempt = [what: string, transfer: Transfer, kills: number, seed: number];
/** A hundred kills of files in full runs. */
const TRANSFERS: Attempt[] = [
  ...SEEDS.map((seed): Attempt => ["a file", named("in"), KILLS, seed]),
  ["a tree", named("tree"), KILLS, 7],
  [
    "a tree with a code",
    {
      ...named("tree", "--code"),
      receive: ["-d", "dir", "--code"],
      env: { FERRY_CODE: "17-walnut-copper-lagoon" },
    },
    KILLS,
    7,
  ],
  [
    "a pipe with --resume",
    {
      name: "in",
      receive: ["-o", "dir/in"],
      send: ["--resume", "--rate", RATE],
      shell: 'exec "$@" < in',
    },
    FULL ? 20 : 5,
    9,
  ],
];

for (const [what, transfer, kills, seed] of TRANSFERS) {
  test(`${what} whose sender, receiver or network is killed at random ${kills} times is complete under its name, or not there, seed ${seed}`, async (cwd) => {
    const { name } = transfer;
    await (name === "in" ? writeRandomFile(`${cwd}/in`, SIZE) : makeTree(cwd));
    await Deno.mkdir(`${cwd}/dir`);
    const sent = await breakAgainAndAgain(cwd, transfer, kills, seed);
    assertEquals(namesIn(`${cwd}/dir`), [name]);
    assertSparing(sent, kills);
  });
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
}

/**
 * Kills one side, or the network, at a random moment, `kills` times, then lets
 * it end; each time what has its final name is whole.
 *
 * @returns bytes sent in all
 */
async function breakAgainAndAgain(
  cwd: string,
  { name, receive, send, shell, env: code = {} }: Transfer,
  kills: number,
  seed: number,
): Promise<number> {
  const random = new Prng(seed);
  const meter = new Meter();
  const env = { ...stateOf(`${cwd}/state`), ...code };
  const timeout = ["--timeout", "2"];
  const attempt = async (blow?: (sides: Ferry[]) => Promise<void>) => {
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
      received.status.then(() => clearTimeout(patience));
    }
    const both = await Promise.all([received.status, sent.status]);
    await meter.close();
    const there = namesIn(`${cwd}/dir`).includes(name);
    if (there) await assertSame(`${cwd}/${name}`, `${cwd}/dir/${name}`);
    return { both, said: received.stderr + sent.stderr };
  };
  for (let i = 0; i < kills; i++) {
    const target = meter.bytes + 1.6 * SIZE / kills * random.next();
    const signal = SIGNALS[random.int(SIGNALS.length)];
    const side = random.int(3);
    const { both } = await attempt(async (sides) => {
      const ended = Promise.all(sides.map(({ ended }) => ended));
      await meter.reaches(target, ended);
      if (side === 2) meter.relay!.darken();
      else sides[side]!.kill(signal);
    });
    if (both.every((status) => status === 0)) return meter.bytes;
  }
  const { both, said } = await attempt();
  assertEquals(both, [0, 0], said);
  return meter.bytes;
}

async function assertSame(one: string, other: string): Promise<void> {
  const args = ["-r", "--no-dereference", one, other];
  const { stdout } = await new Deno.Command("diff", { args }).output();
  assertEquals(new TextDecoder().decode(stdout), "");
}

function assertSparing(sent: number, kills: number): void {
  const most = MOST * SIZE + kills * ALLOWANCE;
  assert(sent < most, `${sent} bytes were sent, ${sent / SIZE} of the size`);
}

test("with --keep a sender that is killed again and again goes on with its own, beside others", async (cwd) => {
  await writeRandomFile(`${cwd}/in`, SIZE);
  await Deno.mkdir(`${cwd}/other`);
  await Deno.mkdir(`${cwd}/dir`);
  await writeRandomFile(`${cwd}/other/beside`, 1_000_000);
  const env = stateOf(`${cwd}/state`);
  await using received = await openReceiver(cwd, "--timeout", "2");
  const meter = new Meter();
  const port = meter.start(received.port);
  const random = new Prng(11);
  const kills = FULL ? 20 : 4;
  const args = ["in", "--rate", RATE, "--timeout", "2"];
  for (let i = 0; i < kills; i++) {
    const target = meter.bytes + SIZE / kills * random.next();
    const sent = sender(port, args, { cwd, env });
    await meter.reaches(target, sent.status);
    sent.kill();
    await sent.status;
    if (namesIn(`${cwd}/dir`).includes("in")) break;
  }
  const beside = sender(received.port, ["beside"], { cwd: `${cwd}/other` });
  assertEquals(await beside.status, 0, beside.stderr);
  // Until the receiver has noticed, the name may still be taken
  let status = 1;
  let said = "";
  for (let i = 0; i < 5 && status !== 0; i++) {
    if (namesIn(`${cwd}/dir`).includes("in")) break;
    const last = sender(port, args, { cwd, env });
    status = await last.status;
    said += last.stderr;
  }
  await meter.close();
  assert(await sameFiles(`${cwd}/in`, `${cwd}/dir/in`), said);
  assertSparing(meter.bytes, kills);
  assertEquals(namesIn(`${cwd}/dir`), ["beside", "in"]);
});
