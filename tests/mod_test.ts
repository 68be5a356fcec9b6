import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Failure,
  receive,
  type ReceiveOptions,
  send,
  type Sendable,
  type SendOptions,
  serve,
  type ServeOptions,
  type SessionEvent,
} from "../lib/mod.ts";
import { inDirectory } from "./support/fs.ts";
import { freePort } from "./support/process.ts";
import { receiving, sendTo } from "./session/application.ts";

/** A test in a directory of its own. */
function test(name: string, fn: (directory: string) => Promise<void>): void {
  // What a receiver has WebCrypto decrypt ahead cannot be cancelled when it has ended
  Deno.test({ name, fn: () => inDirectory(fn), sanitizeOps: false });
}

/** A stream without end. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
  });
}

for (const aborted of ["sender", "receiver"]) {
  test(`an aborted signal ends a ${aborted} with its reason, and the other side`, async () => {
    const stop = new AbortController();
    const signal = (side: string) => side === aborted ? stop.signal : undefined;
    const reason = new Error("Enough");
    const { port, received } = await receiving({
      to: new WritableStream(),
      signal: signal("receiver"),
      on: ({ type }) => type === "offer" && stop.abort(reason),
    });
    const sending = sendTo(port, {
      content: endless(),
      signal: signal("sender"),
    });
    const both = await Promise.allSettled([sending, received]);
    const reasons = both.map((one) =>
      one.status === "rejected" ? one.reason : one
    );
    const [own, other] = aborted === "sender" ? reasons : reasons.toReversed();
    assertEquals(own, reason);
    assert(other instanceof Failure && other.code === "peer-stopped");
  });
}

test("a signal that was aborted before ends everything at once", async () => {
  const signal = AbortSignal.abort(new Error("Never"));
  const port = 0;
  const to = { directory: "." };
  for (
    const start of [
      () => receive({ port, to, signal }),
      () => serve({ port, to, signal }),
      () => sendTo(port, { signal }),
    ]
  ) await assertRejects(start, Error, "Never");
});

test("a receiver that waits without end does so", async () => {
  const signal = AbortSignal.timeout(50);
  const { received } = await receiving({ wait: Infinity, signal });
  const reason = await assertRejects(() => received, DOMException);
  assertEquals(reason, signal.reason);
});

test("a stream is handed on as it comes, and progress is told", async () => {
  const { readable, writable } = new TransformStream<Uint8Array>();
  const { port, received, events } = await receiving({
    to: writable,
    progressInterval: 1,
  });
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const sending = sendTo(port, { content: input.readable });
  const writer = input.writable.getWriter();
  const reader = readable.getReader();
  for (const text of ["one", "two", "three"]) {
    await writer.write(new TextEncoder().encode(text));
    const { value } = await reader.read();
    assertEquals(new TextDecoder().decode(value), text);
  }
  await writer.close();
  assertEquals((await reader.read()).done, true);
  const sent = await sending;
  assertEquals(sent.bytes, 11);
  assertEquals((await received).sha256, sent.sha256);
  const progress = events.filter((event) => event.type === "progress");
  assert(progress.length > 0 && progress.every(({ bytes }) => bytes <= 11));
});

test("a wrong code is refused with its reason", async () => {
  const stop = new AbortController();
  const { port, received } = await receiving({
    security: { mode: "code", code: "1-right" },
    signal: stop.signal,
  });
  const security = { mode: "code", code: "1-wrong" } as const;
  const failure = await assertRejects(
    () => sendTo(port, { security }),
    Failure,
  );
  assertEquals(failure.detail, {
    code: "peer-refused",
    reason: { code: "wrong-code" },
    afterProof: true,
  });
  stop.abort(new Error("Enough"));
  await assertRejects(() => received, Error, "Enough");
});

const text = new TextEncoder();
const CONTENTS: Record<string, [Sendable, string | undefined, number?]> = {
  "bytes": [text.encode("content"), undefined, 7],
  "a part of a buffer": [text.encode("-content-").subarray(1, 8), undefined, 7],
  "a Blob": [new Blob(["con", "tent"]), undefined, 7],
  "a File": [new File(["content"], "note.txt"), "note.txt", 7],
  "a stream": [new Blob(["content"]).stream(), undefined],
  "a stream with a name": [
    { stream: new Blob(["content"]).stream(), name: "note.txt" },
    "note.txt",
  ],
  "a stream with a name and a size": [
    {
      stream: new Blob(["content"]).stream(),
      name: "note.txt",
      size: 7,
      mtime: new Date(1e12),
    },
    "note.txt",
    7,
  ],
};

for (const [what, [content, name, size]] of Object.entries(CONTENTS)) {
  test(`${what} can be sent, and the receiver knows what is known of it`, async () => {
    const { port, received, bytes, events } = await receiving();
    const sent = await sendTo(port, { content });
    await received;
    assertEquals(await bytes, text.encode("content"));
    assertEquals([sent.name, sent.bytes], [name, 7]);
    const offered = events.find((event) => event.type === "offer");
    assertEquals(offered?.offer.names, name === undefined ? [] : [name]);
    assertEquals(offered?.offer.size, size);
  });
}

const WRONG: Record<string, [object, typeof TypeError]> = {
  "content that is a number": [{ content: 7 }, TypeError],
  "content that is no content": [{ content: {} }, TypeError],
  "no content": [{ content: undefined }, TypeError],
  "paths that are none": [{ content: [1, 2, 3] }, TypeError],
  "a typed array of larger numbers": [
    { content: new Uint16Array(3) },
    TypeError,
  ],
  "a name with directories": [
    { content: { stream: new Blob([]).stream(), name: "../x" } },
    TypeError,
  ],
  "a negative size": [
    { content: { stream: new Blob([]).stream(), size: -1 } },
    RangeError,
  ],
  "port 99999": [{ port: 99_999 }, RangeError],
  "port 1.5": [{ port: 1.5 }, RangeError],
  "a port that is text": [{ port: "5000" }, TypeError],
  "a negative timeout": [{ timeout: -1 }, RangeError],
  "a timeout that is no number": [{ timeout: NaN }, RangeError],
  "an endless timeout": [{ timeout: Infinity }, RangeError],
  "a tiny MTU": [{ mtu: 100 }, RangeError],
  "a rate of 0": [{ maxRate: 0 }, RangeError],
  "a progress interval of 0": [{ progressInterval: 0 }, RangeError],
  "an unknown mode": [{ security: { mode: "none" } }, TypeError],
  "an unknown controller": [{ congestion: "reno" }, TypeError],
  "a signal that is none": [{ signal: {} }, TypeError],
  "a listener that is none": [{ on: "log" }, TypeError],
};

for (const [what, [options, error]] of Object.entries(WRONG)) {
  test(`${what} is refused at once, and nothing is left behind`, async () => {
    // What a program without types could give
    const given = { content: "x", ...options } as SendOptions;
    await assertRejects(() => send("192.0.2.1", given), error);
  });
}

test("a sender without a host, and a receiver without a destination, are refused at once", async () => {
  const content = new Uint8Array(1);
  await assertRejects(() => send("", { content }), TypeError);
  await assertRejects(() => send(undefined, { content }), TypeError);
  const to = "incoming" as unknown as ReceiveOptions["to"];
  await assertRejects(() => receive({ port: 0, to }), TypeError);
  await assertRejects(() => serve({ port: 0, to } as ServeOptions), TypeError);
});

test("a stream of text fails on both sides, with what is wrong, and so does one that breaks", async () => {
  const streams: [ReadableStream<unknown>, string][] = [
    [ReadableStream.from(["text"]), "Uint8Array"],
    [
      new ReadableStream({ start: (on) => on.error(new TypeError("on fire")) }),
      "on fire",
    ],
  ];
  for (const [stream, message] of streams) {
    const { port, received } = await receiving();
    const content = stream as ReadableStream<Uint8Array>;
    await assertRejects(
      () => sendTo(port, { content }),
      TypeError,
      message,
    );
    const failure = await assertRejects(() => received, Failure);
    assertEquals(failure.code, "peer-failed");
  }
});

test("a stream that is shorter than its size is no success", async () => {
  const { port, received } = await receiving();
  const stream = new Blob(["content"]).stream();
  await assertRejects(
    () => sendTo(port, { content: { stream, size: 8 } }),
    Failure,
    "source-changed",
  );
  await assertRejects(() => received, Failure);
});

test("what the sink of a destination throws is the cause of the failure", async () => {
  const to = new WritableStream<Uint8Array>({
    write() {
      throw new Error("disk on fire");
    },
  });
  const { port, received } = await receiving({ to });
  const content = new Uint8Array(9);
  const sender = await assertRejects(() => sendTo(port, { content }), Failure);
  assertEquals(sender.code, "peer-failed");
  const failure = await assertRejects(() => received, Failure);
  assertEquals(failure.code, "output-closed");
  assertEquals((failure.cause as Error).message, "disk on fire");
});

test("what a listener throws ends what it was given to, which rejects with it", async () => {
  const mistake = new RangeError("a mistake");
  const stop = new AbortController();
  const { signal } = stop;
  const receivers: Promise<unknown>[] = [];
  for (const type of ["connected", "agreed", "progress", "done"] as const) {
    // Without a sender that has made an offer it waits on
    const { port, received } = await receiving({
      to: new WritableStream(),
      signal,
    });
    const content = endless();
    const sending = sendTo(port, {
      content: type === "done" ? new Uint8Array(3) : content,
      progressInterval: 1,
      on: (event) => {
        if (event.type === type) throw mistake;
      },
    });
    assertEquals(await assertRejects(() => sending, RangeError), mistake);
    receivers.push(received);
  }
  stop.abort();
  await Promise.allSettled(receivers);
  const { port, received } = await receiving({
    on: ({ type }) => {
      if (type === "offer") throw mistake;
    },
  });
  const content = new Uint8Array(3);
  await assertRejects(() => sendTo(port, { content }), Failure);
  assertEquals(await assertRejects(() => received, RangeError), mistake);
});

test("the last progress is told at the end, of both sides", async () => {
  const { port, received, events } = await receiving({
    progressInterval: 60_000,
  });
  const sent: SessionEvent[] = [];
  await sendTo(port, {
    content: new Uint8Array(100_000),
    progressInterval: 60_000,
    on: (event) => sent.push(event),
  });
  await received;
  for (const side of [sent, events]) {
    const [last, done] = side.slice(-2);
    assert(last?.type === "progress" && done?.type === "done");
    assertEquals([last.bytes, last.size], [100_000, 100_000]);
  }
});

test("a server that is shut down completes what is under way, and lets nobody in", async (directory) => {
  const started = Promise.withResolvers<void>();
  await using server = await serve({
    port: 0,
    bind: "127.0.0.1",
    to: { directory },
    consent: "yes",
    on: ({ type }) => type === "offer" && started.resolve(),
  });
  const { port } = server;
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const content = { stream: input.readable, name: "slow" };
  const sending = sendTo(port, { content });
  const writer = input.writable.getWriter();
  await writer.write(text.encode("one"));
  await started.promise;
  const ended = server.shutdown();
  const late = new File(["x"], "late");
  await assertRejects(
    () => sendTo(port, { content: late, timeout: 500 }),
    Failure,
  );
  await writer.write(text.encode(" two"));
  await writer.close();
  await sending;
  await ended;
  await server.finished;
  assertEquals(await Deno.readTextFile(`${directory}/slow`), "one two");
});

test("a server whose signal is aborted ends in order, and breaks off what is under way", async (directory) => {
  const stop = new AbortController();
  const started = Promise.withResolvers<void>();
  const { port, finished } = await serve({
    port: 0,
    bind: "127.0.0.1",
    to: { directory },
    consent: "yes",
    signal: stop.signal,
    on: ({ type }) => type === "offer" && started.resolve(),
  });
  const content = endless();
  const sending = assertRejects(
    () => sendTo(port, { content }),
    Failure,
    "peer-stopped",
  );
  await started.promise;
  stop.abort();
  await finished;
  await sending;
});

/** What a program of its own prints, given permissions. */
async function printed(code: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", ...args, code],
    env: { NO_COLOR: "1" },
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

test("a runtime without UDP is told so, by the code of a failure", async () => {
  const mod = new URL("../lib/mod.ts", import.meta.url).href;
  const code = `import { send } from "${mod}";
    await send("127.0.0.1", { content: new Uint8Array(1) })
      .catch(({ code }) => console.log(code));`;
  assertEquals(await printed(code), "no-udp\n");
});

test("importing the package, or the command, runs nothing", async () => {
  for (const path of ["../lib/mod.ts", "../main.ts"]) {
    const module = new URL(path, import.meta.url).href;
    const code = `await import("${module}"); console.log("still here");`;
    assertEquals(await printed(code), "still here\n");
  }
});

test("the first example of the documentation has thirty lines at most, and prints what it says", async () => {
  const source = await Deno.readTextFile(
    new URL("../lib/mod.ts", import.meta.url),
  );
  const [, comment = ""] = source.match(/```ts\n([^]*?) \* ```/) ?? [];
  const example = comment.replaceAll(/^ \* ?/gm, "").trimEnd();
  assert(example.split("\n").length <= 30);
  const ports = new Map<string, number>();
  const program = example.replaceAll(/\b50\d\d\b/g, (port) => {
    ports.set(port, ports.get(port) ?? freePort());
    return `${ports.get(port)}`;
  }).replace("@ferry/ferry", import.meta.resolve("../lib/mod.ts"));
  const output = await printed(program, "--ext=ts", "--unstable-net");
  const lines = output.split("\n").filter((line) =>
    line !== "" && !/^\d+ [\d.]+$/.test(line)
  );
  const said = [...example.matchAll(/; \/\/ (.*)/g)].map(([, text]) => text);
  assertEquals(lines, said);
});
