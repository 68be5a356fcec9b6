import { assert, assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import { noticeWords } from "../../../lib/cli/messages.ts";
import type { CliEvent } from "../../../lib/cli/reporting/reporter.ts";
import { broken } from "../../../lib/cli/terminal/status_line.ts";
import { IdleTimer, QuietTimer } from "../../../lib/cli/terminal/waiting.ts";
import type { SessionEvent } from "../../../lib/session/events.ts";

const LISTENING: SessionEvent = {
  type: "listening",
  port: 5000,
  addresses: [],
};
const OFFER = {
  type: "offer",
  offer: { kind: "file", names: ["x"], count: 1 },
  target: "x",
  transfer: "192.0.2.1:4000",
} as const;
const FAILED = {
  type: "failed",
  failure: new Failure({ code: "interrupted" }),
  transfer: "192.0.2.1:4000",
} as const;
const DONE = {
  type: "done",
  transfer: "192.0.2.1:4000",
} as unknown as SessionEvent;

/** Waits until it is over. @returns why */
async function reasonOf(idle: IdleTimer): Promise<unknown> {
  const { over } = idle;
  await new Promise((resolve) => over.addEventListener("abort", resolve));
  return over.reason;
}

Deno.test("a receiver of many ends well when it has been idle after a transfer, and else says that nobody came", async () => {
  for (const end of [DONE, FAILED]) {
    using idle = new IdleTimer(10);
    for (const event of [LISTENING, OFFER, end]) idle.on(event);
    const reason = await reasonOf(idle);
    assert(reason instanceof Failure && reason.code === "nobody-came");
    if (end === DONE) idle.throwIfInVain();
    else assertThrows(() => idle.throwIfInVain(), Failure);
  }
});

Deno.test("it is not idle while a transfer runs, and never without a limit", async () => {
  using busy = new IdleTimer(1);
  busy.on(LISTENING);
  busy.on(OFFER);
  using without = new IdleTimer(undefined);
  without.on(LISTENING);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert(!busy.over.aborted && !without.over.aborted);
});

/** What a person is told after these events of a receiver. */
async function toldAfter(...events: SessionEvent[]): Promise<CliEvent[]> {
  const told: CliEvent[] = [];
  using quiet = new QuietTimer({ on: (event) => told.push(event) }, 20);
  for (const event of [LISTENING, ...events]) quiet.on(event);
  await new Promise((resolve) => setTimeout(resolve, 60));
  return told;
}

Deno.test("a person whom nothing reaches is told once to look at the firewall, whatever the gateway says", async () => {
  const hint = { type: "nothing-arrived", port: 5000, seconds: 0.02 } as const;
  const admits = { type: "admits", port: 5000, what: "all" } as const;
  assertEquals(await toldAfter(admits), [hint]);
  const notMapped = { type: "not-mapped", why: "no-gateway" } as const;
  assertEquals(await toldAfter(notMapped), [hint]);
  assertEquals(await toldAfter(OFFER), []);
});

Deno.test("the hint at the firewall fits into 40, 80 and 120 columns", () => {
  const words = noticeWords({
    type: "nothing-arrived",
    port: 5000,
    seconds: 30,
  });
  for (const columns of [40, 80, 120]) {
    const lines = broken(words, columns).split("\n");
    assert(lines.every((line) => line.length <= columns), lines.join("\n"));
    assertEquals(lines.map((line) => line.trim()).join(" "), words);
  }
});
