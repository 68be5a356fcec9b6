import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventsOf, type Ferry, startReceiver } from "../../support/ferry.ts";
import {
  makeFiles,
  namesIn,
  sameFiles,
  staged,
  test,
  writeRandomFile,
} from "../../support/fs.ts";
import { grown, until } from "../../support/wait.ts";

/** Takes whatever comes, from whoever sends it, into `in`. */
const KEEPING = ["--keep", "--yes", "-d", "in"];

/** A tree with a file of `size` bytes and a small one. */
async function makeTree(path: string, size: number): Promise<void> {
  makeFiles(path, { "deep/": "", small: path });
  await writeRandomFile(`${path}/deep/large`, size);
}

/** Paths of all files below `directory`. */
function* filesIn(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) yield* filesIn(`${directory}/${name}`);
    else yield `${directory}/${name}`;
  }
}

function killSoon(ferry: Ferry, directory: string): Promise<void> {
  return until(() => {
    const arrived = hasPart(directory);
    if (arrived) ferry.kill("SIGKILL");
    return arrived;
  });
}

/** Whether there is more than 1 MB of what is killed. */
function hasPart(directory: string): boolean {
  try {
    return [...filesIn(directory)].some((path) =>
      /killed\/.*\.ferry-part$/.test(path) &&
      Deno.statSync(path).size > 1_000_000
    );
  } catch (error) {
    // What the others send gets other names meanwhile
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

test("of three senders at once one is killed: the others' trees are complete, its partial file is marked, and the receiver goes on", async (cwd) => {
  const sizes = { one: 3_000_000, two: 3_000_000, killed: 30_000_000 };
  for (const [name, size] of Object.entries(sizes)) {
    await makeTree(`${cwd}/${name}`, size);
  }
  const { receiver, send } = await startReceiver([...KEEPING, "--json"], {
    cwd,
  });
  const sendAt = (rate: string, name: string) => send([name, "--rate", rate]);
  const killed = sendAt("20", "killed");
  const others = [sendAt("40", "one"), sendAt("40", "two")];
  await killSoon(killed, `${cwd}/in`);
  for (const { ended } of others) assertEquals((await ended).code, 0);
  for (const name of ["one", "two"]) {
    for (const path of filesIn(`${cwd}/${name}`)) {
      assert(await sameFiles(path, path.replace(cwd, `${cwd}/in`)), path);
    }
  }
  await Deno.writeTextFile(`${cwd}/late`, "late");
  const late = await send(["late"]).ended;
  assertEquals(late.code, 0, late.stderr);
  assertEquals(await Deno.readTextFile(`${cwd}/in/late`), "late");

  const rest = [...filesIn(`${cwd}/in`)].filter((path) =>
    path.includes("killed")
  );
  assert(rest.some((path) => path.endsWith("large.ferry-part")), `${rest}`);
  assert(!rest.some((path) => path.endsWith("/large")), `${rest}`);

  // The same command at once goes on where it stopped, long before the timeout
  const again = await sendAt("200", "killed").ended;
  assertEquals(again.code, 0, again.stderr);
  assertMatch(again.stderr, /Resuming where an earlier attempt stopped$/m);
  for (const path of filesIn(`${cwd}/killed`)) {
    assert(await sameFiles(path, path.replace(cwd, `${cwd}/in`)), path);
  }
  receiver.kill("SIGINT");
  const { code, stderr } = await receiver.ended;
  assertEquals(code, 130);
  const events = eventsOf({ stderr });
  const done = events.filter(({ event }) => event === "done");
  assertEquals(
    done.map(({ name }) => name).sort(),
    ["in/killed", "in/late", "in/one", "in/two"],
  );
  assertEquals(new Set(done.map(({ peer }) => peer)).size, 4);
  const errors = events.filter(({ event }) => event === "error");
  const [silence] = errors.filter(({ code }) => code === "superseded");
  assert(silence?.peer !== undefined, stderr);
  assertMatch(
    String(silence.message),
    /fell silent, and sends the same over a new connection/,
  );
});

test("while a sender is there, a second one of the same name is refused and told why", async (cwd) => {
  await makeTree(`${cwd}/tree`, 30_000_000);
  const { receiver, send } = await startReceiver(KEEPING, { cwd });
  const sendAt = (rate: string) => send(["tree", "--rate", rate]);
  const first = sendAt("6");
  const pair = { ended: Promise.all([receiver.ended, first.ended]) };
  const part = () => staged(`${cwd}/in`, "tree", "tree/deep/large.ferry-part");
  await grown(part, 1, pair);
  const { code, stderr } = await sendAt("200").ended;
  assertEquals(code, 3, stderr);
  assertMatch(stderr, /refused: another sender is sending the same$/m);
  // The first is not disturbed
  await grown(part, (await Deno.stat(part())).size + 1, pair);
  first.kill("SIGKILL");
  await first.ended;
  receiver.kill("SIGINT");
  assertMatch(
    (await receiver.ended).stderr,
    /Cannot write in\/tree: another transfer is writing it; wait until/,
  );
});

test("a sender that is refused does not disturb who comes next", async (cwd) => {
  makeFiles(cwd, { note: "mine", "in/note": "theirs" });
  const { receiver, send } = await startReceiver(KEEPING, { cwd });
  const refused = await send(["note"]).ended;
  assertEquals(refused.code, 3);
  const streams = await Promise.all(
    ["a", "b", "c"].map((text) =>
      send([], { shell: `echo ${text} | "$@"` }).ended
    ),
  );
  assertEquals(streams.map(({ code }) => code), [0, 0, 0]);
  receiver.kill("SIGTERM");
  const { code, stderr } = await receiver.ended;
  assertEquals(code, 143);
  assertEquals(await Deno.readTextFile(`${cwd}/in/note`), "theirs");
  assertEquals(namesIn(`${cwd}/in`).length, 4);
  assert(/^127\.0\.0\.1:\d+: .*note.*$/m.test(stderr), stderr);
  assertEquals(stderr.match(/^127\.0\.0\.1:\d+: Received /gm)?.length, 3);
});
