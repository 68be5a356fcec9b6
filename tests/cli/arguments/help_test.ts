import { assert } from "@std/assert";
import { helpText } from "../../../lib/cli/arguments/help.ts";

const TOPICS = ["ferry", "send", "receive", "meet"] as const;

Deno.test("help fits 80 columns and a screen", () => {
  for (const topic of TOPICS) {
    const lines = helpText(topic).split("\n");
    for (const line of lines) assert(line.length <= 80, line);
    assert(lines.length <= 60, `${topic}: ${lines.length} lines`);
  }
});

Deno.test("the first help shows the two commands that most people need", () => {
  const lines = helpText("ferry").split("\n");
  const examples = lines.filter((line) => /^ +machine [AB]\$ /.test(line));
  assert(examples.some((line) => line.includes("ferry receive")));
  assert(examples.some((line) => line.includes("ferry send")));
  assert(lines.indexOf(examples[0]!) < 12);
});
