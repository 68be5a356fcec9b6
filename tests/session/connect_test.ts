import { assert, assertEquals } from "@std/assert";
import type { Channel } from "../../lib/endpoint/channel.ts";
import { bindAbort } from "../../lib/session/closing.ts";

/** A channel that is open until `closing` is settled. */
function openChannel() {
  const closing = Promise.withResolvers<void>();
  const aborted: unknown[] = [];
  const abort = (reason: Error) => aborted.push(reason);
  const channel = { closed: closing.promise, abort } as unknown as Channel;
  return { channel, closing, aborted };
}

Deno.test("a signal aborts a channel while it is open, and not after", async () => {
  const reason = new Error("Enough");
  const [open, closed] = [openChannel(), openChannel()];
  const stop = new AbortController();
  const broken = bindAbort(open.channel, stop.signal);
  bindAbort(closed.channel, stop.signal);
  closed.closing.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  stop.abort(reason);
  assertEquals([open.aborted, closed.aborted], [[reason], []]);
  assertEquals(broken.reason, reason);
  const late = openChannel();
  assert(bindAbort(late.channel, stop.signal).aborted);
  assertEquals(late.aborted, [reason]);
});

Deno.test("a channel that breaks aborts the signal that is bound to it, with the failure", async () => {
  const { channel, closing } = openChannel();
  const broken = bindAbort(channel, new AbortController().signal);
  const failure = new Error("Reset");
  closing.reject(failure);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(broken.reason, failure);
});
