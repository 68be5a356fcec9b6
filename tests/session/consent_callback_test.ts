import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../lib/base/failure.ts";
import { serve } from "../../lib/mod.ts";
import { test } from "../support/fs.ts";
import { receiving, sendTo } from "./application.ts";

const never = () => new Promise<boolean>(() => {});

test("what an application throws when it is asked ends the receiver that asked", async (directory) => {
  const { port, received } = await receiving({
    to: { directory },
    consent: () => Promise.reject(new TypeError("a mistake")),
  });
  await assertRejects(() => sendTo(port), Failure);
  await assertRejects(() => received, TypeError, "a mistake");
});

test("a sender that is accepted after the time to wait has run out is served", async (directory) => {
  const wait = 500;
  const { port, received } = await receiving({
    to: { directory },
    wait,
    consent: () =>
      new Promise((resolve) => setTimeout(() => resolve(true), wait + 100)),
  });
  await Promise.all([received, sendTo(port)]);
});

test("an application that never answers does not keep receivers from ending, nor from waiting on", async (directory) => {
  const left = Promise.withResolvers<void>();
  const stop = new AbortController();
  const { port, received } = await receiving({
    to: { directory },
    wait: 2_000,
    consent: () => {
      stop.abort(new Error("left"));
      return never();
    },
    on: ({ type }) => type === "still-waiting" && left.resolve(),
  });
  const sending = sendTo(port, { signal: stop.signal });
  await assertRejects(() => sending, Error, "left");
  await left.promise;
  await assertRejects(() => received, Failure, "nobody-came");
});

test("an application that never answers does not keep a receiver of several from being stopped", async (directory) => {
  const stop = new AbortController();
  const { port, finished } = await serve({
    port: 0,
    bind: "127.0.0.1",
    to: { directory },
    signal: stop.signal,
    consent: () => {
      setTimeout(() => stop.abort(new Error("stopped")));
      return never();
    },
  });
  await assertRejects(() => sendTo(port), Failure, "peer-stopped");
  await finished;
});

test("an application is shown what comes with a code and may decline it, and is asked about the next", async (directory) => {
  const security = { mode: "code", code: "17-walnut-copper-lagoon" } as const;
  const asked: (string | undefined)[] = [];
  const { port, received } = await receiving({
    to: { directory },
    security,
    consent: ({ names: [name], words, peer }) => {
      assertEquals(words, undefined);
      assert(peer.startsWith("127.0.0.1:"));
      asked.push(name);
      return name === "wanted.txt";
    },
  });
  const offer = (name: string) =>
    sendTo(port, { security, content: new File(["content"], name) });
  const failure = await assertRejects(() => offer("other.txt"), Failure);
  assertEquals(failure.detail.code, "peer-refused");
  await offer("wanted.txt");
  assertEquals((await received).bytes, 7);
  assertEquals(asked, ["other.txt", "wanted.txt"]);
});

Deno.test("an application may decline what would go into its stream", async () => {
  const { port, received, bytes } = await receiving({
    consent: ({ size, target }) => {
      assertEquals(target, undefined);
      return size !== undefined;
    },
  });
  await assertRejects(() => sendTo(port), Failure, "declined");
  await sendTo(port, { content: new Uint8Array(10) });
  await received;
  assertEquals(await bytes, new Uint8Array(10));
});

Deno.test("an application that never confirms a receiver hears that it has left", async () => {
  const stop = new AbortController();
  const { port, received } = await receiving({ signal: stop.signal });
  let withdrawn: AbortSignal | undefined;
  const sending = sendTo(port, {
    confirm: (_, signal) => {
      withdrawn = signal;
      stop.abort(new Error("stopped"));
      return never();
    },
  });
  await assertRejects(() => sending, Failure);
  assert(withdrawn?.aborted);
  await assertRejects(() => received, Error, "stopped");
});
