import { assert, assertEquals } from "@std/assert";
import { helpText } from "../../../lib/cli/arguments/help.ts";
import { ALL, formsOf } from "../../../lib/cli/arguments/options.ts";

const TOPICS = ["ferry", "send", "receive"] as const;

Deno.test("help fits 80 columns and a screen", () => {
  for (const topic of TOPICS) {
    const lines = helpText(topic).split("\n");
    for (const line of lines) assert(line.length <= 80, line);
    assert(lines.length <= 50, `${topic}: ${lines.length} lines`);
  }
});

Deno.test("the first help shows the two commands that most people need", () => {
  const lines = helpText("ferry").split("\n");
  const examples = lines.filter((line) => /^ +machine [AB]\$ /.test(line));
  assert(examples.some((line) => line.includes("ferry receive")));
  assert(examples.some((line) => line.includes("ferry send")));
  assert(lines.indexOf(examples[0]!) < 12);
});

Deno.test("the README explains every option, and no other", async () => {
  const readme = await Deno.readTextFile(
    new URL("../../../README.md", import.meta.url),
  );
  const [, table = ""] = /### Options\n([^#]+)/.exec(readme)!;
  const cells = [...table.matchAll(/^\| (`-.*?) +\|/gm)].map(([, cell]) =>
    cell!
  );
  const explained = cells.flatMap((cell) => cell.match(/(?<=`)--?\w+/g) ?? []);
  assertEquals(explained.sort(), ALL.flatMap(formsOf).sort());
});
