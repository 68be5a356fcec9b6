import { assert, assertEquals, assertMatch } from "@std/assert";
import { receiver, sender, transfer } from "./support/running.ts";
import { makeFiles, namesIn, test } from "../support/fs.ts";

/** What failed said one line that says why. */
const ONE_LINE = /^\S[^\n]*[^.\n]$/;

function lastLine(stderr: string): string {
  return stderr.trimEnd().split("\n").at(-1)!;
}

test("without a terminal a name of a stranger's choice is refused, with one line on both sides", async (cwd) => {
  await Deno.writeTextFile(`${cwd}/in`, "unasked");
  const where = ["-d", "dir"];
  const { received, sent } = await transfer(3, where, ["in"], { cwd });
  for (const { stderr } of [received, sent]) {
    assertMatch(lastLine(stderr), ONE_LINE);
  }
  assertMatch(received.stderr, /--yes/);
  assertEquals(namesIn(`${cwd}/dir`), []);
});

test("a name that reads like a line of ferry's own begins none without a terminal", async (cwd) => {
  const forged = "Encrypted. Both sides should show: acorn actor admiral";
  await Deno.writeTextFile(`${cwd}/${forged}`, "forged");
  for (const [status, args] of [[3, []], [0, ["--yes"]]] as const) {
    const receive = ["-d", "dir", ...args];
    const ends = await transfer(status, receive, [forged], { cwd });
    for (const { stderr } of Object.values(ends)) {
      assert(
        !/^Encrypted\. Both sides should show: acorn/m.test(stderr),
        stderr,
      );
    }
  }
});

test("without a terminal --yes takes a file and a tree from anyone", async (cwd) => {
  makeFiles(cwd, { in: "wanted", "tree/sub/.hidden": "below the top" });
  for (const name of ["in", "tree"]) {
    await transfer(0, ["-d", "dir", "--yes"], [name], { cwd });
  }
  assertEquals(namesIn(`${cwd}/dir`), ["in", "tree"]);
  assertEquals(namesIn(`${cwd}/dir/tree/sub`), [".hidden"]);
});

test("without a terminal -o and standard output take a stranger's stream under a name of one's own", async (cwd) => {
  await Deno.writeTextFile(`${cwd}/in`, "named here");
  await transfer(0, ["-o", "out"], ["in"], { cwd });
  const { received } = await transfer(0, [], ["in"], { cwd });
  const { stdout } = await received.ended;
  assertEquals(new TextDecoder().decode(stdout), "named here");
  assertEquals(namesIn(cwd), ["in", "out"]);
});

// T-14
test("a stranger neither adds to a directory that exists nor learns whether a file does the same with --yes", async (cwd) => {
  makeFiles(cwd, { "tree/sub/": "", "tree/.hidden": "planted" });
  makeFiles(cwd, { in: "guessed", "dir/in": "guessed", "dir/tree/": "" });
  const before = Deno.statSync(`${cwd}/dir/in`).mtime;
  for (const name of ["in", "tree"]) {
    for (const keep of [[], ["--keep"]]) {
      const args = ["-d", "dir", "--yes", ...keep];
      await using received = await receiver(args, { cwd });
      const sent = sender(received.port, [name], { cwd });
      assertEquals(await sent.status, 3, sent.stderr);
      assertMatch(sent.stderr, /exists there already/);
      await received.says(/exists already, and without a code .*--code/);
    }
  }
  assertEquals(namesIn(`${cwd}/dir`), ["in", "tree"]);
  assertEquals(namesIn(`${cwd}/dir/tree`), []);
  assertEquals(Deno.statSync(`${cwd}/dir/in`).mtime, before);
});

test("who proves the code adds to a directory that exists, and a file that is the same stays", async (cwd) => {
  makeFiles(cwd, { "tree/new": "new", "dir/tree/old": "old" });
  const env = { FERRY_CODE: "7-walnut" };
  await transfer(0, ["-d", "dir", "--code"], ["tree"], { cwd, env });
  assertEquals(namesIn(`${cwd}/dir/tree`), ["new", "old"]);
});

/** What a stranger would like to leave: names that programs look for by themselves. */
const DOT_NAMES: [string, string][] = [
  [".ssh", "croc CVE-2023-43619, scp CVE-2019-6111"],
  [".bash_profile", "a shell runs it"],
  [".wgetrc", "wget CVE-2010-2252"],
];

/** What becomes of such a name: what the receiver is told, what is sent beside it, and the status of both. */
const TAKEN: [
  how: string,
  receive: string,
  beside: string[],
  status: number,
][] = [
  ["refused with --yes", "--yes", [], 3],
  [
    "refused with --yes among other names, too (croc's list that nobody reads)",
    "--yes",
    ["harmless"],
    3,
  ],
  ["taken from a sender that proves the code", "--code", [], 0],
];

for (const [name, kind] of DOT_NAMES) {
  for (const [how, receive, beside, status] of TAKEN) {
    test(`${name} of a stranger (${kind}) is ${how}`, async (cwd) => {
      const from = `${cwd}/from`;
      const evil = name === ".ssh" ? `${name}/authorized_keys` : name;
      for (const path of [...beside, evil]) makeFiles(from, { [path]: "x" });
      const env = receive === "--code" ? { FERRY_CODE: "7-walnut" } : {};
      const where = ["-d", "home", receive];
      await transfer(status, where, [...beside, name], { cwd, from, env });
      assertEquals(namesIn(`${cwd}/home`), status === 0 ? [name] : []);
    });
  }
}
