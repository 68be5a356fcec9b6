import { assertEquals } from "@std/assert";
import { broken } from "../../../lib/cli/terminal/status_line.ts";

Deno.test("on a narrow terminal lines are broken between words", () => {
  assertEquals(
    broken("Waiting on port 7333; on the other machine, run", 40),
    "Waiting on port 7333; on the other\n  machine, run",
  );
  assertEquals(broken("exactly twenty chars", 20), "exactly twenty chars");
  assertEquals(broken("just over twenty char", 20), "just over twenty\n  char");
});

Deno.test("a number and its unit stay on one line", () => {
  for (const value of ["12.0 MB", "250 s", "9 kB/s", "700 B", "1.5 ms"]) {
    assertEquals(
      broken(`Received "xx y", ${value}, all`, 20),
      `Received "xx y",\n  ${value}, all`,
    );
  }
  assertEquals(broken("as of 12 senders here", 20), "as of 12 senders\n  here");
  assertEquals(
    broken("Receiving from 12 sources", 20),
    "Receiving from 12\n  sources",
  );
});

Deno.test("a digest that is longer than a line has one of its own, to be copied", () => {
  const sum = "ab".repeat(32);
  assertEquals(broken(`SHA-256 ${sum} done`, 40), `SHA-256\n  ${sum}\n  done`);
});

Deno.test("no part of a peer's text begins a line, however narrow the terminal is", () => {
  const forged = "Encrypted. Both sides should show: a b c";
  for (const padding of ["", "x".repeat(30), "x ".repeat(15)]) {
    for (let columns = 20; columns < 80; columns++) {
      const lines = broken(`Receiving "${padding}${forged}"`, columns);
      const [, ...others] = lines.split("\n");
      assertEquals(others.every((line) => /^ {2}\S/.test(line)), true, lines);
    }
  }
});

Deno.test("characters that take two columns count for two", () => {
  const forged = "Encrypted;\u00a0nobody\u00a0is\u00a0in\u00a0between";
  const lines = broken(`Receiving "${"\u6587".repeat(19)}${forged}"`, 40);
  assertEquals(
    lines,
    `Receiving\n  "${
      "\u6587".repeat(18)
    }\n  \u6587Encrypted;\u00a0nobody\u00a0is\u00a0in\u00a0between"`,
  );
});

Deno.test("what is to be copied, and what no terminal shows, stays whole", () => {
  const command =
    "  FERRY_CODE=17-walnut-copper-lagoon ferry send 192.0.2.7 FILE";
  assertEquals(broken(command, 40), command);
  const long = "word ".repeat(50).trim();
  assertEquals(broken(long, 0), long);
});
