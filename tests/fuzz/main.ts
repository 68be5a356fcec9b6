/**
 * Feeds mutants of what peers say to everything that takes it: the handshake,
 * sealed records, and the messages of a transfer. Each mutant has a seed.
 */
import { parseArgs } from "@std/cli/parse-args";
import { Failure } from "../../lib/base/failure.ts";
import { Prng } from "../../lib/base/prng.ts";
import { errorReportOf } from "../../lib/cli/messages.ts";
import { StatusLine } from "../../lib/cli/terminal/status_line.ts";
import { TextReporter } from "../../lib/cli/reporting/text_reporter.ts";
import { mutant } from "./byte_mutator.ts";
import { secureTargets } from "./secure_targets.ts";
import type { Target } from "./target.ts";
import { transferTargets } from "./transfer_targets.ts";

const HELP = `deno task fuzz [OPTIONS]

  --seconds SECONDS   how long; until it is stopped unless given
  --seed NUMBER       where to begin, or FERRY_SEED; any unless given`;

/** Milliseconds that one mutant may take. */
const LIMIT = 20_000;
/** Bytes by which the process may grow once it is warm. */
const GROWTH = 100e6;
/** Mutants after which it is. */
const WARM = 2_000;

const args = parseArgs(Deno.args, {
  string: ["seconds", "seed"],
  boolean: ["help"],
});
if (args.help) {
  console.log(HELP);
  Deno.exit(0);
}
const first = Number(
  args.seed ?? Deno.env.get("FERRY_SEED") ?? Date.now() % 1e9,
);
const end = performance.now() + 1000 * Number(args.seconds ?? Infinity);

let seed = first;
let current = "";
const stop = (what: string, error: unknown): never => {
  console.error(`${current}: ${what}`, error);
  console.error(`FERRY_SEED=${seed} deno task fuzz begins with it`);
  Deno.exit(1);
};
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  stop("A promise was forgotten:", event.reason);
});

const targets = [...await secureTargets(), ...await transferTargets()];
const turns = targets.flatMap((target) => Array(target.share).fill(target));
const outcomes = new Map<string, number>();
let warm: number | undefined;
for (; performance.now() < end; seed++) {
  const random = new Prng(seed);
  const target: Target = turns[random.int(turns.length)];
  current = target.name;
  const outcome = await take(target, mutant(random, target.samples));
  const key = `${target.name}: ${outcome}`;
  outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
  if ((seed - first) % 500 === 0) checkMemory(seed - first);
}
for (const target of targets) await target.close?.();
console.log(`${seed - first} mutants from seed ${first}`);
for (const [key, count] of [...outcomes].sort()) {
  console.log(`${String(count).padStart(8)}  ${key}`);
}
Deno.exit(0);

/** @returns how it went: well, or the reason of a clean refusal */
async function take(target: Target, bytes: Uint8Array): Promise<string> {
  const timer = setTimeout(() => stop("It hangs", bytes), LIMIT);
  try {
    await target.run(bytes);
    return "done";
  } catch (error) {
    if (!(error instanceof Failure)) return stop("It failed badly:", error);
    return isShownCleanly(error)
      ? error.code
      : stop("A terminal would be told what it must not:", error);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a person sees one line of it, in which a peer has no control characters. */
function isShownCleanly(failure: Failure): boolean {
  let shown = "";
  const output = {
    write: (text: string) => shown += text,
    gather: () => {},
    flush: () => {},
  };
  const style = {
    terminal: false,
    colour: false,
    quiet: true,
    verbose: false,
    trace: false,
  };
  new TextReporter(new StatusLine(output), {
    ...style,
    redraws: style.terminal,
    unicode: true,
    columns: () => 80,
  })
    .on({ type: "error", ...errorReportOf(failure) });
  return /^[^\p{Cc}\u2028\u2029]{1,5000}\n$/u.test(shown);
}

function checkMemory(count: number): void {
  const { rss } = Deno.memoryUsage();
  if (count < WARM) return;
  warm ??= rss;
  if (rss > warm + GROWTH) stop("It grows:", `${warm} to ${rss} bytes`);
}
