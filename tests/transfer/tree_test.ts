import { assert, assertEquals } from "@std/assert";
import { Failure } from "../../lib/base/failure.ts";
import { Prng } from "../../lib/base/prng.ts";
import type { TransferEvent } from "../../lib/transfer/events.ts";
import type { Offer } from "../../lib/transfer/wire/messages.ts";
import { DirectorySink } from "../../lib/transfer/files/writing/directory_sink.ts";
import { TreeSource } from "../../lib/transfer/files/reading/tree_source.ts";
import {
  makeFiles,
  namesIn,
  OWNER,
  snapshot,
  stagingIn,
  test as inEmptyDirectory,
} from "./files.ts";
import type { DirectionOptions } from "../support/memory_stream.ts";
import { type Exchange, exchange } from "./exchange.ts";

/** Registers a test that runs in a directory of its own, which has `from` and `to` in it. */
function test(name: string, body: (path: string) => Promise<void>): void {
  inEmptyDirectory(name, async (path) => {
    makeFiles(path, { "from/": "", "to/": "" });
    await body(path);
  });
}

/** What came of an attempt, and what the sender and the receiver told of it. */
interface Attempt extends Exchange {
  told: [TransferEvent[], TransferEvent[]];
}

/** Milliseconds longer than a test. */
const NEVER = 2 ** 30;

/** How an attempt is made. */
interface Attempting {
  countAfter?: number;
  force?: boolean;
  offer?: Offer;
  source?: TreeSource;
}

function sourceIn(path: string): Promise<TreeSource> {
  return TreeSource.open([`${path}/from/tree`]);
}

/** Sends `from/tree` into `to`. */
async function attempt(
  path: string,
  there: DirectionOptions = {},
  { countAfter = NEVER, force = false, ...options }: Attempting = {},
): Promise<Attempt> {
  const told: Attempt["told"] = [[], []];
  const { source = await sourceIn(path), ...sending } = options;
  const ended = await exchange(source, {
    sink: (offer) =>
      DirectorySink.create(`${path}/to`, offer, { force, owner: OWNER }),
    there: { capacity: 1 << 20, ...there },
    sending: { ...sending, event: (event) => told[0].push(event), countAfter },
    receiving: { event: (event) => told[1].push(event) },
  });
  return { ...ended, told };
}

/** What both sides were told of entries that were there: which, and what became of them. */
function assertTold({ told }: Attempt, expected: string[]): void {
  for (const events of told) {
    const seen = events.flatMap((event) =>
      event.type === "entry"
        ? []
        : "path" in event && event.path !== undefined
        ? [`${event.type} ${event.path.replace(/.*tree\//, "")}`]
        : [event.type]
    );
    assertEquals(seen, expected);
  }
}

/** Changes a byte of a file, and nothing that shows from outside. */
function tamper(path: string): void {
  const { mtime } = Deno.statSync(path);
  const bytes = Deno.readFileSync(path);
  bytes[7]! ^= 1;
  Deno.writeFileSync(path, bytes);
  Deno.utimeSync(path, mtime!, mtime!);
}

/** Fills `directory` with files of all sizes, directories and links. */
function makeTree(directory: string, random: Prng, depth = 0): void {
  Deno.mkdirSync(directory);
  const count = random.int(12);
  for (let i = 0; i < count; i++) {
    const path = `${directory}/${"abcdefghij"[random.int(10)]}${i}`;
    const kind = random.int(10);
    if (kind === 0) {
      Deno.symlinkSync(`../${i}`, path);
    } else if (kind < 4 && depth < 3) {
      makeTree(path, random, depth + 1);
    } else {
      const size = [0, 10, 3000, 65_536, 65_537, 300_000][random.int(6)];
      Deno.writeFileSync(path, random.bytes(size!));
      Deno.chmodSync(path, 0o400 | random.int(0o400));
      Deno.utimeSync(path, 0, random.int(1e9));
    }
  }
  Deno.utimeSync(directory, 0, random.int(1e9));
}

function assertArrived(path: string): void {
  // The umask takes away from modes
  const all = (side: string) => snapshot(`${path}/${side}`, Deno.umask());
  assertEquals(all("to"), all("from"));
}

function assertSameFile(path: string, name: string): void {
  const [to, from] = ["to", "from"].map((side) =>
    Deno.readFileSync(`${path}/${side}/tree/${name}`)
  );
  assertEquals(to, from);
}

for (let seed = 1; seed <= 12; seed++) {
  test(`a random tree arrives, however often it is broken (seed ${seed})`, async (path) => {
    const random = new Prng(seed);
    makeTree(`${path}/from/tree`, random);
    for (let broken = 0;; broken++) {
      const breakAfter = broken < 6 ? random.int(600_000) : undefined;
      const { sent, stored } = await attempt(path, { breakAfter });
      if (!(sent instanceof Failure)) {
        assertEquals({ ...stored, omitted: 0 }, sent);
        break;
      }
      assertEquals(sent.code, "peer-silent", `${sent} ${stored}`);
    }
    assertArrived(path);
  });
}

/** Makes `from/tree` of files of random bytes, of these sizes. */
function makeRandom(path: string, sizes: Record<string, number>): void {
  const random = new Prng(1);
  for (const [name, size] of Object.entries(sizes)) {
    makeFiles(`${path}/from/tree`, { [name]: random.bytes(size) });
  }
}

/** The sizes of so many files, every other one of them in `sub`. */
function sizesOf(count: number, size: number): Record<string, number> {
  const names = Array.from({ length: count }, (_, i) => i % 2 ? `sub/${i}` : i);
  return Object.fromEntries(names.map((name) => [name, size]));
}

/** A tree of some small files and a large one, of which a part has arrived. */
async function brokenTree(path: string): Promise<void> {
  const sizes = { a: 1000, b: 1000, c: 1000, large: 2_000_000 };
  // What is sent before the receiver has answered is sent again
  makeRandom(path, { 0: 300_000, ...sizes });
  const { stored } = await attempt(path, { breakAfter: 1_800_000 });
  assert(stored instanceof Failure && stored.code === "peer-silent");
}

test("a tree is counted while it is sent, and both sides learn how much there is", async (path) => {
  makeRandom(path, sizesOf(100, 50_000));
  const { told } = await attempt(path, { capacity: 1 << 16 }, {
    countAfter: 0,
  });
  for (const events of told) {
    const totals = events.filter(({ type }) => type === "total");
    assertEquals(totals, [{ type: "total", files: 100, bytes: 5_000_000 }]);
    const entries = events.filter((event) => event.type === "entry");
    const { files, bytes } = entries.at(-1)!;
    assertEquals(bytes, files * 50_000);
  }
  assertEquals(
    told[0]!.flatMap((event) => event.type === "entry" ? [event.files] : []),
    Array.from({ length: 100 }, (_, files) => files),
  );
});

test("a tree that was counted before it was offered is not counted again", async (path) => {
  makeFiles(path, { "from/tree/": "" });
  const source = await sourceIn(path);
  source.measure = () => {
    throw new Error("It was counted");
  };
  const offer = { ...source.offer, files: 0, size: 0 };
  const { told } = await attempt(path, {}, { source, offer, countAfter: 0 });
  assertEquals(told[0], []);
});

test("a tree that is not complete is in a staging directory, and its unfinished file as well", async (path) => {
  await brokenTree(path);
  assertEquals(namesIn(`${path}/to`), ["tree.ferry-part"]);
  const staging = stagingIn(`${path}/to`);
  assertEquals(namesIn(staging), ["content", "state"]);
  assertEquals(namesIn(`${staging}/content/tree`), [
    "0",
    "a",
    "b",
    "c",
    "large.ferry-part",
  ]);
});

test("what goes on after a break sends little again, and both sides say so", async (path) => {
  await brokenTree(path);
  const again = await attempt(path, { breakAfter: 1_300_000 });
  assert(!(again.sent instanceof Failure));
  assertTold(again, ["kept 0", "kept a", "kept b", "kept c", "kept large"]);
  assertArrived(path);
});

for (
  const [what, name, told] of [
    [
      "a part",
      "large.ferry-part",
      "kept 0,kept a,kept b,kept c,restarted large",
    ],
    ["a complete file", "b", "kept 0,kept a,restarted b,kept c,kept large"],
  ] as const
) {
  test(`${what} that was tampered with is noticed and sent anew, and both sides say so`, async (path) => {
    await brokenTree(path);
    tamper(`${stagingIn(`${path}/to`)}/content/tree/${name}`);
    assertTold(await attempt(path), told.split(","));
    assertArrived(path);
  });
}

test("a tree that changed between two attempts arrives as it is now", async (path) => {
  await brokenTree(path);
  Deno.removeSync(`${path}/from/tree/large`);
  makeFiles(path, { "from/tree/aa": "new", "from/tree/large": "small now" });
  assert(!((await attempt(path)).sent instanceof Failure));
  assertEquals(Deno.readTextFileSync(`${path}/to/tree/aa`), "new");
  assertEquals(Deno.readTextFileSync(`${path}/to/tree/large`), "small now");
});

/** The bytes of content that were sent, of all. */
function bytesSent({ sent, told: [events] }: Attempt): number {
  assert(!(sent instanceof Failure), `${sent}`);
  const kept = events.flatMap((event) =>
    event.type === "kept" && event.existing ? [event.bytes] : []
  );
  return kept.reduce((left, bytes) => left - bytes, sent.bytes);
}

test("a tree that is there already is compared, and no more of it is sent than before the answer", async (path) => {
  makeRandom(path, { ...sizesOf(1200, 1000), large: 3_000_000 });
  assert(!((await attempt(path)).sent instanceof Failure));
  const inode = Deno.statSync(`${path}/to/tree/large`).ino;
  makeRandom(path, { "sub/new": 2000 });
  const again = await attempt(path);
  assert(bytesSent(again) < 400_000, `${bytesSent(again)}`);
  const { stored } = again;
  assert(!(stored instanceof Failure));
  assertEquals([stored.files, stored.existing], [1202, 1201]);
  assertEquals(Deno.statSync(`${path}/to/tree/large`).ino, inode);
  assertSameFile(path, "sub/new");
  assertEquals(namesIn(`${path}/to`), ["tree"]);
});

for (const force of [false, true]) {
  test(`a file of the same size that differs is ${force ? "replaced by force, and no other one is" : "refused before more is sent, and named"}`, async (path) => {
    makeRandom(path, { a: 500_000, b: 500_000, c: 500_000 });
    await attempt(path);
    const inodes = () =>
      ["a", "b", "c"].map((name) =>
        Deno.statSync(`${path}/to/tree/${name}`).ino
      );
    const before = inodes();
    tamper(`${path}/to/tree/c`);
    const { sent, stored, told } = await attempt(path, {}, { force });
    if (force) {
      assertEquals(inodes().slice(0, 2), before.slice(0, 2));
      assertEquals(inodes()[2] === before[2], false);
      // Nothing was left by an earlier attempt
      assertTold({ sent, stored, told }, ["kept a", "kept b"]);
      for (const name of ["a", "b", "c"]) assertSameFile(path, name);
      return;
    }
    assert(sent instanceof Failure && stored instanceof Failure);
    assert(sent.detail.code === "peer-failed");
    assertEquals(sent.detail.reason, { code: "exists", name: "tree/c" });
    assertEquals(namesIn(`${path}/to`), ["tree"]);
    assertEquals(inodes(), before);
  });
}

test("a file that is gone when its turn comes is named, and the rest arrives", async (path) => {
  makeFiles(path, { "from/tree/a": "a", "from/tree/b": "b" });
  const source = await sourceIn(path);
  const walk = source.entries.bind(source);
  source.entries = function* () {
    for (const step of walk()) {
      if (step.type === "file" && step.entry.name === "a") {
        Deno.removeSync(step.path);
      }
      yield step;
    }
  };
  const { sent, stored, told } = await attempt(path, {}, { source });
  assert(!(sent instanceof Failure || stored instanceof Failure));
  assertEquals([sent.omitted, sent.files, stored.files], [1, 1, 1]);
  const omitted = told[0].flatMap((event) =>
    event.type === "omitted" ? [event.reason] : []
  );
  assertEquals(omitted, [{ errno: "ENOENT", text: "ENOENT" }]);
  assertEquals(namesIn(`${path}/to/tree`), ["b"]);
});
