import { assert, assertThrows } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import { IdleTimer } from "../../../lib/cli/terminal/waiting.ts";
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
