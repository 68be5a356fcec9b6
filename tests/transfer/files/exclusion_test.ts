import { assertEquals } from "@std/assert";
import "../../support/libraries.ts";
import {
  exclusionOf,
  VCS_PATTERNS,
} from "../../../lib/transfer/files/reading/exclusion.ts";
import { TreeSource } from "../../../lib/transfer/files/reading/tree_source.ts";
import { makeFiles, test } from "../../support/fs.ts";

/** Patterns, and which paths they leave out and which not; one that ends in a slash is a directory. */
const TABLE: [
  what: string,
  patterns: string[],
  excluded: string[],
  sent: string[],
][] = [
  ["a name anywhere", ["*.log"], ["a.log", "d/e/a.log", "x.log/"], [
    "a.log.txt",
    "log",
  ]],
  ["anchored by a slash before it", ["/build"], ["build/", "build"], [
    "src/build/",
  ]],
  ["anchored by a slash in the middle", ["doc/*.txt"], ["doc/a.txt"], [
    "doc/sub/a.txt",
    "x/doc/a.txt",
    "a.txt",
  ]],
  ["directories only", ["out/"], ["out/", "a/out/"], ["out", "a/out"]],
  ["negated: the last match wins", ["*.log", "!keep.log"], [
    "a.log",
  ], ["keep.log", "d/keep.log"]],
  ["negated and excluded again", ["*.log", "!keep.log", "/keep.log"], [
    "keep.log",
  ], ["d/keep.log"]],
  ["any directories before", ["**/cache"], ["cache/", "a/b/cache"], [
    "cached",
  ]],
  ["any directories between", ["a/**/z"], ["a/z", "a/b/z", "a/b/c/z"], [
    "z",
    "b/a/z",
  ]],
  ["all inside", ["a/**"], ["a/b", "a/b/c/"], ["a/", "b/a"]],
  ["one star stays within a name", ["a*z", "b/*/c"], ["abcz", "b/x/c"], [
    "a/z",
    "b/x/y/c",
  ]],
  ["a question mark and a set", ["?.[ch]", "x[!0-9]"], ["a.c", "b.h", "xy"], [
    "ab.c",
    "a.o",
    "x1",
  ]],
  ["case counts", ["README"], ["README"], ["readme"]],
  ["spaces inside, and escaped at the end", ["a b", "c\\ "], ["a b", "c "], [
    "a",
    "c",
  ]],
  ["spaces at the end do not count", ["d   "], ["d"], ["d   x"]],
  ["escaped characters", ["\\#x", "\\!y", "\\*z"], ["#x", "!y", "*z"], [
    "x",
    "az",
  ]],
  ["a comment and nothing", ["# note", ""], [], ["# note", "note"]],
  ["odd names", ["é*", "-n"], ["été", "-n"], ["ete"]],
];
for (const [what, patterns, excluded, sent] of TABLE) {
  Deno.test(`a pattern: ${what}`, async () => {
    const exclusion = (await exclusionOf(patterns))!;
    const isExcluded = (path: string) =>
      exclusion.excludes(path.replace(/\/$/, ""), path.endsWith("/"));
    assertEquals(excluded.filter((path) => !isExcluded(path)), []);
    assertEquals(sent.filter(isExcluded), []);
  });
}

Deno.test("no pattern is no exclusion, and many paths are no burden", async () => {
  assertEquals(await exclusionOf([]), undefined);
  const exclusion = (await exclusionOf(["*.log"]))!;
  for (let i = 0; i < 10_000; i++) {
    assertEquals(exclusion.excludes(`d/${i}`, false), false);
  }
  assertEquals(exclusion.excludes("a.log", false), true);
});

/** The names of the files that are sent, and how many entries were left out. */
async function walked(
  paths: string[],
  exclude: readonly string[],
): Promise<[string[], number]> {
  const source = await TreeSource.open(paths, { exclude });
  const names = [...source.entries()].flatMap((step) =>
    step.type === "file" ? [step.entry.name] : []
  );
  const { excluded } = source;
  // Counting walks, too
  const { files } = await source.measure();
  assertEquals([files, source.excluded], [names.length, excluded]);
  source.close();
  return [names, excluded];
}

test("what is excluded is not walked: a directory that cannot be read is no failure", async (path) => {
  for (const name of [".git", "node_modules/x", "src"]) {
    makeFiles(path, { [`tree/${name}/in`]: "" });
  }
  makeFiles(path, { "tree/src/a.log": "", "tree/.gitignore": "" });
  Deno.chmodSync(`${path}/tree/node_modules`, 0);
  const exclude = [...VCS_PATTERNS, "node_modules/", "*.log"];
  assertEquals(await walked([`${path}/tree`], exclude), [["in"], 4]);
  assertEquals(await walked([`${path}/tree/`], exclude), [["in"], 4]);
  Deno.chmodSync(`${path}/tree/node_modules`, 0o755);
});

test("of several paths each is left out by its name; one that is named alone is sent", async (path) => {
  makeFiles(path, { "a.log": "", b: "", "tree.log/c": "" });
  const paths = ["a.log", "b", "tree.log"].map((name) => `${path}/${name}`);
  assertEquals(await walked(paths, ["*.log"]), [["b"], 2]);
  assertEquals(await walked([paths[2]!], ["*.log"]), [["c"], 0]);
});
