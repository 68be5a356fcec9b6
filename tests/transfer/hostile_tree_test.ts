import { frame, FRAME_HEADER_SIZE } from "../../lib/base/frame.ts";
import { createHash } from "node:crypto";
import { assert, assertEquals } from "@std/assert";
import type { Failure } from "../../lib/base/failure.ts";
import "../support/libraries.ts";
import { TransferDigest } from "../../lib/transfer/wire/digest.ts";
import { encodeEntry, type Entry } from "../../lib/transfer/wire/entries.ts";
import { FieldWriter, Tag } from "../../lib/transfer/wire/fields.ts";
import { DirectorySink } from "../../lib/transfer/files/writing/directory_sink.ts";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import {
  encodeDigest,
  encodeOffer,
  encodeOffsets,
  encodeTotal,
  type Offer,
} from "../../lib/transfer/wire/messages.ts";
import { receiveBytes } from "./exchange.ts";
import { makeFiles, namesIn, snapshot, stagingIn, treeIn } from "./files.ts";
import { failureSaid, framesOf } from "../support/streams.ts";

const NOTHING = new Uint8Array(0);
const LEAVE = frame(FrameType.LEAVE, NOTHING);

const OFFERED: Offer = { kind: "tree", names: ["a"], count: 1 };
const OFFER = encodeOffer(OFFERED);
const END = encodeDigest(FrameType.END, {
  bytes: 1,
  sha256: new TransferDigest("tree").finish(),
  files: 1,
});

function entry(entry: Entry): Uint8Array {
  return frame(FrameType.ENTRY, encodeEntry(entry));
}

function directory(name: string): Uint8Array {
  return entry({ kind: "directory", name, mode: 0o755, mtime: 0n });
}

function link(name: string, target: string): Uint8Array {
  return entry({ kind: "link", name, target, mtime: 0n });
}

function file(name: string, text = "x"): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const header = entry({
    kind: "file",
    name,
    mode: 0o644,
    mtime: 0n,
    size: bytes.length,
  });
  return joined(header, frame(FrameType.DATA, bytes));
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A PACK frame. */
function pack(...parts: Uint8Array[]): Uint8Array {
  return frame(FrameType.PACK, joined(...parts));
}

/** What came of a tree that a hostile sender sent. */
interface Outcome {
  failure: Failure | undefined;
  /** What the sender was told. */
  said: string;
  /** The names in the directory. */
  names: string[];
}

/** Receives these frames into `world/dir`, and asserts that nothing else of the world changes. */
async function receiveTree(
  frames: Uint8Array[],
  prepare: (world: string) => void = () => {},
  force = false,
): Promise<Outcome> {
  using made = temporary();
  const world = made.path;
  makeFiles(world, { "dir/": "", "outside/x": "precious", x: "precious" });
  prepare(world);
  const around = () =>
    snapshot(world).filter(([path]) => !path.startsWith("dir"));
  const before = around();
  const options = { force };
  const open = () =>
    DirectorySink.create(`${world}/dir`, { ...OFFERED, names: [] }, options);
  const bytes = [OFFER, ...frames, END];
  const { failure, near } = await receiveBytes(bytes, open);
  assertEquals(around(), before);
  const said = JSON.stringify(await failureSaid(near));
  return { failure, said, names: namesIn(`${world}/dir`) };
}

/** A directory that is there until it is disposed of. */
function temporary(): Disposable & { path: string } {
  const path = Deno.makeTempDirSync({ prefix: "ferry-test-" });
  const dispose = () => Deno.removeSync(path, { recursive: true });
  return { path, [Symbol.dispose]: dispose };
}

function assertRefused(failure: Failure | undefined, rule: string): void {
  assert(failure?.detail.code === "name-refused", failure?.message);
  assertEquals(failure.detail.rule, rule);
}

const LONG = "x".repeat(256);
const NAMES: [string, string, RegExp][] = [
  ["an absolute path", "/etc/passwd", /"path"/],
  ["a path that climbs out", "../x", /"path"/],
  ["the parent", "..", /"path"/],
  ["the directory itself", ".", /"path"/],
  ["a path", "outside/x", /"path"/],
  ["a NUL", "a\0b", /"has-nul"/],
  ["too long a name", LONG, /"too-long"/],
  ["the name of a part", "x.ferry-part", /"reserved"/],
];
for (const [what, name, why] of NAMES) {
  for (const make of [file, directory, (name: string) => link(name, "x")]) {
    Deno.test(`${what} as the name of a ${kindOf(make)} is refused, and named`, async () => {
      const { failure, said, names } = await receiveTree([pack(make(name))]);
      assertEquals(failure?.code, "name-refused");
      assert(why.test(failure!.message), failure!.message);
      const shown = name.replace("\0", "\ufffd").slice(0, 99);
      assert(failure!.message.includes(shown), failure!.message);
      assert(said.includes(shown), said);
      assertEquals(names, []);
    });
  }
}

function kindOf(make: unknown): string {
  return make === file ? "file" : make === directory ? "directory" : "link";
}

Deno.test("a name that is not UTF-8 is refused", async () => {
  const body = new FieldWriter().uint8(Tag.KIND, 2)
    .bytes(Tag.NAME, Uint8Array.of(0x61, 0xff)).int64(Tag.MTIME, 0)
    .int64(Tag.MODE, 0o755).finish();
  const { failure } = await receiveTree([pack(frame(FrameType.ENTRY, body))]);
  assert(failure?.message.includes("not-utf8"));
});

Deno.test("nothing is written through a link that points out", async () => {
  for (const target of ["../outside", "/tmp", ".."]) {
    for (const force of [false, true]) {
      const { failure, said } = await receiveTree(
        [pack(link("a", target)), pack(directory("a"), file("x"))],
        undefined,
        force,
      );
      assertRefused(failure, "duplicate");
      assert(said.includes('"name":"a"'), said);
    }
  }
});

Deno.test("nothing is written through a link that was there before", async () => {
  const plant = (world: string) =>
    Deno.symlinkSync("../outside", `${world}/dir/a`);
  for (const force of [false, true]) {
    const { failure, said } = await receiveTree(
      [pack(directory("a"), file("x"), LEAVE)],
      plant,
      force,
    );
    const why = force ? "is-link" : "exists";
    assert(failure?.message.includes(why), failure?.message);
    assert(said.includes('"name":"a"'), said);
  }
});

Deno.test("two names that collide are refused, whatever they are", async () => {
  for (const first of [file("a"), link("a", "x")]) {
    for (const second of [file("a", "y"), link("a", "y"), directory("a")]) {
      const packed = pack(first, second);
      const { failure } = await receiveTree([packed], undefined, true);
      assertRefused(failure, "duplicate");
    }
  }
});

// T-5
Deno.test("names that do not ascend are refused, so that none can come twice", async () => {
  const packed = pack(directory("a"), file("b"), file("a"));
  const { failure } = await receiveTree([packed]);
  assertRefused(failure, "out-of-order");
});

// T-10
Deno.test("TOTAL that comes twice is refused", async () => {
  const total = frame(FrameType.TOTAL, encodeTotal({ files: 1, bytes: 1 }));
  const { failure } = await receiveTree([total, total]);
  assertEquals(failure?.code, "malformed");
});

Deno.test("a path that is too long is refused", async () => {
  const deep = Array.from({ length: 20 }, () => directory("d".repeat(250)));
  const { failure } = await receiveTree([pack(directory("a"), ...deep)]);
  assertRefused(failure, "path-too-long");
});

Deno.test("a directory is not left that was never entered", async () => {
  const { failure } = await receiveTree([pack(LEAVE)]);
  assertEquals(failure?.code, "malformed");
});

Deno.test("set-user-id, set-group-id and sticky bits are not taken over, and the umask is kept to", async () => {
  const make = (kind: "file" | "directory", name: string) =>
    entry({ kind, name, mode: 0o7777, mtime: 0n, size: 0 } as Entry);
  for (const umask of [0o022, 0o077]) {
    const before = Deno.umask(umask);
    using world = temporary();
    try {
      const packed = pack(make("directory", "a"), make("file", "b"), LEAVE);
      await receiveBytes([OFFER, packed], () => treeIn(world.path, ["a"]));
      const content = `${stagingIn(world.path)}/content`;
      assertEquals(namesIn(content), ["a"]);
      for (const path of ["a", "a/b"]) {
        const mode = Deno.statSync(`${content}/${path}`).mode! & 0o7777;
        assertEquals(mode, 0o777 & ~umask);
      }
    } finally {
      Deno.umask(before);
    }
  }
});

Deno.test("a name that was not offered does not come outside of all directories", async () => {
  for (const bytes of [pack(file("b")), joined(directory("b"), LEAVE)]) {
    const { failure, names } = await receiveTree([bytes]);
    const rule = "not-offered";
    assertEquals(failure?.detail, { code: "name-refused", name: "b", rule });
    assertEquals(names, []);
  }
});

/** The entry of a file of one byte. */
const LISTED = file("a").subarray(0, -(FRAME_HEADER_SIZE + 1));
const CORRUPT: [string, Uint8Array][] = [
  ["a pack with half a header", frame(FrameType.PACK, new Uint8Array(2))],
  ["a pack with less than it says", pack(file("a").subarray(0, -1))],
  ["a pack in a pack", pack(pack(file("a")))],
  // T-6
  [
    "a pack before a listed file has ended",
    joined(directory("a"), LISTED, pack(file("b"))),
  ],
  ["a packed file without its content", pack(file("a").subarray(0, -5))],
  [
    "a file with another digest",
    joined(
      LISTED,
      frame(FrameType.DATA, Uint8Array.of(1)),
      frame(FrameType.FILE_DIGEST, new Uint8Array(32)),
    ),
  ],
  [
    "a file with more than was announced",
    joined(LISTED, frame(FrameType.DATA, Uint8Array.of(1, 2))),
  ],
];
for (const [what, bytes] of CORRUPT) {
  Deno.test(`of ${what} nothing gets its name`, async () => {
    const { failure, names } = await receiveTree([bytes]);
    assert(failure?.code === "malformed" || failure?.code === "corrupt");
    assertEquals(names, []);
  });
}

/** What a receiver that has `a` says to a sender that says these frames. */
async function receiveExisting(
  text: string,
  ...frames: Uint8Array[]
): Promise<{ failure: Failure | undefined; said: [number, string][] }> {
  using directory = temporary();
  makeFiles(directory.path, { a: "x" });
  const offered = { ...OFFERED, resumable: true };
  const size = text.length;
  const listed = entry({ kind: "file", name: "a", mode: 0, mtime: 0n, size });
  const query = frame(FrameType.QUERY);
  const { failure, near } = await receiveBytes(
    [encodeOffer(offered), listed, query, ...frames],
    () => DirectorySink.create(directory.path, offered, { force: false }),
  );
  assertEquals(Deno.readTextFileSync(`${directory.path}/a`), "x");
  const said: [number, string][] = [];
  for await (const { type, body } of framesOf(near)) {
    said.push([type, body.toHex()]);
  }
  return { failure, said };
}

const EXISTS = "fffffffffffffffe";

// T-11
Deno.test("of a file that was there before no digest is told, and no size of another one", async () => {
  const { said } = await receiveExisting("y");
  const offsets = said.filter(([type]) => type === FrameType.OFFSETS);
  assertEquals(offsets, [[FrameType.OFFSETS, EXISTS]]);
  assert(!said.some(([type]) => type === FrameType.PREFIX_DIGESTS));
  const other = await receiveExisting("another");
  assertEquals(other.failure?.code, "exists");
  assert(!other.said.some(([type]) => type === FrameType.OFFSETS));
});

// T-12
Deno.test("a file that was there before is not kept for a sender that has not shown its digest", async () => {
  const resume = frame(FrameType.RESUME_AT, encodeOffsets(1));
  const sha256 = createHash("sha256").update("x").digest();
  const end = frame(FrameType.FILE_DIGEST, sha256);
  const { failure } = await receiveExisting("x", resume, end);
  assertEquals(failure?.code, "malformed");
  const wrong = frame(FrameType.COMPARE, new Uint8Array(32).fill(1));
  assertEquals((await receiveExisting("x", wrong)).failure?.code, "exists");
  const unknown = frame(FrameType.COMPARE, new Uint8Array(32));
  const after = await receiveExisting("x", unknown, resume, end);
  assertEquals(after.failure?.code, "malformed");
  const right = frame(FrameType.COMPARE, sha256);
  const { said } = await receiveExisting("x", right);
  const told = said.filter(([type]) => type === FrameType.COMPARED);
  assertEquals(told, [[FrameType.COMPARED, "01"]]);
  const more = await receiveExisting("x", right, right);
  assertEquals(more.failure?.code, "malformed");
});
