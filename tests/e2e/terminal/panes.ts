import { assert, assertEquals } from "@std/assert";
import { widthOf } from "../../../lib/base/display_text.ts";
import { Terminal } from "../../attacks/support/terminal.ts";
import { COMMAND } from "../../support/ferry.ts";
import { inDirectory, writeRandomFile } from "../../support/fs.ts";
import { testWith, TMUX } from "../../support/needs.ts";
import { freePort } from "../../support/process.ts";

/** Columns of the terminals that are looked at. */
export const WIDTHS = [120, 80, 40];
/** Bytes, and a rate in bits per second, that take some seconds. */
export const SIZE = 12_000_000;
export const SLOW = ["--rate", "24M"];

/** Opens terminals of two machines, a sender's and a receiver's, on each of which ferry may run. */
export interface Scene {
  readonly columns: number;
  readonly port: string;
  /** Has the directories of both machines: `A`, with `holiday.mp4`, and `B`. */
  readonly cwd: string;
  /** Runs ferry on the machine that has the file. */
  a(args: string[], env?: Record<string, string>): Promise<Terminal>;
  /** Runs ferry on the machine that receives. */
  b(args: string[], env?: Record<string, string>): Promise<Terminal>;
  /** Kills the ferry that was started last. */
  kill(): Promise<void>;
}

/** Plays a scene in terminals of so many columns; all that was shown is clean. */
export function playAt(
  columns: number,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  return inDirectory(async (cwd) => {
    await Deno.mkdir(`${cwd}/A`);
    await Deno.mkdir(`${cwd}/B`);
    await writeRandomFile(`${cwd}/A/holiday.mp4`, SIZE);
    const terminals: Terminal[] = [];
    const open =
      (machine: string) =>
      async (args: string[], env: Record<string, string> = {}) => {
        const place = { cwd: `${cwd}/${machine}`, columns, env };
        const run = ["sh", "-c", 'echo $$ > ../pid; exec "$@"', "sh"];
        const terminal = await Terminal.run(
          [...run, ...COMMAND, ...args],
          place,
        );
        terminals.push(terminal);
        return terminal;
      };
    const kill = async () =>
      Deno.kill(Number(await Deno.readTextFile(`${cwd}/pid`)), "SIGKILL");
    const port = `${freePort()}`;
    try {
      await play({ columns, port, cwd, kill, a: open("A"), b: open("B") });
      for (const terminal of terminals) await assertClean(terminal, columns);
    } finally {
      for (const terminal of terminals) await terminal.close();
    }
  });
}

/** A test of a moment at all widths, side by side. */
export function moment(
  name: string,
  play: (scene: Scene) => Promise<void>,
): void {
  testWith(TMUX, `at ${WIDTHS.join(", ")} columns: ${name}`, async () => {
    await Promise.all(WIDTHS.map((columns) => playAt(columns, play)));
  });
}

/** Makes a directory with files of {@linkcode SIZE} in all. */
export async function writeTree(path: string, count: number): Promise<void> {
  await Deno.mkdir(path);
  for (let i = 0; i < count; i++) {
    await writeRandomFile(`${path}/${i}.jpg`, SIZE / count);
  }
}

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
    const width = widthOf(line.replaceAll(NARROW, "-"));
    assert(width < columns, `${width} of ${columns} columns: ${line}`);
  }
}
