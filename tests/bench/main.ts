/**
 * Measures ferry between two processes on this machine: over loopback beside
 * other tools, then through a relay that loses datagrams.
 */
import { parseArgs } from "@std/cli/parse-args";
import { Relay } from "../net/relay.ts";
import { freePort } from "../support/process.ts";
import { type Result, run } from "./run.ts";
import { ferryTool, type Job, otherTools, type Tool } from "./tools.ts";
import { writeRandomFile } from "../support/fs.ts";

const HELP = `deno task bench [OPTIONS]

  --size MB         carried over loopback; 512 unless given
  --runs N          of each tool, in turn, of which the median is shown; 3 unless given
  --relay-size MB   carried through the relay; 64 unless given
  --delay MS        one way, of the relay; 0 unless given
  --rate MBIT       of the relay; unbounded unless given
  --limit SECONDS   that one run may take; 120 unless given`;

/** How ferry is measured over loopback. */
const FERRY_OPTIONS = [
  ["--plain", "--mtu", "1500"],
  ["--plain"],
  ["--mtu", "1500"],
  [],
];
const LOSSES = [0, 0.01, 0.05, 0.2];
const MB = 1e6;
/** In one Mbit/s. */
const BYTES_PER_MS = 125;

const args = parseArgs(Deno.args, {
  boolean: ["help"],
  string: ["size", "runs", "relay-size", "delay", "rate", "limit"],
  default: {
    size: "512",
    runs: "3",
    "relay-size": "64",
    delay: "0",
    rate: "0",
    limit: "120",
  },
});
if (args.help) {
  console.log(HELP);
  Deno.exit(0);
}

const limit = Number(args.limit);
const fast = await Deno.stat("/dev/shm").then(
  () => ({ dir: "/dev/shm" }),
  () => ({}),
);
const directory = await Deno.makeTempDir({ ...fast, prefix: "ferry-bench-" });
const clean = () => Deno.removeSync(directory, { recursive: true });
Deno.addSignalListener("SIGINT", () => {
  clean();
  Deno.exit(130);
});
try {
  await overLoopback(Number(args.size));
  await throughRelay(Number(args["relay-size"]));
} finally {
  clean();
}
Deno.exit(0);

async function overLoopback(size: number): Promise<void> {
  console.log(`${size} MB over loopback\n`);
  row("", "s", "MB/s", "CPU s/GB", "ratio");
  const tools: Tool[] = [
    ...await otherTools(),
    ...FERRY_OPTIONS.map((options) =>
      ferryTool(["ferry", ...options].join(" "), options)
    ),
  ];
  const job = await makeJob(size);
  const results = new Map(tools.map((tool) => [tool, [] as Result[]]));
  for (let round = 0; round < Number(args.runs); round++) {
    for (const [tool, taken] of results) {
      const result = await run(tool, job, limit);
      if (result !== undefined) taken.push(result);
    }
  }
  let first: Result | undefined;
  for (const [tool, taken] of results) {
    const result = median(taken);
    first ??= result;
    report(tool.name, size, result, first);
  }
}

/** The run of the middle duration. */
function median(results: Result[]): Result | undefined {
  results.sort((one, other) => one.seconds - other.seconds);
  return results[results.length >> 1];
}

async function throughRelay(size: number): Promise<void> {
  console.log(`\n${size} MB through a relay that loses, each way\n`);
  row("", "s", "MB/s", "CPU s/GB", "ratio");
  const job = await makeJob(size);
  const conditions = {
    delay: Number(args.delay),
    rate: Number(args.rate) * BYTES_PER_MS,
  };
  let first: Result | undefined;
  for (const loss of LOSSES) {
    const port = freePort();
    await using relay = Relay.start({
      to: { hostname: "127.0.0.1", port },
      up: { loss, ...conditions },
    });
    const tool = ferryTool("ferry", [], port, relay.port);
    const result = await run(tool, job, limit);
    first ??= result;
    report(`ferry, ${100 * loss}% loss`, size, result, first);
  }
}

async function makeJob(size: number): Promise<Job> {
  const source = `${directory}/source`;
  await Deno.remove(source).catch(() => {});
  await writeRandomFile(source, size * MB);
  const copies = `${directory}/copies`;
  await Deno.mkdir(copies, { recursive: true });
  return { source, copies, directory };
}

/** Prints a result, and its rate as a multiple of the first one's. */
function report(
  name: string,
  size: number,
  result: Result | undefined,
  first: Result | undefined,
): void {
  if (!result || !first) {
    row(name, "no end, or failed");
    return;
  }
  row(
    name,
    result.seconds.toFixed(2),
    (size / result.seconds).toFixed(1),
    (result.cpuSeconds / size * 1000).toFixed(2),
    (first.seconds / result.seconds).toFixed(2),
  );
}

function row(name: string, ...cells: string[]): void {
  console.log(
    name.padEnd(26) + cells.map((cell) => cell.padStart(10)).join(""),
  );
}
