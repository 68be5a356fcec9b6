import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import { type Attempt, race } from "../../../lib/session/sending/reach.ts";

const never = new AbortController().signal;
const OPTIONS = { limit: 60_000, signal: never };
const SILENCE = new Failure({
  code: "no-answer",
  peer: "192.0.2.1:5000",
  seconds: 30,
});
const BUSY = new Failure({ code: "busy", peer: "192.0.2.2:5000" });

/** A way to a receiver of this name, which answers when the test says so. */
function wayTo(name: string) {
  const answer = Promise.withResolvers<void>();
  const state = { begun: false, aborted: false, answer };
  const way = (): Promise<Attempt<string>> => {
    state.begun = true;
    const channel = {
      established: answer.promise,
      abort: (failure: Error) => {
        state.aborted = true;
        answer.reject(failure);
      },
    };
    return Promise.resolve({ channel, result: Promise.resolve(name) });
  };
  return { way, state };
}

Deno.test("the second address is tried while the first is silent, and the first that answers wins", async () => {
  const [one, two] = [wayTo("one"), wayTo("two")];
  const racing = race([one.way, two.way], OPTIONS);
  assert(one.state.begun && !two.state.begun);
  two.state.answer.resolve();
  assertEquals(await racing, "two");
  assertEquals([one.state.aborted, two.state.aborted], [true, false]);
});

Deno.test("an address that refuses lets the next one be tried at once", async () => {
  const [one, two] = [wayTo("one"), wayTo("two")];
  one.state.answer.reject(BUSY);
  two.state.answer.resolve();
  const begin = performance.now();
  assertEquals(await race([one.way, two.way], OPTIONS), "two");
  assert(performance.now() - begin < 200 || two.state.begun);
});

Deno.test("of several failures the one is told that says more than silence", async () => {
  const ways = [wayTo("one"), wayTo("two"), wayTo("three")];
  for (const { state } of ways) {
    state.answer.reject(state === ways[1]!.state ? BUSY : SILENCE);
  }
  const racing = race(ways.map(({ way }) => way), OPTIONS);
  assertEquals((await assertRejects(() => racing, Failure)).code, "busy");
});

Deno.test("an attempt that is not answered in time is aborted, and so is one that a person ends", async () => {
  const [slow, ended] = [wayTo("slow"), wayTo("ended")];
  const late = race([slow.way], { ...OPTIONS, limit: 1 });
  assertEquals((await assertRejects(() => late, Failure)).code, "no-answer");
  const stop = new AbortController();
  const stopped = race([ended.way], { ...OPTIONS, signal: stop.signal });
  stop.abort(new Failure({ code: "interrupted" }));
  assertEquals(
    (await assertRejects(() => stopped, Failure)).code,
    "interrupted",
  );
  assert(slow.state.aborted && ended.state.aborted);
});
