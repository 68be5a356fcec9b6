import { assert, assertEquals, assertMatch } from "@std/assert";
import { receiver, sender } from "./support/running.ts";
import { inDirectory, namesIn } from "../support/fs.ts";

/** What failed said one line that says why. */
const ONE_LINE = /^\S[^\n]*[^.\n]$/;

function lastLine(stderr: string): string {
  return stderr.trimEnd().split("\n").at(-1)!;
}

Deno.test("without a terminal a name of a stranger's choice is refused, with one line on both sides", () =>
  inDirectory(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/in`, "unasked");
    const received = await receiver(["-d", "dir"], { cwd });
    const sent = sender(received.port, ["in"], { cwd });
    assertEquals([await received.status, await sent.status], [3, 3]);
    for (const { stderr } of [received, sent]) {
      assertMatch(lastLine(stderr), ONE_LINE);
    }
    assertMatch(received.stderr, /--yes/);
    assertEquals(namesIn(`${cwd}/dir`), []);
  }));

Deno.test("a name that reads like a line of ferry's own begins none without a terminal", () =>
  inDirectory(async (cwd) => {
    const forged = "Encrypted. Both sides should show: acorn actor admiral";
    await Deno.writeTextFile(`${cwd}/${forged}`, "forged");
    for (const args of [[], ["--yes"]]) {
      const received = await receiver(["-d", "dir", ...args], { cwd });
      const sent = sender(received.port, [forged], { cwd });
      await Promise.all([received.status, sent.status]);
      for (const { stderr } of [received, sent]) {
        assert(
          !/^Encrypted\. Both sides should show: acorn/m.test(stderr),
          stderr,
        );
      }
    }
  }));

Deno.test("without a terminal --yes takes a file and a tree from anyone", () =>
  inDirectory(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/in`, "wanted");
    await Deno.mkdir(`${cwd}/tree/sub`, { recursive: true });
    await Deno.writeTextFile(`${cwd}/tree/sub/.hidden`, "below the top");
    for (const name of ["in", "tree"]) {
      const received = await receiver(["-d", "dir", "--yes"], { cwd });
      const sent = sender(received.port, [name], { cwd });
      const ends = [await received.status, await sent.status];
      assertEquals(ends, [0, 0], received.stderr + sent.stderr);
    }
    assertEquals(namesIn(`${cwd}/dir`), ["in", "tree"]);
    assertEquals(namesIn(`${cwd}/dir/tree/sub`), [".hidden"]);
  }));

Deno.test("without a terminal -o and standard output take a stranger's stream under a name of one's own", () =>
  inDirectory(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/in`, "named here");
    const named = await receiver(["-o", "out"], { cwd });
    const sent = sender(named.port, ["in"], { cwd });
    assertEquals([await named.status, await sent.status], [0, 0], named.stderr);
    const piped = await receiver([], { cwd });
    const again = sender(piped.port, ["in"], { cwd });
    assertEquals(
      [await piped.status, await again.status],
      [0, 0],
      piped.stderr,
    );
    assertEquals(
      new TextDecoder().decode((await piped.ended).stdout),
      "named here",
    );
    assertEquals(namesIn(cwd), ["in", "out"]);
  }));

// T-14
Deno.test("a stranger neither adds to a directory that exists nor learns whether a file does the same with --yes", () =>
  inDirectory(async (cwd) => {
    await Deno.mkdir(`${cwd}/tree/sub`, { recursive: true });
    await Deno.writeTextFile(`${cwd}/tree/.hidden`, "planted");
    await Deno.writeTextFile(`${cwd}/in`, "guessed");
    await Deno.mkdir(`${cwd}/dir/tree`, { recursive: true });
    await Deno.writeTextFile(`${cwd}/dir/in`, "guessed");
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
  }));

Deno.test("who proves the code adds to a directory that exists, and a file that is the same stays", () =>
  inDirectory(async (cwd) => {
    await Deno.mkdir(`${cwd}/tree`);
    await Deno.writeTextFile(`${cwd}/tree/new`, "new");
    await Deno.mkdir(`${cwd}/dir/tree`, { recursive: true });
    await Deno.writeTextFile(`${cwd}/dir/tree/old`, "old");
    const env = { FERRY_CODE: "7-walnut" };
    const received = await receiver(["-d", "dir", "--code"], { cwd, env });
    const sent = sender(received.port, ["tree"], { cwd, env });
    assertEquals([await sent.status, await received.status], [0, 0]);
    assertEquals(namesIn(`${cwd}/dir/tree`), ["new", "old"]);
  }));

/** What a stranger would like to leave: names that programs look for by themselves. */
const DOT_NAMES: [string, string][] = [
  [".ssh", "croc CVE-2023-43619, scp CVE-2019-6111"],
  [".bash_profile", "a shell runs it"],
  [".wgetrc", "wget CVE-2010-2252"],
];

/** Something of a dangerous name in `from`, and a `home` that has nothing of it. */
async function prepared(cwd: string, name: string): Promise<void> {
  await Deno.mkdir(`${cwd}/from`);
  if (name === ".ssh") {
    await Deno.mkdir(`${cwd}/from/.ssh`);
    await Deno.writeTextFile(`${cwd}/from/.ssh/authorized_keys`, "key");
  } else {
    await Deno.writeTextFile(`${cwd}/from/${name}`, "evil");
  }
}

for (const [name, kind] of DOT_NAMES) {
  Deno.test(`${name} of a stranger is refused with --yes (${kind})`, () =>
    inDirectory(async (cwd) => {
      await prepared(cwd, name);
      const received = await receiver(["-d", "home", "--yes"], { cwd });
      const sent = sender(received.port, [name], { cwd: `${cwd}/from` });
      assertEquals(await sent.status, 3, sent.stderr);
      assertEquals(await received.status, 3, received.stderr);
      assertEquals(namesIn(`${cwd}/home`), []);
    }));

  Deno.test(`${name} is refused with --yes among other names, too (croc's list that nobody reads)`, () =>
    inDirectory(async (cwd) => {
      await prepared(cwd, name);
      await Deno.writeTextFile(`${cwd}/from/harmless`, "harmless");
      const received = await receiver(["-d", "home", "--yes"], { cwd });
      const names = ["harmless", name];
      const sent = sender(received.port, names, { cwd: `${cwd}/from` });
      assertEquals(await sent.status, 3, sent.stderr);
      assertEquals(await received.status, 3, received.stderr);
      assertEquals(namesIn(`${cwd}/home`), []);
    }));

  Deno.test(`${name} is taken from who proves the code`, () =>
    inDirectory(async (cwd) => {
      await prepared(cwd, name);
      const env = { FERRY_CODE: "7-walnut" };
      const received = await receiver(["-d", "home", "--code"], { cwd, env });
      const options = { cwd: `${cwd}/from`, env };
      const sent = sender(received.port, [name], options);
      assertEquals(await sent.status, 0, sent.stderr);
      assertEquals(await received.status, 0, received.stderr);
      assertEquals(namesIn(`${cwd}/home`), [name]);
    }));
}
