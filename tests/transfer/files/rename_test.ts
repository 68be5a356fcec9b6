import { assert, assertEquals } from "@std/assert";
import { numberedName } from "../../../lib/transfer/files/writing/numbered_name.ts";
import type { DirectorySink } from "../../../lib/transfer/files/writing/directory_sink.ts";
import {
  complete,
  directoryOf,
  fileOf,
  HELLO,
  makeFiles,
  namesIn,
  test,
  treeIn,
} from "../files.ts";

const NAMES: [string, boolean, string][] = [
  ["photo.jpg", false, "photo (2).jpg"],
  ["README", false, "README (2)"],
  [".bashrc", false, ".bashrc (2)"],
  ["a.tar.gz", false, "a.tar (2).gz"],
  ["v1.0", true, "v1.0 (2)"],
  ["x".repeat(255), false, "x".repeat(251) + " (2)"],
  ["é".repeat(125) + ".jpg", false, "é".repeat(123) + " (2).jpg"],
];
for (const [name, isDirectory, expected] of NAMES) {
  Deno.test(`a second ${name.slice(0, 20)} gets a number before its extension`, () => {
    assertEquals(numberedName(name, 2, isDirectory), expected);
  });
}

function renamingIn(directory: string): Promise<DirectorySink> {
  return treeIn(directory, ["tree"], { rename: true });
}

function fill(sink: DirectorySink): void {
  sink.enter(directoryOf("tree", 0o555));
  sink.put(fileOf("x"), HELLO);
  sink.leave();
}

function texts(directory: string): [string, string][] {
  return namesIn(directory).map((name) => [
    name,
    Deno.readTextFileSync(`${directory}/${name}/x`),
  ]);
}

test("a tree whose name is taken gets a number, and nothing that is there changes", async (directory) => {
  makeFiles(directory, { "tree/x": "old", "tree (2)/x": "old" });
  const sink = await renamingIn(directory);
  assertEquals(sink.resuming, false);
  fill(sink);
  await complete(sink);
  assertEquals(sink.finalName("tree"), "tree (3)");
  assertEquals(texts(directory), [
    ["tree", "old"],
    ["tree (2)", "old"],
    ["tree (3)", "hello"],
  ]);
  assertEquals(Deno.statSync(`${directory}/tree (3)`).mode! & 0o777, 0o555);
});

test("two of one name and owner at a time both arrive", async (directory) => {
  const sinks = [await renamingIn(directory), await renamingIn(directory)];
  for (const sink of sinks) fill(sink);
  for (const sink of sinks) await complete(sink);
  assertEquals(texts(directory), [["tree", "hello"], ["tree (2)", "hello"]]);
});

test("what broke off is gone on with, and what was not heard of is not made twice", async (directory) => {
  makeFiles(directory, { "tree/x": "old" });
  const first = await renamingIn(directory);
  fill(first);
  first.discard();
  assertEquals(namesIn(directory), ["tree", "tree.ferry-part"]);
  for (const heard of [false, true]) {
    const sink = await renamingIn(directory);
    assert(sink.resuming);
    const inventory = sink.inventory();
    inventory.enter("tree");
    const found = inventory.look(fileOf("x"));
    assert(found?.whole && !found.existing);
    sink.enter(directoryOf("tree"));
    sink.keep(fileOf("x"), found);
    sink.leave();
    await complete(sink, heard);
  }
  assertEquals(texts(directory), [["tree", "old"], ["tree (2)", "hello"]]);
});
