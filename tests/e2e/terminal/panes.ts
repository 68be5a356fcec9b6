import { assert, assertEquals } from "@std/assert";
import { widthOf } from "../../../lib/base/display_text.ts";
import type { Terminal } from "../../attacks/support/terminal.ts";

/** Columns of the terminals that are looked at. */
export const WIDTHS = [120, 80, 40];

/** What a program may write besides text: colours, and the end of a line that is cleared. */
// deno-lint-ignore no-control-regex -- that is what is looked for
const SEQUENCES = /\x1b\[(?:K|\d*m)/g;
/** What is drawn over another line. */
// deno-lint-ignore no-control-regex -- that is what is looked for
const STATUS = /\r([^\r\n]*)\x1b\[K/g;
/** Characters of the progress line's own, which take one column. */
const NARROW = /[━─╌…]/g;

/**
 * Asserts that a terminal was written no control characters but those that ferry
 * uses, and no line over another that would not fit.
 */
export async function assertClean(
  terminal: Terminal,
  columns: number,
): Promise<void> {
  const written = new TextDecoder().decode(await terminal.written());
  const text = written.replaceAll(SEQUENCES, "").replaceAll("^C", "");
  const control = /[^\r\n\P{Cc}]/u.exec(text)?.[0];
  assertEquals(control, undefined, JSON.stringify(text));
  for (const [, status] of written.matchAll(STATUS)) {
    const line = status!.replaceAll(SEQUENCES, "");
    const width = [...line.replaceAll(NARROW, "-")]
      .reduce((sum, character) => sum + widthOf(character), 0);
    assert(width < columns, `${width} of ${columns} columns: ${line}`);
  }
}
