import { assert, assertEquals, assertRejects } from "@std/assert";
import "./support/libraries.ts";
import { Failure, receive, receiveAll, send } from "../lib/mod.ts";
import { freePort } from "./support/process.ts";

// Where senders keep what they are known by: not where the user of this machine does
const STATE = await Deno.makeTempDir();
Deno.env.set("XDG_STATE_HOME", STATE);
globalThis.addEventListener("unload", () => {
  Deno.removeSync(STATE, { recursive: true });
});

/** A stream without end that says when it is read first. */
function endless(): {
  content: ReadableStream<Uint8Array>;
  read: Promise<void>;
} {
  const { promise: read, resolve } = Promise.withResolvers<void>();
  const content = new ReadableStream<Uint8Array>({
    pull(controller) {
      resolve();
      controller.enqueue(new Uint8Array(10_000));
    },
  });
  return { content, read };
}

Deno.test("an aborted signal ends a sender and a receiver with its reason", async () => {
  for (const aborted of ["sender", "receiver"]) {
    const port = freePort();
    const stop = new AbortController();
    const signal = stop.signal;
    const offered = Promise.withResolvers<void>();
    const receiving = receive({
      port,
      to: new WritableStream(),
      signal: aborted === "receiver" ? signal : undefined,
      on: ({ type }) => type === "offer" && offered.resolve(),
    });
    const { content } = endless();
    const sending = send("127.0.0.1", {
      port,
      content,
      signal: aborted === "sender" ? signal : undefined,
    });
    const both = Promise.allSettled([sending, receiving]);
    await offered.promise;
    const reason = new Error("Enough");
    stop.abort(reason);
    const reasons = (await both).map((one) =>
      one.status === "rejected" ? one.reason : one
    );
    const [own, other] = aborted === "sender" ? reasons : reasons.toReversed();
    assertEquals(own, reason);
    assert(other instanceof Failure && other.code === "peer-stopped");
  }
});

Deno.test("a signal that was aborted before ends everything at once", async () => {
  const signal = AbortSignal.abort(new Error("Never"));
  const port = freePort();
  const to = { directory: "." };
  const content = new Blob(["x"]).stream();
  for (
    const start of [
      () => receive({ port, to, signal }),
      () => receiveAll({ port, to, signal }),
      () => send("127.0.0.1", { port, content, signal }),
    ]
  ) await assertRejects(start, Error, "Never");
});

Deno.test("a stream is handed on as it comes, and progress is told", async () => {
  const port = freePort();
  const bytes: number[] = [];
  const { readable, writable } = new TransformStream<Uint8Array>();
  const receiving = receive({
    port,
    to: writable,
    progressInterval: 1,
    on: (event) => {
      if (event.type === "progress") bytes.push(event.bytes);
    },
  });
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const sending = send("127.0.0.1", { port, content: input.readable });
  const writer = input.writable.getWriter();
  const reader = readable.getReader();
  for (const text of ["one", "two", "three"]) {
    await writer.write(new TextEncoder().encode(text));
    const { value } = await reader.read();
    assertEquals(new TextDecoder().decode(value), text);
  }
  await writer.close();
  assertEquals((await reader.read()).done, true);
  const [sent, received] = await Promise.all([sending, receiving]);
  assertEquals(sent.bytes, 11);
  assertEquals(received.sha256, sent.sha256);
  assert(bytes.length > 0 && bytes.every((now) => now <= 11));
});

Deno.test("a wrong code is refused with its reason", async () => {
  const port = freePort();
  const stop = new AbortController();
  const receiving = receive({
    port,
    to: new WritableStream(),
    security: { mode: "code", code: "1-right" },
    signal: stop.signal,
  });
  const failure = await assertRejects(
    () =>
      send("127.0.0.1", {
        port,
        content: new Blob(["x"]).stream(),
        security: { mode: "code", code: "1-wrong" },
      }),
    Failure,
  );
  assertEquals(failure.detail, {
    code: "peer-refused",
    reason: { code: "wrong-code" },
    afterProof: true,
  });
  stop.abort(new Error("Enough"));
  await assertRejects(() => receiving, Error, "Enough");
});
