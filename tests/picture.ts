/**
 * Draws a real run, both sides of it, as `.github/terminal.svg`. It runs in a
 * network of its own, with addresses for documentation:
 *
 *     unshare --net sh -c 'ip link set lo up; ip addr add 192.0.2.7/32 dev lo; exec deno run -A tests/picture.ts'
 */
import { Terminal } from "./attacks/support/terminal.ts";
import { COMMAND } from "./support/ferry.ts";
import { inDirectory, writeRandomFile } from "./support/fs.ts";

const COLUMNS = 84;
const FONT = 14;
const CHARACTER = 8.43;
const LINE = 19;
const PAD = 16;

/** Runs a command line in a terminal, below a prompt that shows it. */
function run(prompt: string, line: string, cwd: string): Promise<Terminal> {
  const ferry = COMMAND.map((word) => `'${word}'`).join(" ");
  const script = `ferry() { ${ferry} "$@"; }; printf '%s\\n' "$0"; ${line}`;
  const shown = `${prompt}$ ${line}`;
  return Terminal.run(["bash", "-c", script, shown], { cwd, columns: COLUMNS });
}

/** What a terminal shows, without what the test adds. */
async function linesOf(terminal: Terminal): Promise<string[]> {
  const lines = (await terminal.text()).split("\n").map((line) =>
    line.trimEnd()
  );
  return lines.slice(0, lines.findIndex((line) => line.startsWith("[exit")));
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (found) => `&#${found.charCodeAt(0)};`);
}

/** One terminal, `top` pixels down. */
function drawn(lines: readonly string[], top: number): string[] {
  const height = lines.length * LINE + 2 * PAD;
  const rows = lines.map((line, i) => {
    const [, prompt, rest] = /^([AB]\$ )?(.*)$/.exec(line)!;
    const isCommand = prompt !== undefined || line.startsWith("  FERRY_CODE");
    const y = top + PAD + (i + 1) * LINE - 5;
    const begin = prompt === undefined
      ? ""
      : `<tspan class="prompt">${escaped(prompt)}</tspan>`;
    return `<text x="${PAD}" y="${y}"${
      isCommand ? ' class="command"' : ""
    } xml:space="preserve">${begin}${escaped(rest!)}</text>`;
  });
  return [
    `<rect y="${top}" width="100%" height="${height}" rx="8"/>`,
    ...rows,
  ];
}

await inDirectory(async (cwd) => {
  await Deno.mkdir(`${cwd}/A`);
  await Deno.mkdir(`${cwd}/B`);
  await writeRandomFile(`${cwd}/A/holiday.mp4`, 300_000_000);
  await using receiver = await run("B", "ferry receive --code", `${cwd}/B`);
  const code =
    /FERRY_CODE=\S+/.exec(await receiver.shows(/FERRY_CODE=\S+/))![0];
  const line = `${code} ferry send 192.0.2.7 holiday.mp4`;
  await using sender = await run("A", line, `${cwd}/A`);
  await Promise.all([receiver.exit(), sender.exit()]);
  // A place that means something to a reader
  const shown = (lines: string[]) =>
    lines.map((line) => line.replace(`${cwd}/B`, "/home/b"));
  const above = shown(await linesOf(receiver));
  const below = shown(await linesOf(sender));
  const middle = above.length * LINE + 2 * PAD + PAD;
  const height = middle + below.length * LINE + 2 * PAD;
  const width = Math.ceil(COLUMNS * CHARACTER + 2 * PAD);
  await Deno.writeTextFile(
    new URL("../.github/terminal.svg", import.meta.url),
    [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
      "<title>ferry receive on one machine, ferry send on another</title>",
      `<style>rect{fill:#16181c}text{font:${FONT}px ui-monospace,"DejaVu Sans Mono",monospace;fill:#d8dee4}.command{font-weight:700;fill:#fff}.prompt{fill:#56b4e9}</style>`,
      ...drawn(above, 0),
      ...drawn(below, middle),
      "</svg>",
      "",
    ].join("\n"),
  );
});
