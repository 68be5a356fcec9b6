import { assertEquals, assertRejects } from "@std/assert";
import { abortable, firstOf } from "../../lib/base/async.ts";

const never = new Promise<never>(() => {});

Deno.test("a promise that is not aborted gives its value or its error", async () => {
  const { signal } = new AbortController();
  assertEquals(await abortable(Promise.resolve(1), signal), 1);
  assertEquals(await abortable(Promise.resolve(2), undefined), 2);
  const failing = Promise.reject(new Error("bad"));
  await assertRejects(() => abortable(failing, signal), Error, "bad");
});

Deno.test("a promise that never settles is abandoned when the signal is aborted", async () => {
  const controller = new AbortController();
  const waiting = abortable(never, controller.signal);
  controller.abort(new Error("stop"));
  await assertRejects(() => waiting, Error, "stop");
  await assertRejects(
    () => abortable(never, controller.signal),
    Error,
    "stop",
  );
});

Deno.test("the first of several signals to be aborted gives the reason", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const first = firstOf([one.signal, other.signal]);
  assertEquals(first.aborted, false);
  const reason = new Error("Enough");
  other.abort(reason);
  one.abort(new Error("Too late"));
  assertEquals([first.aborted, first.reason], [true, reason]);
  assertEquals(firstOf([first]).reason, reason);
});
