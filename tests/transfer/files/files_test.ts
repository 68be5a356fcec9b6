import { parse } from "node:path";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import { openFileSource } from "../../../lib/transfer/files/reading/file_source.ts";
import { statusAt } from "../../../lib/transfer/files/file_status.ts";
import type { Source } from "../../../lib/transfer/source.ts";
import { HELLO, makeFiles, namesIn, stagingIn, test } from "../files.ts";
import { utf8 } from "../../../lib/base/utf8.ts";
import { FileAttempt, leaveBehind } from "./file_attempt.ts";

const { create } = FileAttempt;

/** The file of a source of one. */
function fileOf(source: Source) {
  const [step] = source.entries();
  assert(step?.type === "file");
  return step;
}

/** What is at `path` while it arrives. */
function partOf(path: string): string {
  const { dir, base } = parse(path);
  return `${stagingIn(dir)}/content/${base}.ferry-part`;
}

test("a file is read with its name, size, permission bits and time", async (directory) => {
  const path = `${directory}/some file`;
  await Deno.writeFile(path, HELLO, { mode: 0o640 });
  await Deno.utime(path, 1e9, 1.5e9);
  const source = await openFileSource(path);
  const into = new Uint8Array(10);
  const facts = { size: 5, mode: 0o640, mtime: 1_500_000_000_000_000_000n };
  assertEquals(source.offer, {
    kind: "file",
    names: ["some file"],
    count: 1,
    ...facts,
    resumable: true,
  });
  const { entry, file } = fileOf(source);
  assertEquals(entry, { kind: "file", name: "some file", ...facts });
  const content = await file.open();
  assertEquals(await content.read(into), 5);
  assertEquals(into.subarray(0, 5), HELLO);
  assertEquals(await content.read(into), null);
  source.close();
});

test("what is called like a part file is offered under another name, and every other name as it is", async (directory) => {
  for (const name of ["a\\b\x1bc\nd", "x.ferry-part"]) {
    await Deno.writeFile(`${directory}/${name}`, HELLO);
    const source = await openFileSource(`${directory}/${name}`);
    source.close();
    assertEquals(source.offer.names, [name.replace("y-part", "y_part")]);
  }
});

test("what is missing or a directory cannot be sent, and the reason is said", async (directory) => {
  const missing = () => openFileSource(`${directory}/none`);
  await assertRejects(missing, Failure, "ENOENT");
  await assertRejects(() => openFileSource(directory), Failure, "EISDIR");
});

test("a file has its final name only when it is complete, and its mode and time", async (directory) => {
  const path = `${directory}/x`;
  const attributes = { mode: 0o440, mtime: 1_500_000_000_123_456_789n };
  const sink = await create(path, {}, attributes);
  await sink.write(HELLO);
  assertEquals(namesIn(directory), ["x.ferry-part"]);
  const [staging, part] = [stagingIn(directory), partOf(path)];
  const modes = [staging, part, `${staging}/state`].map((path) =>
    Deno.statSync(path).mode! & 0o7777
  );
  assertEquals(modes, [0o700, 0o600, 0o600]);
  await sink.commit();
  sink.discard();
  assertEquals(namesIn(directory), ["x"]);
  const { mode, mtime } = statusAt(path);
  assertEquals([mode, mtime], [0o440, 1_500_000_000_123_456_789n]);
  assertEquals(await Deno.readFile(path), HELLO);
});

test("a file that is discarded leaves nothing", async (directory) => {
  const sink = await create(`${directory}/x`);
  await sink.write(HELLO);
  sink.discard();
  sink.discard();
  assertEquals(namesIn(directory), []);
});

test("a commit that is overtaken by a discard leaves nothing", async (directory) => {
  const sink = await create(`${directory}/x`);
  await sink.write(HELLO);
  const committing = sink.commit();
  sink.discard();
  await assertRejects(() => committing, Failure);
  assertEquals(namesIn(directory), []);
});

test("a file that comes into being during the transfer is not replaced either", async (directory) => {
  const sink = await create(`${directory}/x`);
  await sink.write(HELLO);
  await Deno.writeTextFile(`${directory}/x`, "other");
  const failure = await assertRejects(() => sink.commit(), Failure);
  assertEquals(failure.code, "exists");
  sink.discard();
  assertEquals(namesIn(directory), ["x", "x.ferry-part"]);
  assertEquals(await Deno.readTextFile(`${directory}/x`), "other");
});

test("a file that exists is not replaced, but by force, and at the end", async (directory) => {
  await Deno.writeTextFile(`${directory}/x`, "old");
  await assertRejects(() => create(`${directory}/x`), Failure, "exists");
  assertEquals(namesIn(directory), ["x"]);
  const sink = await create(`${directory}/x`, { force: true });
  await sink.write(HELLO);
  assertEquals(await Deno.readTextFile(`${directory}/x`), "old");
  await sink.commit();
  assertEquals(namesIn(directory), ["x"]);
  assertEquals(await Deno.readFile(`${directory}/x`), HELLO);
});

test("what is discarded to be kept stays under its temporary name, and is said to", async (directory) => {
  const sink = await create(`${directory}/x`);
  await sink.write(HELLO);
  sink.discard(true);
  assertEquals(sink.sink.remains, stagingIn(directory));
  assertEquals(namesIn(directory), ["x.ferry-part"]);
  const empty = await create(`${directory}/y`);
  empty.discard(true);
  assertEquals(namesIn(directory), ["x.ferry-part"]);
});

test("what an earlier attempt left can be read, and gone on with anywhere", async (directory) => {
  await leaveBehind(`${directory}/x`, utf8("help!!"));
  const sink = await create(`${directory}/x`);
  assertEquals([sink.found?.length, sink.file.kept], [6, 6]);
  const content = await sink.found?.open();
  const into = new Uint8Array(10);
  assertEquals(await content?.read(into), 6);
  assertEquals(await content?.read(into), null);
  content?.close();
  await sink.resume(3);
  await sink.write(HELLO.subarray(3));
  await sink.commit();
  assertEquals(await Deno.readTextFile(`${directory}/x`), "hello");
});

test("what an earlier attempt left stays unless it was written to", async (directory) => {
  await leaveBehind(`${directory}/x`, utf8("old"));
  const sink = await create(`${directory}/x`);
  sink.discard();
  assertEquals(namesIn(directory), ["x.ferry-part"]);
  assertEquals(await Deno.readTextFile(partOf(`${directory}/x`)), "old");
});

test("a disk without room for a file is said to be full, with both figures", async (directory) => {
  const failure = await assertRejects(
    () => create(`${directory}/x`, {}, { size: 2 ** 52 }),
    Failure,
    '"needed":4503599627370496',
  );
  assertEquals(failure.code, "disk-full");
});

test("what was put in the place of a file that arrives is not taken for it", async (directory) => {
  const path = `${directory}/x`;
  const sink = await create(path);
  await sink.write(HELLO);
  const part = partOf(path);
  await Deno.remove(part);
  await Deno.writeTextFile(part, "planted");
  await assertRejects(() => sink.commit(), Failure, "partial-removed");
  sink.discard();
  assertEquals(namesIn(directory), []);
});

test("a link under the final name is replaced by force, and what it points to is left", async (directory) => {
  await Deno.writeTextFile(`${directory}/victim`, "precious");
  await Deno.symlink(`${directory}/victim`, `${directory}/x`);
  await assertRejects(() => create(`${directory}/x`), Failure, "exists");
  const sink = await create(`${directory}/x`, { force: true });
  await sink.commit();
  assert(Deno.lstatSync(`${directory}/x`).isFile);
  assertEquals(await Deno.readTextFile(`${directory}/victim`), "precious");
});

test("a place that cannot take a file is named with the reason", async (directory) => {
  makeFiles(directory, { "sub/": "", file: "" });
  const CASES = [
    [`${directory}/none/x`, "ENOENT"],
    [`${directory}/file/x`, "ENOTDIR"],
    [`${directory}/sub`, "is-directory"],
    [`${directory}/${"x".repeat(300)}`, "ENAMETOOLONG"],
  ] as const;
  for (const [path, words] of CASES) {
    for (const force of [false, true]) {
      await assertRejects(() => create(path, { force }), Failure, words);
    }
  }
});

test("a name of 255 bytes has a shorter temporary name", async (directory) => {
  const name = "é".repeat(127) + "x";
  const sink = await create(`${directory}/${name}`);
  assertEquals(namesIn(directory), ["é".repeat(117) + ".ferry-part"]);
  assertEquals(namesIn(`${stagingIn(directory)}/content`), [
    "é".repeat(122) + ".ferry-part",
  ]);
  await sink.commit();
  assertEquals(namesIn(directory), [name]);
});
