import { assertEquals } from "@std/assert";
import { traceLine } from "../../../lib/cli/reporting/reporter.ts";
import type { TraceEvent } from "../../../lib/protocol/connection/trace.ts";
import { type Outcome, runRandomNetwork } from "../support/random_networks.ts";

/** How many seeds are run unless FERRY_SEEDS names another number. */
const SEEDS = 1_500;
/** Seeds that showed a fault once. */
const ONCE_FAILED = [29_585, 32_104, 43_307, 46_427];

/** A seed's number to run alone, with a trace. */
const alone = Deno.env.get("FERRY_SEED");
const count = Number(Deno.env.get("FERRY_SEEDS") ?? SEEDS);

// The auditor holds both sides to P-1, P-3, P-7, P-8, P-9 and P-10
Deno.test("random networks deliver what was written, or fail cleanly where they die", () => {
  const failures: string[] = [];
  if (alone !== undefined) {
    const outcome = runRandomNetwork(Number(alone), print);
    console.log(summaryOf(outcome));
    if (outcome.fault !== undefined) failures.push(outcome.fault);
  }
  for (const seed of alone === undefined ? seeds() : []) {
    const { fault } = runRandomNetwork(seed);
    if (fault !== undefined) failures.push(`${fault}: ${commandFor(seed)}`);
  }
  assertEquals(failures, []);
});

Deno.test("a seed's run can be repeated to the last datagram", () => {
  assertEquals(traceOf(5), traceOf(5));
});

function* seeds(): Generator<number> {
  for (let seed = 0; seed < count; seed++) yield seed;
  yield* ONCE_FAILED;
}

function commandFor(seed: number): string {
  const file = "tests/protocol/networks/random_networks_test.ts";
  return `FERRY_SEED=${seed} .ci/with-std deno test -A ${file}`;
}

function traceOf(seed: number): string[] {
  const lines: string[] = [];
  runRandomNetwork(seed, (side, event) => lines.push(lineOf(side, event)));
  return lines;
}

function lineOf(side: string, event: TraceEvent): string {
  const time = event.time.toFixed(3).padStart(12);
  return `${time} ${side} ${traceLine(event)} +${event.length}`;
}

function print(side: string, event: TraceEvent): void {
  console.log(lineOf(side, event));
}

function summaryOf({ scenario, client, server, time, fault }: Outcome) {
  return {
    scenario,
    time,
    client: { closeReason: client.connection?.closeReason, read: client.read },
    server: { closeReason: server.connection?.closeReason, read: server.read },
    fault,
  };
}
