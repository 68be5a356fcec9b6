import { assert, assertEquals } from "@std/assert";
import { freePort, listening, writeRandomFile } from "../bench/processes.ts";
import {
  Ferry,
  inDirectory,
  namesIn,
  runFerry,
  sameFiles,
  until,
} from "./ferry.ts";

/** A tree with a file of `size` bytes and a small one. */
async function makeTree(path: string, size: number): Promise<void> {
  await Deno.mkdir(`${path}/deep`, { recursive: true });
  await writeRandomFile(`${path}/deep/large`, size);
  await Deno.writeTextFile(`${path}/small`, path);
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
    const arrived = [...filesIn(directory)].some((path) =>
      /killed\/.*\.ferry-part$/.test(path) &&
      Deno.statSync(path).size > 100_000
    );
    if (arrived) ferry.kill("SIGKILL");
    return arrived;
  });
}

Deno.test("of three senders at once one is killed: the others' trees are complete, its partial file is marked, and the receiver goes on", () =>
  inDirectory(async (cwd) => {
    const port = freePort();
    await Deno.mkdir(`${cwd}/in`);
    const sizes = { one: 3_000_000, two: 3_000_000, killed: 30_000_000 };
    for (const [name, size] of Object.entries(sizes)) {
      await makeTree(`${cwd}/${name}`, size);
    }
    const args = ["--keep", "-d", "in", "--json", "--timeout", "2"];
    const receiver = new Ferry(["receive", `${port}`, ...args], { cwd });
    await listening("udp", port);
    const send = (name: string, rate = "200") =>
      new Ferry(["send", "127.0.0.1", `${port}`, name, "--rate", rate], {
        cwd,
      });
    const killed = send("killed", "20");
    const others = [send("one", "40"), send("two", "40")];
    await killSoon(killed, `${cwd}/in`);
    for (const { ended } of others) assertEquals((await ended).code, 0);
    for (const name of ["one", "two"]) {
      for (const path of filesIn(`${cwd}/${name}`)) {
        assert(await sameFiles(path, path.replace(cwd, `${cwd}/in`)), path);
      }
    }
    const late = await runFerry(
      ["send", "127.0.0.1", `${port}`, "late"],
      { cwd: await writeLate(cwd) },
    );
    assertEquals(late.code, 0, late.stderr);
    assertEquals(await Deno.readTextFile(`${cwd}/in/late`), "late");

    const rest = [...filesIn(`${cwd}/in`)].filter((path) =>
      path.includes("killed")
    );
    assert(rest.some((path) => path.endsWith("large.ferry-part")), `${rest}`);
    assert(!rest.some((path) => path.endsWith("/large")), `${rest}`);

    // Once the receiver has given it up, the same command goes on where it stopped
    await until(async () => (await send("killed").ended).code === 0);
    for (const path of filesIn(`${cwd}/killed`)) {
      assert(await sameFiles(path, path.replace(cwd, `${cwd}/in`)), path);
    }
    receiver.kill("SIGINT");
    const { code, stderr } = await receiver.ended;
    assertEquals(code, 130);
    const events = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
    const done = events.filter(({ event }) => event === "done");
    assertEquals(
      done.map(({ name }) => name).sort(),
      ["in/killed", "in/late", "in/one", "in/two"],
    );
    assertEquals(new Set(done.map(({ peer }) => peer)).size, 4);
    const errors = events.filter(({ event }) => event === "error");
    const [silence] = errors.filter(({ reason }) => reason === "silence");
    assert(silence?.peer !== undefined, stderr);
  }));

async function writeLate(cwd: string): Promise<string> {
  await Deno.writeTextFile(`${cwd}/late`, "late");
  return cwd;
}

Deno.test("a sender that is refused does not disturb who comes next", () =>
  inDirectory(async (cwd) => {
    const port = freePort();
    await Deno.mkdir(`${cwd}/in`);
    await Deno.writeTextFile(`${cwd}/note`, "mine");
    await Deno.writeTextFile(`${cwd}/in/note`, "theirs");
    const receiver = new Ferry(
      ["receive", `${port}`, "--keep", "-d", "in"],
      { cwd },
    );
    await listening("udp", port);
    const refused = await runFerry(
      ["send", "127.0.0.1", `${port}`, "note"],
      { cwd },
    );
    assertEquals(refused.code, 3);
    const streams = await Promise.all(
      ["a", "b", "c"].map((text) =>
        runFerry(["send", "127.0.0.1", `${port}`], {
          cwd,
          shell: `echo ${text} | "$@"`,
        })
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
  }));
