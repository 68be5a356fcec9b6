import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import type { Owner } from "../../../lib/transfer/files/writing/target.ts";
import { DirectorySink } from "../../../lib/transfer/files/writing/directory_sink.ts";
import type { Sink } from "../../../lib/transfer/sink.ts";
import { FFI, ROOT, testWith } from "../../support/needs.ts";
import { FileAttempt, leaveBehind } from "./file_attempt.ts";
import {
  complete,
  directoryOf,
  fileOf,
  HELLO,
  LARGE,
  linkOf,
  makeFiles,
  namesIn,
  offerOf,
  OWNER,
  stagingIn,
  test,
  treeIn,
  write,
} from "../files.ts";

const STRANGER: Owner = { key: new Uint8Array(32).fill(2) };
/** A user who is nobody here. */
const NOBODY = 65534;

/** An owner by a code, of which the verifier is simple. */
function knowing(code: string): Owner {
  return {
    code: {
      verifier: () => `v${code}`,
      matches: (verifier) => verifier === `v${code}`,
    },
  };
}

// T-14
test("what exists is neither added to nor compared unless its name may exist, also a name that was not offered or came meanwhile", async (directory) => {
  const names = ["a", "b"];
  const all = { force: false, owner: OWNER, mayExist: new Set(["a"]) };
  const ofBoth = () => treeIn(directory, names, all);
  const offer = { ...offerOf("a"), count: 2 };
  for (const name of names) Deno.mkdirSync(`${directory}/${name}`);
  assertEquals((await failureOf(ofBoth())).code, "exists");
  for (const ofAll of [true, false]) {
    const sink = await DirectorySink.create(directory, offer, all);
    const inventory = sink.inventory();
    inventory.enter("a");
    inventory.leave();
    sink.enter(directoryOf("a"));
    sink.leave();
    const end = () => {
      if (ofAll) inventory.enter("b");
      else sink.enter(directoryOf("b"));
    };
    const failure = assertThrows(end, Failure);
    assertEquals(failure.detail, {
      code: "exists",
      path: `${directory}/b`,
      inTree: true,
      unvouched: true,
    });
    sink.discard(false);
  }
  Deno.removeSync(`${directory}/b`);
  const sink = await ofBoth();
  for (const name of names) fill(sink, directoryOf(name));
  Deno.mkdirSync(`${directory}/b`);
  await assertRejects(() => sink.commit(), Failure, "exists");
  sink.discard(false);
  assertEquals(namesIn(`${directory}/a`), []);
});

/** Keeps `a/x`, which an earlier attempt has left, and these beside `a`. */
function keepAll(sink: Sink, mode = 0o755, ...names: string[]): void {
  sink.enter(directoryOf("a", mode));
  sink.keep(fileOf("x"));
  sink.leave();
  for (const name of names) sink.keep(fileOf(name));
}

/** Puts a directory, `a` unless given, with files of these names in it. */
function fill(
  sink: Sink,
  directory = directoryOf("a"),
  names: readonly string[] = ["x"],
): void {
  sink.enter(directory);
  for (const name of names) sink.put(fileOf(name), HELLO);
  sink.leave();
}

function modeOf(path: string): number {
  return Deno.lstatSync(path).mode! & 0o7777;
}

/** What a failure says. */
async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  return await assertRejects(() => promise, Failure);
}

test("a stranger's attempt of the same name neither learns of another's unfinished work, nor touches it", async (directory) => {
  const path = `${directory}/x`;
  const first = await FileAttempt.create(path);
  await first.write(HELLO);
  for (const owner of [STRANGER, knowing("1"), undefined, {}]) {
    // While it is received, and when it was broken off
    const other = await FileAttempt.create(path, { owner });
    assertEquals(other.found, undefined);
    await other.write(HELLO.subarray(2));
    other.discard();
  }
  first.discard(true);
  const staging = stagingIn(directory);
  const theirs = { force: true, owner: STRANGER };
  const stranger = await FileAttempt.create(path, theirs);
  assertEquals(stranger.found, undefined);
  await stranger.write(HELLO.subarray(1));
  await stranger.commit();
  assertEquals(namesIn(directory), ["x", "x.ferry-part"]);
  assertEquals(stagingIn(directory), staging);
  assertEquals(Deno.readFileSync(`${staging}/content/x.ferry-part`), HELLO);
});

test("whoever proves the same code goes on, with whatever key; another code does not do", async (directory) => {
  const path = `${directory}/x`;
  const create = (owner: Owner) => FileAttempt.create(path, { owner });
  await leaveBehind(path, HELLO, { owner: { ...knowing("7"), ...OWNER } });
  const kept = [];
  for (
    const owner of [
      knowing("8"),
      STRANGER,
      { ...knowing("8"), ...STRANGER },
      { ...knowing("7"), ...STRANGER },
      OWNER,
    ]
  ) {
    const sink = await create(owner);
    kept.push(sink.found?.length);
    sink.discard();
  }
  assertEquals(kept, [undefined, undefined, undefined, 5, 5]);
});

test("what the same owner receives right now is taken, for a file and a tree", async (directory) => {
  const file = () => FileAttempt.create(`${directory}/x`, { force: true });
  const tree = () => treeIn(directory, ["a"]);
  for (const create of [file, tree]) {
    const first = await create();
    assertEquals((await failureOf(create())).code, "in-use");
    first.discard();
    (await create()).discard();
  }
});

/** A staging directory, its state file, and the directory it is in. */
interface Place {
  staging: string;
  state: string;
  directory: string;
}

/** What somebody may have put in the place of a staging directory, or into it. */
const PLANTS: Record<string, (place: Place) => void> = {
  "a directory that all may write": ({ staging }) =>
    Deno.chmodSync(staging, 0o777),
  "a directory that a group may read": ({ staging }) =>
    Deno.chmodSync(staging, 0o750),
  "a state file that all may write": ({ state }) =>
    Deno.chmodSync(state, 0o666),
  "a state file that has another name": ({ state, directory }) =>
    Deno.linkSync(state, `${directory}/link`),
  "a link to a directory": ({ staging, directory }) => {
    Deno.renameSync(staging, `${directory}/real`);
    Deno.symlinkSync("real", staging);
  },
  "a link to a state file": ({ state, directory }) => {
    Deno.renameSync(state, `${directory}/real`);
    Deno.symlinkSync("../real", state);
  },
  "a state file of another version": ({ state }) => {
    const text = Deno.readTextFileSync(state);
    const changed = text.replace('"version":1', '"version":2');
    Deno.writeTextFileSync(state, changed);
  },
  "a state file that is no text": ({ state }) =>
    Deno.writeFileSync(state, new Uint8Array(99).fill(0xfe)),
  "a state file that is a list": ({ state }) =>
    Deno.writeTextFileSync(state, "[1]\n[]\n"),
  "an empty state file": ({ state }) => Deno.truncateSync(state),
  "no state file": ({ state }) => Deno.removeSync(state),
  "a named pipe as a state file": ({ state }) => {
    Deno.removeSync(state);
    const args = ["-m", "600", state];
    new Deno.Command("mkfifo", { args }).outputSync();
  },
  "a file": ({ staging }) => {
    Deno.removeSync(staging, { recursive: true });
    Deno.writeTextFileSync(staging, "");
  },
  "another user's directory": ({ staging }) =>
    Deno.chownSync(staging, NOBODY, NOBODY),
  "another user's state file": ({ state }) =>
    Deno.chownSync(state, NOBODY, NOBODY),
};
for (const [what, plant] of Object.entries(PLANTS)) {
  const needs = what.startsWith("another user") ? ROOT : [];
  testWith(
    needs,
    `${what} in the place of what was left is not taken up, and left as it is`,
    async (directory) => {
      const path = `${directory}/x`;
      await leaveBehind(path, HELLO);
      const staging = stagingIn(directory);
      plant({ staging, state: `${staging}/state`, directory });
      const before = Deno.lstatSync(staging);
      const sink = await FileAttempt.create(path);
      assertEquals(sink.found, undefined);
      await sink.write(HELLO.subarray(1));
      await sink.commit();
      assertEquals(await Deno.readFile(path), HELLO.subarray(1));
      const { ino, mode } = Deno.lstatSync(staging);
      assertEquals([ino, mode], [before.ino, before.mode]);
    },
  );
}

test("what is removed while it arrives fails, and hides no other failure", async (directory) => {
  for (const place of [directory, `${directory}/dir`]) {
    const path = `${place}/x`;
    Deno.mkdirSync(place, { recursive: true });
    const sink = await FileAttempt.create(path);
    await sink.write(HELLO);
    const staging = stagingIn(place);
    Deno.removeSync(place === directory ? staging : place, { recursive: true });
    await assertRejects(() => sink.commit(), Failure);
    sink.discard();
    assertEquals(namesIn(directory), []);
  }
});

test("a file in staging that is a link or has another name is not gone on with", async (directory) => {
  const path = `${directory}/x`;
  const victim = `${directory}/victim`;
  makeFiles(directory, { victim: "precious" });
  for (
    const plant of [
      (part: string) => Deno.symlinkSync(victim, part),
      (part: string) => Deno.linkSync(victim, part),
      (part: string) => Deno.mkdirSync(part),
    ]
  ) {
    await leaveBehind(path, HELLO, { force: true });
    const part = `${stagingIn(directory)}/content/x.ferry-part`;
    Deno.removeSync(part);
    plant(part);
    const sink = await FileAttempt.create(path, { force: true });
    assertEquals(sink.found, undefined);
    await sink.write(HELLO);
    await sink.commit();
    assertEquals(Deno.readTextFileSync(victim), "precious");
    assertEquals(namesIn(directory), ["victim", "x"]);
  }
});

testWith(
  ROOT,
  "another user reads nothing of what arrives before it is complete, and what is private then not either",
  async (directory) => {
    Deno.chmodSync(directory, 0o1777);
    DirectorySink.check(`${directory}/x`, { force: false });
    assertEquals(namesIn(directory), []);
    const mode = { mode: 0o600 };
    const sink = await FileAttempt.create(`${directory}/x`, {}, mode);
    await sink.write(HELLO);
    const nobody = { uid: NOBODY, gid: NOBODY };
    const asNobody = (command: string, path: string) =>
      new Deno.Command(command, { args: [path], ...nobody }).outputSync();
    const staging = stagingIn(directory);
    assertEquals(asNobody("find", staging).success, false);
    const part = `${staging}/content/x.ferry-part`;
    for (const path of [part, `${staging}/state`]) {
      assertEquals(asNobody("cat", path).stdout.length, 0);
    }
    // Not even where the directory itself were open to all
    assertEquals([modeOf(part), modeOf(`${staging}/state`)], [0o600, 0o600]);
    await sink.commit();
    assertEquals(asNobody("cat", `${directory}/x`).stdout.length, 0);
    assertEquals(Deno.statSync(`${directory}/x`).uid, 0);
  },
);

testWith(
  FFI,
  "a directory that is swapped for another one meanwhile redirects nothing",
  async (directory) => {
    const dir = `${directory}/dir`;
    makeFiles(directory, { "dir/": "", "victim/x": "precious" });
    Deno.chmodSync(`${directory}/victim/x`, 0o600);
    const mode = { mode: 0o644 };
    const file = await FileAttempt.create(`${dir}/x`, { force: true }, mode);
    const tree = await treeIn(dir, ["a"]);
    tree.enter(directoryOf("a"));
    await file.write(HELLO);
    Deno.renameSync(dir, `${directory}/moved`);
    Deno.symlinkSync("victim", dir);
    tree.put(fileOf("y"), HELLO);
    await write(tree, fileOf("z", LARGE));
    tree.leave();
    await complete(tree);
    await file.commit();
    assertEquals(namesIn(`${directory}/victim`), ["x"]);
    assertEquals(modeOf(`${directory}/victim/x`), 0o600);
    assertEquals(namesIn(`${directory}/moved`), ["a", "x"]);
    assertEquals(namesIn(`${directory}/moved/a`), ["y", "z"]);
  },
);

testWith(
  FFI,
  "a staging directory that is moved away and replaced takes nothing else with it",
  async (directory) => {
    const sink = await treeIn(directory, ["a"]);
    fill(sink);
    const staging = stagingIn(directory);
    Deno.renameSync(staging, `${directory}/away`);
    makeFiles(staging, { "content/a/x": "planted" });
    await complete(sink);
    assertEquals(Deno.readFileSync(`${directory}/a/x`), HELLO);
    assertEquals(Deno.readTextFileSync(`${staging}/content/a/x`), "planted");
  },
);

test("into a directory that is there new files are moved, and nothing in it is replaced or gets another mode", async (directory) => {
  Deno.mkdirSync(`${directory}/a/sub`, { recursive: true, mode: 0o700 });
  makeFiles(directory, { "a/diary": "secret" });
  Deno.chmodSync(`${directory}/a/diary`, 0o600);
  const sink = await treeIn(directory, ["a"]);
  assert(sink.resuming);
  sink.enter(directoryOf("a", 0o777));
  fill(sink, directoryOf("sub", 0o777));
  sink.leave();
  await complete(sink);
  assertEquals(namesIn(`${directory}/a`), ["diary", "sub"]);
  assertEquals(Deno.readFileSync(`${directory}/a/sub/x`), HELLO);
  const modes = ["a", "a/sub", "a/diary"].map((name) =>
    modeOf(`${directory}/${name}`)
  );
  assertEquals(modes, [0o700, 0o700, 0o600]);
  assertEquals(namesIn(directory), ["a"]);
});

/** How something is stored. */
type Store = (sink: Sink) => void | Promise<unknown>;

function putX(sink: Sink): void {
  sink.put(fileOf("x"), HELLO);
}

/** How each kind of entry is stored under the name `x`. */
const STORES: Store[] = [
  putX,
  (sink) => sink.link(linkOf("x", "y")),
  (sink) => sink.enter(directoryOf("x")),
  (sink) => write(sink, fileOf("x", LARGE)),
];

/** What a sink says that does not store something. */
function refusal(sink: Sink, store: Store): Promise<Failure> {
  return failureOf((async () => await store(sink))());
}

/** What is there in place of the file `x`, the link `link` or the directory `sub`, and is something else. */
const CONFLICTS: [string, (path: string) => void, Store?][] = [
  ["a file of the same size", (path) => makeFiles(path, { x: "HELLO" })],
  ["a file of another size", (path) => makeFiles(path, { x: "hello more" })],
  ["a link to the same", (path) => {
    makeFiles(path, { same: HELLO });
    Deno.symlinkSync("same", `${path}/x`);
  }],
  ["a directory", (path) => makeFiles(path, { "x/": "" })],
  [
    "a large file that differs in its last byte",
    (path) => makeFiles(path, { x: LARGE.with(69_999, 1) }),
    (sink) => write(sink, fileOf("x", LARGE)),
  ],
  [
    "a link to something else",
    (path) => Deno.symlinkSync("elsewhere", `${path}/link`),
    (sink) => sink.link(linkOf("link", "here")),
  ],
  [
    "a file in the place of a directory",
    (path) => makeFiles(path, { sub: HELLO }),
    (sink) => sink.enter(directoryOf("sub")),
  ],
];
for (const [what, plant, store = putX] of CONFLICTS) {
  test(`${what} is not replaced without force: nothing changes, and nothing is left`, async (directory) => {
    Deno.mkdirSync(`${directory}/a`);
    plant(`${directory}/a`);
    const before = namesIn(`${directory}/a`);
    const sink = await treeIn(directory, ["a"]);
    sink.enter(directoryOf("a"));
    const failure = await refusal(sink, store);
    assert(failure.detail.code === "exists", failure.message);
    assertEquals(failure.detail.inTree, true);
    sink.discard();
    // A staging directory that holds nothing is of no use
    assertEquals([namesIn(directory), sink.remains], [["a"], undefined]);
    assertEquals(namesIn(`${directory}/a`), before);
  });
}

test("what is there and is the same stays, and gets the sender's mode and time at the end", async (directory) => {
  makeFiles(directory, { "a/x": HELLO, "a/y": LARGE });
  Deno.symlinkSync("here", `${directory}/a/link`);
  Deno.chmodSync(`${directory}/a/x`, 0o600);
  const inodes = () =>
    ["x", "y", "link"].map((name) =>
      Deno.lstatSync(`${directory}/a/${name}`).ino
    );
  const before = inodes();
  const sink = await treeIn(directory, ["a"]);
  sink.enter(directoryOf("a"));
  sink.link(linkOf("link", "here"));
  const x = { ...fileOf("x"), mode: 0o644 };
  sink.put(x, HELLO);
  await write(sink, fileOf("y", LARGE));
  sink.leave();
  // As long as all may still be refused nothing changes
  assertEquals(modeOf(`${directory}/a/x`), 0o600);
  await complete(sink);
  assertEquals(inodes(), before);
  assertEquals(sink.existing, 2);
  assertEquals(modeOf(`${directory}/a/x`), 0o644);
  const { mtime } = Deno.statSync(`${directory}/a/x`);
  assertEquals(mtime?.getTime(), Number(x.mtime! / 1_000_000n));
  assertEquals(namesIn(directory), ["a"]);
});

test("a file that comes to be there meanwhile, and is the same, is no less in the way", async (directory) => {
  Deno.mkdirSync(`${directory}/a`);
  const sink = await treeIn(directory, ["a"]);
  fill(sink);
  Deno.writeFileSync(`${directory}/a/x`, HELLO);
  assertEquals((await failureOf(sink.commit())).code, "exists");
  sink.discard();
  // The same two commands find that it is the same
  const again = await treeIn(directory, ["a"]);
  const inventory = again.inventory();
  inventory.enter("a");
  const found = inventory.look(fileOf("x"));
  assert(found?.existing);
  again.enter(directoryOf("a"));
  again.keep(fileOf("x"), found);
  again.leave();
  await complete(again);
  assertEquals(namesIn(directory), ["a"]);
});

test("what was not sent by this transfer is told apart from what was", async (directory) => {
  const first = await treeIn(directory, ["a", "b"]);
  fill(first);
  first.discard();
  Deno.writeFileSync(`${directory}/b`, HELLO);
  for (const force of [false, true]) {
    const sink = await treeIn(directory, ["a", "b"], { force });
    const inventory = sink.inventory();
    const found = inventory.look(fileOf("b"));
    const { conflict } = found!.existing!;
    assertEquals(conflict?.code, force ? undefined : "exists");
    inventory.enter("a");
    assertEquals(inventory.look(fileOf("x"))?.existing, undefined);
    assertEquals(inventory.look(fileOf("x"))?.whole, true);
    sink.discard();
  }
});

test("by force files are replaced, and directories that are there keep their mode", async (directory) => {
  makeFiles(directory, { "a/sub/": "", "a/x": "old", "a/mine": "mine" });
  Deno.chmodSync(`${directory}/a`, 0o750);
  Deno.chmodSync(`${directory}/a/sub`, 0o700);
  Deno.symlinkSync("mine", `${directory}/a/link`);
  const sink = await treeIn(directory, ["a"], { force: true });
  sink.enter(directoryOf("a", 0o777));
  sink.put(fileOf("link"), HELLO);
  fill(sink, directoryOf("new", 0o555), ["y"]);
  fill(sink, directoryOf("sub", 0o777), ["z"]);
  await write(sink, fileOf("t", LARGE));
  sink.put(fileOf("x"), HELLO);
  sink.leave();
  await complete(sink);
  assertEquals(namesIn(directory), ["a"]);
  const names = ["link", "mine", "new", "sub", "t", "x"];
  assertEquals(namesIn(`${directory}/a`), names);
  const modes = ["a", "a/sub", "a/new"].map((name) =>
    modeOf(`${directory}/${name}`)
  );
  assertEquals(modes, [0o750, 0o700, 0o555]);
  assertEquals(Deno.readTextFileSync(`${directory}/a/mine`), "mine");
  assertEquals(Deno.readFileSync(`${directory}/a/x`), HELLO);
  assert(Deno.lstatSync(`${directory}/a/link`).isFile);
  Deno.chmodSync(`${directory}/a/new`, 0o755);
});

/** What is there in place of the directory `sub`, and why it stays by force, too. */
const LASTING: [string, (path: string) => unknown, string][] = [
  ["a link", (path) => Deno.symlinkSync("../victim", path), "is-link"],
  ["a file", (path) => Deno.writeTextFileSync(path, "file"), "not-directory"],
  [
    "a named pipe",
    (path) => new Deno.Command("mkfifo", { args: [path] }).outputSync(),
    "not-directory",
  ],
];
for (const [what, plant, why] of LASTING) {
  test(`by force no directory takes the place of ${what}, and nothing is replaced then`, async (directory) => {
    makeFiles(directory, { "a/x": "old", "victim/": "" });
    plant(`${directory}/a/sub`);
    const sink = await treeIn(directory, ["a"], { force: true });
    sink.enter(directoryOf("a"));
    sink.put(fileOf("x"), HELLO);
    const failure = assertThrows(() => sink.enter(directoryOf("sub")), Failure);
    assertEquals(failure.code, why);
    sink.discard();
    assertEquals(Deno.readTextFileSync(`${directory}/a/x`), "old");
    assertEquals(namesIn(`${directory}/victim`), []);
  });
}

test("by force no file takes the place of a directory", async (directory) => {
  Deno.mkdirSync(`${directory}/a`);
  const sink = await treeIn(directory, ["a"], { force: true });
  const failure = assertThrows(() => sink.put(fileOf("a"), HELLO), Failure);
  assertEquals(failure.code, "is-directory");
  sink.discard();
});

test("of several names none is moved if one of them has come to be there", async (directory) => {
  const sink = await treeIn(directory, ["a", "b", "c"]);
  fill(sink);
  sink.put(fileOf("b"), HELLO);
  sink.put(fileOf("c"), HELLO);
  Deno.writeTextFileSync(`${directory}/c`, "other");
  const failure = await failureOf(sink.commit());
  assertEquals(failure.code, "exists");
  sink.discard();
  assertEquals(namesIn(directory), ["a+2.ferry-part", "c"]);
  Deno.removeSync(`${directory}/c`);
  const again = await treeIn(directory, ["a", "b", "c"]);
  assert(again.resuming);
  keepAll(again, 0o755, "b", "c");
  await complete(again);
  assertEquals(namesIn(directory), ["a", "b", "c"]);
});

/** Has the state of a staging directory say that what is in it is complete: final names, and what has them. */
function markComplete(staging: string, names: Record<string, string>): void {
  const roots = Object.entries(names).map(([name, path]) => {
    const { ino } = Deno.statSync(`${staging}/content/${path}`);
    return { name, inode: String(ino) };
  });
  const line = JSON.stringify({ phase: "committing", roots });
  // What was written last may have been cut off
  const lines = `{"pha\n${line}\n{"pha`;
  Deno.writeTextFileSync(`${staging}/state`, lines, { append: true });
}

/** Ends a tree of `a` and `b` as if the process had been killed when `a` was moved. */
async function killedAtEnd(directory: string): Promise<void> {
  const sink = await treeIn(directory, ["a", "b"]);
  fill(sink, directoryOf("a", 0o555));
  sink.put(fileOf("b"), HELLO);
  sink.discard();
  const staging = stagingIn(directory);
  markComplete(staging, { a: "a", b: "b" });
  Deno.renameSync(`${staging}/content/a`, `${directory}/a`);
}

test("a tree that was complete but for its very end is gone on with, and nothing of it is sent again", async (directory) => {
  await killedAtEnd(directory);
  const sink = await treeIn(directory, ["a", "b"]);
  assert(sink.resuming);
  const inventory = sink.inventory();
  inventory.enter("a");
  const found = inventory.look(fileOf("x"));
  inventory.leave();
  assert(found?.whole && inventory.look(fileOf("b"))?.whole);
  const content = await found.open();
  assertEquals(await content.read(new Uint8Array(9)), 5);
  content.close();
  keepAll(sink, 0o555, "b");
  await complete(sink);
  assertEquals(namesIn(directory), ["a", "b"]);
  assertEquals(modeOf(`${directory}/a`), 0o555);
  Deno.chmodSync(`${directory}/a`, 0o755);
});

test("what has its final name is never changed by going on, whatever the sender sends then", async (directory) => {
  await killedAtEnd(directory);
  Deno.chmodSync(`${directory}/a`, 0o755);
  Deno.writeTextFileSync(`${directory}/a/notes`, "mine");
  const others: Store[] = [
    (sink) => sink.put(fileOf("x"), HELLO.subarray(1)),
    (sink) => sink.put(fileOf("new"), HELLO),
    (sink) => sink.enter(directoryOf("sub")),
  ];
  for (const store of [...others, ...STORES.slice(1)]) {
    const sink = await treeIn(directory, ["a", "b"]);
    sink.enter(directoryOf("a", 0o777));
    await refusal(sink, store);
    sink.discard();
  }
  assertEquals(namesIn(`${directory}/a`), ["notes", "x"]);
  assertEquals(Deno.readFileSync(`${directory}/a/x`), HELLO);
  const sink = await treeIn(directory, ["a", "b"]);
  keepAll(sink, 0o777, "b");
  await complete(sink);
  assertEquals(namesIn(`${directory}/a`), ["notes", "x"]);
  assertEquals(modeOf(`${directory}/a`), 0o755);
});

test("a file that was complete but for its very end is gone on with", async (directory) => {
  const path = `${directory}/x`;
  const create = (force = false) =>
    FileAttempt.create(path, { force }, { mode: 0o440 });
  for (const moved of [false, true]) {
    for (const force of [false, true]) {
      await leaveBehind(path, HELLO);
      const staging = stagingIn(directory);
      const part = `${staging}/content/x.ferry-part`;
      Deno.chmodSync(part, 0o440);
      markComplete(staging, { x: "x.ferry-part" });
      if (moved) Deno.renameSync(part, path);
      const sink = await create(force);
      if (moved && force) {
        // What was moved is replaced, as everything else that is there
        assertEquals(sink.found, undefined);
        await sink.write(HELLO.subarray(1));
      } else {
        const content = await sink.found?.open();
        assertEquals(await content?.read(new Uint8Array(9)), 5);
        content?.close();
        await sink.resume(5);
      }
      if (moved && !force) {
        assertEquals((await failureOf(sink.write(HELLO))).code, "exists");
      }
      await sink.commit();
      assertEquals(namesIn(directory), ["x"]);
      const expected = moved && force ? HELLO.subarray(1) : HELLO;
      assertEquals(Deno.readFileSync(path), expected);
      assertEquals(modeOf(path), 0o440);
      Deno.removeSync(path);
    }
  }
});

test("what the attempt that completes did not list does not arrive, nor an unfinished file", async (directory) => {
  for (const force of [false, true]) {
    const first = await treeIn(directory, ["a"], { force });
    fill(first, directoryOf("a"), ["x", "y"]);
    first.discard();
    const others = { "a/big.ferry-part": "part", "a/old/deep/": "", other: "" };
    makeFiles(`${stagingIn(directory)}/content`, others);
    const sink = await treeIn(directory, ["a"], { force });
    keepAll(sink);
    await complete(sink);
    assertEquals(namesIn(directory), ["a"]);
    assertEquals(namesIn(`${directory}/a`), ["x"]);
  }
});

test("a tree deeper than what may be open at a time arrives, and goes on", async (directory) => {
  const DEPTH = 60;
  const walk = (sink: Sink, at: (depth: number) => void) => {
    for (let depth = 0; depth < DEPTH; depth++) {
      sink.enter(directoryOf(depth === 0 ? "a" : "d", 0o555));
    }
    for (let depth = DEPTH; depth > 0; depth--) {
      at(depth);
      sink.leave();
    }
  };
  const first = await treeIn(directory, ["a"]);
  walk(first, (depth) => first.put(fileOf(`f${depth}`), HELLO));
  first.discard();
  const sink = await treeIn(directory, ["a"]);
  const inventory = sink.inventory();
  for (let depth = 0; depth < DEPTH; depth++) {
    inventory.enter(depth === 0 ? "a" : "d");
  }
  for (let depth = DEPTH; depth > 0; depth--) {
    assertEquals(inventory.look(fileOf(`f${depth}`))?.whole, true);
    inventory.leave();
  }
  walk(sink, (depth) => sink.keep(fileOf(`f${depth}`)));
  await complete(sink);
  let path = `${directory}/a`;
  for (let depth = 1; depth <= DEPTH; depth++, path += "/d") {
    assertEquals(namesIn(path).includes(`f${depth}`), true);
  }
});

test("what is broken off without an owner leaves nothing, since nobody may go on with it", async (directory) => {
  const nobodys = { owner: undefined };
  const sink = await FileAttempt.create(`${directory}/x`, nobodys);
  await sink.write(HELLO);
  sink.discard(true);
  assertEquals([namesIn(directory), sink.sink.remains], [[], undefined]);
});

test("two names that are one to the file system are refused, and neither is lost", async (directory) => {
  // As if `x` were there as `X`, which was sent before
  const keep: Store = (sink) => sink.keep(fileOf("x"));
  for (const store of [...STORES, keep]) {
    const first = await treeIn(directory, ["a"]);
    first.enter(directoryOf("a"));
    first.put(fileOf("w"), HELLO);
    first.discard();
    for (const _ of ["gone on with", "and again"]) {
      const sink = await treeIn(directory, ["a"]);
      sink.enter(directoryOf("a"));
      const path = `${stagingIn(directory)}/content/a/x`;
      Deno.writeTextFileSync(path, "X");
      assertEquals((await refusal(sink, store)).code, "names-collide");
      assertEquals(Deno.readTextFileSync(path), "X");
      Deno.removeSync(path);
      sink.discard();
    }
    Deno.removeSync(stagingIn(directory), { recursive: true });
  }
});

Deno.test({
  name: "all of this holds without FFI, but for what is said to need it",
  ignore: !FFI.met,
  fn: async () => {
    const may =
      "--allow-read --allow-write --allow-run --allow-sys --allow-env";
    const command = new Deno.Command(Deno.execPath(), {
      args: [
        ..."test --no-check --no-prompt".split(" "),
        ...may.split(" "),
        new URL(import.meta.url).pathname,
      ],
      env: { NO_COLOR: "1" },
    });
    const { success, stdout } = await command.output();
    assert(success, new TextDecoder().decode(stdout));
  },
});

test("who was not heard by the sender is remembered: the same command again finds that all is stored", async (directory) => {
  const tree = await treeIn(directory, ["a"]);
  fill(tree);
  await complete(tree, false);
  const again = await treeIn(directory, ["a"]);
  assert(again.resuming);
  const inventory = again.inventory();
  inventory.enter("a");
  const found = inventory.look(fileOf("x"));
  assert(found?.whole);
  keepAll(again);
  await complete(again, true);
  assertEquals(namesIn(directory), ["a"]);
  // What is there is as everything else that is there
  const third = await treeIn(directory, ["a"]);
  const there = third.inventory();
  there.enter("a");
  assert(there.look(fileOf("x"))?.existing);
  third.discard();
});

test("by force, too, a directory that was moved and not yet given its mode is given it", async (directory) => {
  const store = async (heard: boolean) => {
    const sink = await treeIn(directory, ["a"], { force: true });
    fill(sink, directoryOf("a", 0o555));
    await complete(sink, heard);
  };
  await store(false);
  // As it is when the process is killed between move and mode
  Deno.chmodSync(`${directory}/a`, 0o755);
  await store(true);
  assertEquals(modeOf(`${directory}/a`), 0o555);
  assertEquals(namesIn(directory), ["a"]);
  // That of somebody else is not
  Deno.chmodSync(`${directory}/a`, 0o755);
  await store(true);
  assertEquals(modeOf(`${directory}/a`), 0o755);
});

test("a file whose sender was not heard is found whole by its owner, and exists for a stranger", async (directory) => {
  const path = `${directory}/x`;
  const create = (owner: Owner) => FileAttempt.create(path, { owner });
  const sink = await create(OWNER);
  await sink.write(HELLO);
  await sink.commit(false);
  const error = await failureOf(create(STRANGER));
  assertEquals(error.code, "exists");
  const again = await create(OWNER);
  assertEquals(again.found?.length, HELLO.length);
  await again.resume(HELLO.length);
  await again.commit();
  assertEquals(namesIn(directory), ["x"]);
});
