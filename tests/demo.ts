/**
 * Shows ferry's main job: sends a random file through a network that is slow,
 * and loses and reorders datagrams, from one process to another, and compares
 * what arrived.
 */
import { createHash } from "node:crypto";
import { summaryLines } from "../lib/cli/reporting/summary.ts";
import { progressLine } from "../lib/cli/terminal/progress_line.ts";
import { columns } from "../lib/cli/terminal/status_line.ts";
import type { Progress, Summary } from "../lib/mod.ts";
import { ferry, freePort, kill, start } from "./support/process.ts";
import { Relay } from "./net/relay.ts";
import { writeRandomFile } from "./support/fs.ts";

const MEGABYTES = 32;
const MBIT = 20;
const RTT = 50;
/** In one Mbit/s. */
const BYTES_PER_MS = 125;
const PATH = {
  rate: MBIT * BYTES_PER_MS,
  queue: MBIT * BYTES_PER_MS * RTT,
  delay: RTT / 2,
  mtu: 1472,
};
const UP = { ...PATH, loss: 0.02, reorder: 0.01 };
/** Bytes of content in a TCP segment. */
const MSS = 1448;
/**
 * Bytes per second that TCP gets of such a network with Reno, or with CUBIC, which is
 * as fast where the window is so small (RFC 9438, section 4.3), by the formula of
 * Mathis, Semke, Mahdavi and Ott (1997).
 */
const TCP_RATE = 1.22 * MSS / (RTT / 1000) / Math.sqrt(UP.loss);

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  const chunk = new Uint8Array(65_536);
  for (let read; (read = await file.read(chunk)) !== null;) {
    hash.update(chunk.subarray(0, read));
  }
  return hash.digest("hex");
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

function say(text: string): void {
  write(`${text}\n`);
}

type Side = "send" | "receive";

/** An event as `--json` has it: of progress, of the end, or of a failure. */
type Reported = Progress & Omit<Summary, "side" | "time" | "datagramsSent"> & {
  readonly event: string;
  readonly seconds: number;
  readonly datagrams: number;
  readonly message: string;
};

/** Both sides' progress, a line each, below all else that is said. */
class Screen {
  readonly #lines = new Map<Side, string>();
  #drawn = 0;

  draw(side: Side, line: string): void {
    if (!Deno.stderr.isTerminal()) return;
    this.#lines.set(side, line);
    this.#clear();
    for (const [side, line] of this.#lines) {
      say(`${side.padEnd(7)} ${line}`);
      this.#drawn++;
    }
  }

  end(side: Side, lines: string[]): void {
    this.#clear();
    this.#lines.delete(side);
    for (const line of lines) say(line);
    for (const [side, line] of this.#lines) this.draw(side, line);
  }

  #clear(): void {
    if (this.#drawn > 0) write(`\x1b[${this.#drawn}A\r\x1b[J`);
    this.#drawn = 0;
  }
}

/** Shows what a ferry reports with `--json`, to its end. */
async function follow(
  side: Side,
  reports: ReadableStream<Uint8Array<ArrayBuffer>>,
  screen: Screen,
): Promise<void> {
  let rest = "";
  for await (const text of reports.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) report(side, JSON.parse(line), screen);
  }
}

function report(
  side: Side,
  { event, seconds, message, ...data }: Reported,
  screen: Screen,
): void {
  const time = 1000 * seconds;
  if (event === "progress") {
    const style = { columns: columns() - 12, colour: !Deno.noColor };
    screen.draw(side, progressLine({ ...data, time }, style));
  } else if (event === "done") {
    const datagramsSent = data.datagrams;
    const summary = { ...data, side, time, datagramsSent };
    screen.end(side, summaryLines(summary, { verbose: false }));
  } else if (event === "error") {
    screen.end(side, [`ferry ${side}: ${message}`]);
  }
}

/** Sends `source` to `copy` over a bad network. Resolves to whether both processes succeeded. */
async function carry(
  source: string,
  copy: string,
  report: string,
): Promise<boolean> {
  const hostname = "127.0.0.1";
  const port = freePort();
  await using relay = Relay.start({
    to: { hostname, port },
    up: UP,
    down: PATH,
    seed: Date.now(),
  });
  say(
    `A network of ${MBIT} Mbit/s with a round trip of ${RTT} ms loses ` +
      `${100 * UP.loss}% of all datagrams, and reorders ${100 * UP.reorder}%`,
  );
  say(`$ ferry receive ${port} > copy`);
  say(`$ ferry send ${hostname} ${relay.port} --report ${report} original`);
  const receiver = start(
    ferry("receive", `${port}`, "--bind", hostname, "--json"),
    { stdout: copy, stderr: "piped" },
  );
  const sender = start(
    ferry("send", hostname, `${relay.port}`, source)
      .concat("--report", report, "--json"),
    { stderr: "piped" },
  );
  processes.push(sender, receiver);
  const screen = new Screen();
  const [, , ...ends] = await Promise.all([
    follow("send", sender.stderr, screen),
    follow("receive", receiver.stderr, screen),
    sender.status,
    receiver.status,
  ]);
  say(await accountOf(relay));
  return ends.every(({ success }) => success);
}

/** What became of all datagrams on their way to the receiver. */
async function accountOf({ port, up }: Relay): Promise<string> {
  const { passed, lost, overflowed, oversized, reordered } = up.counters;
  const unread = await droppedByKernel(port);
  return `On the way to the receiver, the network carried ${passed} datagrams, ` +
    `reordered ${reordered} of them, and lost ${lost}; ` +
    `${overflowed} found its queue full, ${oversized} were larger than it carries` +
    (unread > 0 ? `, and this machine was too busy for ${unread}` : "");
}

/** Datagrams that the socket at `port` had no room for, as Linux counts them; 0 elsewhere. */
async function droppedByKernel(port: number): Promise<number> {
  const table = await Deno.readTextFile("/proc/net/udp").catch(() => "");
  const address = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = table.split("\n").map((row) => row.trim().split(/\s+/));
  const row = rows.find(([, local]) => local?.endsWith(address));
  return Number(row?.at(-1) ?? 0);
}

async function main(directory: string): Promise<boolean> {
  const original = `${directory}/original`;
  const copy = `${directory}/copy`;
  say(`Making a random file of ${MEGABYTES} MB`);
  await writeRandomFile(original, MEGABYTES * 1e6);
  const digest = await digestOf(original);
  const report = await Deno.makeTempFile({
    prefix: "ferry-demo-",
    suffix: ".svg",
  });
  const success = await carry(original, copy, report);
  const digestOfCopy = await digestOf(copy);
  say(`original  ${digest}`);
  say(`copy      ${digestOfCopy}`);
  say(digest === digestOfCopy ? "They are the same" : "They DIFFER");
  const tcp = Math.round(MEGABYTES * 1e6 / TCP_RATE);
  say(
    `TCP with CUBIC or Reno would take about ${tcp} s: MSS / RTT × 1.22 / √loss`,
  );
  say(`${report} shows how it went`);
  return success && digest === digestOfCopy;
}

const processes: Deno.ChildProcess[] = [];
const directory = await Deno.makeTempDir({ prefix: "ferry-demo-" });
const clean = () => Deno.removeSync(directory, { recursive: true });
Deno.addSignalListener("SIGINT", () => {
  for (const process of processes) kill(process.pid, "SIGINT");
  clean();
  Deno.exit(130);
});
let success = false;
try {
  success = await main(directory);
} finally {
  clean();
}
Deno.exit(success ? 0 : 1);
