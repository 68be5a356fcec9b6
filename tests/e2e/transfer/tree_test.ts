import { assert, assertEquals, assertMatch } from "@std/assert";
import { Prng } from "../../../lib/base/prng.ts";
import { assertDone, assertSmall } from "../../support/assertions.ts";
import {
  type Ended,
  FULL,
  runFerry,
  runPair,
  sendFiles,
  startPair,
} from "../../support/ferry.ts";
import { listing, makeFiles, namesIn, test, touch } from "../../support/fs.ts";
import { FULL_RUN, NO_ROOT, testWith } from "../../support/needs.ts";

const FILES = FULL ? 10_000 : 1000;
const ODD_NAMES = [
  "with spaces",
  "new\nline",
  "-dash",
  "ünïcödé 🚢",
  "back\\slash",
  "\x1b[31mred",
  " ",
  "x".repeat(255),
  "ü".repeat(127),
];

/** Makes a tree of everything that a file system has. */
async function makeTree(root: string): Promise<void> {
  const random = new Prng(11);
  const directories = [root, `${root}/deep`, `${root}/deep/er`, `${root}/b`];
  makeFiles(root, { "deep/er/": "", "none/at/all/": "", empty: "" });
  for (const name of ODD_NAMES) makeFiles(root, { [`b/${name}`]: name });
  for (let i = 0; i < FILES; i++) {
    const path = `${directories[i % directories.length]}/file ${i}`;
    await Deno.writeFile(path, random.bytes(1000 + random.int(9000)));
    await Deno.chmod(path, [0o600, 0o644, 0o640, 0o755, 0o400][i % 5]!);
    await Deno.utime(path, i, 1e9 + i);
  }
  await Deno.writeFile(`${root}/large`, random.bytes(3_000_000));
  await Deno.symlink("../large", `${root}/deep/link`);
  await Deno.symlink("/nowhere\nat all", `${root}/dangling`);
  await Deno.chmod(`${root}/none/at`, 0o555);
  await touch("@1200000000.123456789", `${root}/none/at`, `${root}/deep/link`);
  await touch("@-1.000000001", `${root}/dangling`, `${root}/large`, root);
  await touch("@9999999999.999999999", `${root}/deep`, `${root}/empty`);
}

async function assertAlike(one: string, other: string): Promise<void> {
  assertEquals(await listing(other), await listing(one));
  const diff = await new Deno.Command("diff", {
    args: ["-r", "--no-dereference", one, other],
  }).output();
  assertEquals(new TextDecoder().decode(diff.stdout), "");
}

/** Sends `tree` into `dir`: how the receiver and the sender ended. */
function sendTree(cwd: string, ...args: string[]): Promise<[Ended, Ended]> {
  return sendFiles(cwd, ["tree"], ["-d", "dir", ...args]);
}

test(`a tree of ${FILES} files arrives with names, modes, times and links as they were`, async (cwd) => {
  await makeTree(`${cwd}/tree`);
  const ended = await sendFiles(cwd, ["tree/"], ["-d", "dir"]);
  assertDone(ended);
  assertMatch(ended[0].stderr, /Received dir\/tree, [\d,]+ files, /);
  assertEquals(namesIn(`${cwd}/dir`), ["tree"]);
  await assertAlike(`${cwd}/tree`, `${cwd}/dir/tree`);
});

test("several files and directories arrive under their own names", async (cwd) => {
  makeFiles(cwd, { "a/photos/p": "p", notes: "n", "a/z": "z" });
  const ended = await sendFiles(cwd, ["notes", "a/photos", "a/z"], [
    "-d",
    "dir",
  ]);
  assertDone(ended);
  assertEquals(namesIn(`${cwd}/dir`), ["notes", "photos", "z"]);
  const [dir, a] = [`${cwd}/dir`, `${cwd}/a`];
  await assertAlike(`${a}/photos`, `${dir}/photos`);
  await assertAlike(`${a}/z`, `${dir}/z`);
  await assertAlike(`${cwd}/notes`, `${dir}/notes`);
});

test("two paths that would have the same name are not sent", async (cwd) => {
  makeFiles(cwd, { "a/x": "", x: "" });
  const ended = await runFerry(["send", "127.0.0.1", "x", "a/x"], { cwd });
  assertEquals(ended.code, 2);
  assertMatch(
    ended.stderr,
    /^Both .* and .* would arrive as x: send them one/,
  );
});

test("special files are named and left out even with -q, the sender fails, and the receiver is told", async (cwd) => {
  makeFiles(cwd, { "tree/a": "a" });
  await new Deno.Command("mkfifo", { args: [`${cwd}/tree/pipe`] }).output();
  using _ = Deno.listen({ transport: "unix", path: `${cwd}/tree/socket` });
  const quiet = ["-q", "-d", "dir"];
  const [received, sent] = await sendFiles(cwd, ["-q", "tree"], quiet);
  assertEquals([received.code, sent.code], [0, 1]);
  assertEquals(
    sent.stderr,
    "Left out tree/pipe: it is a named pipe\n" +
      "Left out tree/socket: it is a socket\n" +
      "2 files could not be sent; everything else is stored and verified\n",
  );
  assertMatch(received.stderr, /^The sender could not send 2 files, .*\n$/);
  assertEquals(namesIn(`${cwd}/dir/tree`), ["a"]);
});

test("a tree arrives without what is excluded, which is counted", async (cwd) => {
  for (const name of [".git", "node_modules/x", "src", "dir"]) {
    makeFiles(`${cwd}/tree/${name}`, { file: "x", "a.log": "x" });
  }
  makeFiles(cwd, { "tree/keep.log": "x" });
  const exclude = ["node_modules/", "*.log", "!/keep.log"]
    .flatMap((pattern) => ["--exclude", pattern]);
  const send = ["tree", "--exclude-vcs", ...exclude];
  const ended = await sendFiles(cwd, send, ["-d", "dir"]);
  assertDone(ended);
  assertEquals(namesIn(`${cwd}/dir/tree`), ["dir", "keep.log", "src"]);
  assertEquals(namesIn(`${cwd}/dir/tree/src`), ["file"]);
  assertMatch(ended[1].stderr, /^Left out by --exclude: 4 entries/m);
});

test("what has a name that is not UTF-8 is named and left out, and the sender fails", async (cwd) => {
  makeFiles(cwd, { "tree/a": "a" });
  const script =
    "echo b > $'b\\xff\\xfe'; mkdir $'c\\xff\\xfe'; echo d > $'c\\xff\\xfe/d'";
  await new Deno.Command("bash", {
    args: ["-c", script],
    cwd: `${cwd}/tree`,
  }).output();
  const [received, sent] = await sendTree(cwd);
  assertEquals([received.code, sent.code], [0, 1]);
  for (const name of ["b\ufffd\ufffd", "c\ufffd\ufffd"]) {
    const words = `Left out tree/${name}: its name is not UTF-8\n`;
    assert(sent.stderr.includes(words), sent.stderr);
  }
  assertEquals(namesIn(`${cwd}/dir/tree`), ["a"]);
});

test("a tree is refused where one stream or one file is taken, with what to do", async (cwd) => {
  await Deno.mkdir(`${cwd}/tree`);
  for (const args of [["-o", "out"], []]) {
    const [received, sent] = await sendFiles(cwd, ["tree"], args);
    assertEquals([received.code, sent.code], [1, 3]);
    assertMatch(received.stderr, /use -d DIR/);
    assertMatch(sent.stderr, /^The receiver refused: .* -d DIR/m);
  }
  assertEquals(namesIn(cwd), ["tree"]);
});

test("a file that is there and differs is not replaced by a tree, unless by force, and it is named at both sides", async (cwd) => {
  makeFiles(cwd, { "tree/new": "new", "tree/x": "mine" });
  makeFiles(cwd, { "dir/tree/x": "theirs" });
  await Deno.chmod(`${cwd}/tree`, 0o777);
  await Deno.chmod(`${cwd}/dir/tree`, 0o700);
  const modeThere = () => Deno.statSync(`${cwd}/dir/tree`).mode! & 0o777;
  for (const _ of ["first", "again"]) {
    const [received, sent] = await runPair({
      cwd,
      send: { args: ["tree"] },
      receive: { args: ["-d", "dir"] },
      security: ["--code=7-walnut-cobra"],
    });
    assertEquals([received.code, sent.code], [1, 3]);
    assertMatch(
      received.stderr,
      /Cannot write dir\/tree\/x: it exists already/,
    );
    assertMatch(sent.stderr, /there already \(tree\/x\)\n$/);
    assertEquals(namesIn(`${cwd}/dir`), ["tree"]);
    assertEquals(namesIn(`${cwd}/dir/tree`), ["x"]);
    assertEquals(await Deno.readTextFile(`${cwd}/dir/tree/x`), "theirs");
    assertEquals(modeThere(), 0o700);
  }

  assertDone(await sendTree(cwd, "--force"));
  assertEquals(await Deno.readTextFile(`${cwd}/dir/tree/x`), "mine");
  assertEquals(namesIn(`${cwd}/dir`), ["tree"]);
  assertEquals(namesIn(`${cwd}/dir/tree`), ["new", "x"]);
  assertEquals(modeThere(), 0o700);
});

testWith(
  NO_ROOT,
  "a file that cannot be read is named, the rest arrives, and the sender fails",
  async (cwd) => {
    await Deno.mkdir(`${cwd}/tree`);
    await Deno.writeTextFile(`${cwd}/tree/a`, "a", { mode: 0 });
    await Deno.writeTextFile(`${cwd}/tree/b`, "b");
    const [received, sent] = await sendTree(cwd);
    assertEquals([received.code, sent.code], [0, 1]);
    assertMatch(sent.stderr, /^Left out tree\/a: permission denied/m);
    assertMatch(sent.stderr, /^1 file could not be sent/m);
    assertEquals(namesIn(`${cwd}/dir/tree`), ["b"]);
  },
);

testWith(
  FULL_RUN,
  "a sparse file larger than memory is read and written in little memory",
  async (cwd) => {
    makeFiles(cwd, { "tree/sparse": "" });
    await Deno.truncate(`${cwd}/tree/sparse`, 2e9);
    const send = { args: ["tree"] };
    const receive = { args: ["-d", "dir"] };
    await assertSmall(await startPair({ cwd, send, receive }), 3e8);
  },
);
