import { assert, assertEquals } from "@std/assert";
import { numberedName } from "../../../lib/transfer/files/writing/part_names.ts";
import { DirectorySink } from "../../../lib/transfer/files/writing/directory_sink.ts";
import type { FileEntry } from "../../../lib/transfer/wire/entries.ts";
import { inDirectory, namesIn, OWNER } from "../files.ts";

const TEXT = new TextEncoder().encode("new");
const FILE: FileEntry = {
  kind: "file",
  name: "x",
  size: TEXT.length,
  mode: 0o644,
  mtime: 0n,
};

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

function treeIn(directory: string): Promise<DirectorySink> {
  const offer = {
    kind: "tree",
    names: ["tree"],
    count: 1,
    resumable: true,
  } as const;
  const options = { force: false, rename: true, owner: OWNER };
  return DirectorySink.create(directory, offer, options);
}

function fill(sink: DirectorySink): void {
  sink.enter({ kind: "directory", name: "tree", mode: 0o555, mtime: 0n });
  sink.put(FILE, TEXT);
  sink.leave();
}

function texts(directory: string): [string, string][] {
  return namesIn(directory).map((name) => [
    name,
    Deno.readTextFileSync(`${directory}/${name}/x`),
  ]);
}

Deno.test("a tree whose name is taken gets a number, and nothing that is there changes", () =>
  inDirectory(async (directory) => {
    for (const name of ["tree", "tree (2)"]) {
      Deno.mkdirSync(`${directory}/${name}`);
      Deno.writeTextFileSync(`${directory}/${name}/x`, "old");
    }
    const sink = await treeIn(directory);
    assertEquals(sink.resuming, false);
    fill(sink);
    await sink.commit();
    assertEquals(sink.finalName("tree"), "tree (3)");
    assertEquals(texts(directory), [
      ["tree", "old"],
      ["tree (2)", "old"],
      ["tree (3)", "new"],
    ]);
    assertEquals(Deno.statSync(`${directory}/tree (3)`).mode! & 0o777, 0o555);
  }));

Deno.test("two of one name and owner at a time both arrive", () =>
  inDirectory(async (directory) => {
    const sinks = [await treeIn(directory), await treeIn(directory)];
    for (const sink of sinks) fill(sink);
    for (const sink of sinks) await sink.commit();
    assertEquals(texts(directory), [["tree", "new"], ["tree (2)", "new"]]);
  }));

Deno.test("what broke off is gone on with, and what was not heard of is not made twice", () =>
  inDirectory(async (directory) => {
    Deno.mkdirSync(`${directory}/tree`);
    Deno.writeTextFileSync(`${directory}/tree/x`, "old");
    const first = await treeIn(directory);
    fill(first);
    first.discard();
    assertEquals(namesIn(directory), ["tree", "tree.*"]);
    for (const heard of [false, true]) {
      const sink = await treeIn(directory);
      assert(sink.resuming);
      const inventory = sink.inventory();
      inventory.enter("tree");
      const found = inventory.look(FILE);
      assert(found?.whole && !found.existing);
      sink.enter({ kind: "directory", name: "tree", mode: 0o755, mtime: 0n });
      sink.keep(FILE, found);
      sink.leave();
      await sink.commit({ remembers: true });
      sink.release(heard);
    }
    assertEquals(texts(directory), [["tree", "old"], ["tree (2)", "new"]]);
  }));
