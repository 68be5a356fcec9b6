import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../../../lib/cli/arguments/options.ts";
import { manualPage } from "../../../lib/cli/arguments/man.ts";
import { ALL, formsOf } from "../../../lib/cli/arguments/options.ts";
import { program, testWith } from "../../support/needs.ts";

/** Runs mandoc on the manual page. */
async function mandoc(args: string[]): Promise<string> {
  const child = new Deno.Command("mandoc", {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(manualPage()));
  await writer.close();
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

const MANDOC = await program("mandoc");

Deno.test("the manual page has every form of every option, and every command", () => {
  const page = manualPage();
  const forms = [...page.matchAll(/(?<=^\.It .*)Fl (\S+)/gm)]
    .map(([, form]) => `-${form}`);
  assertEquals(forms.toSorted(), ALL.flatMap(formsOf).toSorted());
  for (const name of Object.keys(COMMANDS)) {
    assert(page.includes(`.It Cm ${name}\n`), name);
  }
});

testWith(
  MANDOC,
  "mandoc finds nothing wrong with the manual page",
  async () => {
    assertEquals(await mandoc(["-T", "lint"]), "");
  },
);

testWith(
  MANDOC,
  "the manual page shows options as they are typed",
  async () => {
    const text = await mandoc(["-T", "markdown"]);
    assert(text.includes("**-o**, **--output** *FILE*"), text);
    assert(text.includes("**--code**\\[=*CODE*]"), text);
  },
);
