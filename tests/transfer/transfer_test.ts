import { assert, assertEquals, assertRejects } from "@std/assert";
import { Answers } from "../../lib/transfer/sending/answers.ts";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import { encodeFailure } from "../../lib/transfer/wire/reasons.ts";
import { Prng } from "../../lib/base/prng.ts";
import { utf8 } from "../../lib/base/utf8.ts";
import {
  Failure,
  type FailureDetail,
  type PeerCode,
} from "../../lib/base/failure.ts";
import type { FileEntry } from "../../lib/transfer/wire/entries.ts";
import type { Offer } from "../../lib/transfer/wire/messages.ts";
import { sendOver } from "../../lib/transfer/sending/sender.ts";
import type { Source } from "../../lib/transfer/source.ts";
import { type Exchange, exchange, outcome, receiveOver } from "./exchange.ts";
import { MemorySink, MemorySource, SilentSource } from "./memory_content.ts";
import { memoryPair } from "../support/memory_stream.ts";
import { pause } from "../support/wait.ts";

function assertFailure(value: unknown, detail: FailureDetail): void {
  assert(value instanceof Failure, `no failure: ${JSON.stringify(value)}`);
  assertEquals(value.detail, detail);
}

/** The failure of a sender whose receiver could not go on. */
function failedThere(code: PeerCode): FailureDetail {
  return { code: "peer-failed", by: "receiver", reason: { code } };
}

/** What the stream of the tests breaks with. */
const BROKEN: FailureDetail = {
  code: "peer-silent",
  peer: "memory",
  seconds: 1,
};

const SOURCE_FAILED: FailureDetail = {
  code: "peer-failed",
  by: "sender",
  reason: { code: "read-failed" },
};

/** Both sides agree on what was transferred. */
function assertSame({ sent, stored }: Exchange, message?: string): void {
  assert(!(stored instanceof Failure), message);
  assertEquals(sent, { ...stored, omitted: 0 }, message);
}

Deno.test("content of any size arrives as it was sent", async () => {
  const random = new Prng(1);
  for (const size of [0, 1, 511, 512, 513, 65_536, 1_000_003]) {
    const bytes = random.bytes(size);
    const sink = new MemorySink();
    const ended = await exchange(new MemorySource(bytes), { sink });
    assertSame(ended);
    assertEquals((ended.stored as { bytes?: number }).bytes, size);
    assert(sink.committed);
    assertEquals(sink.bytes, bytes);
  }
});

Deno.test("the digest is the SHA-256 of the content", async () => {
  const { sent } = await exchange(new MemorySource(utf8("abc")));
  const sha256 =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assertEquals(sent, { omitted: 0, files: 1, bytes: 3, sha256 });
});

Deno.test("what is known of a file arrives with it", async () => {
  const entry = { name: "a b.txt", size: 3, mode: 0o640, mtime: 17n ** 15n };
  const source = new MemorySource(new Uint8Array(3), { entry });
  const [key, proof] = [new Uint8Array(32).fill(1), new Uint8Array(64).fill(2)];
  const offer = { ...source.offer, attempt: { key, proof } };
  let offered: Offer | undefined;
  let opened: FileEntry | undefined;
  const memory = new MemorySink();
  const open = memory.open.bind(memory);
  memory.open = (entry?: FileEntry) => {
    opened = entry;
    return open();
  };
  const sink = (offer: Offer) => {
    offered = offer;
    return Promise.resolve(memory);
  };
  await exchange(source, { sink, sending: { offer } });
  assertEquals(offered, { ...offer, files: undefined });
  assertEquals(opened, { kind: "file", ...entry });
});

Deno.test("content arrives whole from a source and a stream that deal in odd pieces", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Prng(seed);
    const bytes = random.bytes(random.int(5000));
    const piece = () => 1 + random.int(1 + random.int(300));
    const there = { capacity: 1 + random.int(2000), piece };
    const back = { capacity: 1 + random.int(20), piece };
    const sink = new MemorySink();
    const source = new MemorySource(bytes, { piece: 1 + random.int(700) });
    assertSame(await exchange(source, { sink, there, back }), `seed ${seed}`);
    assertEquals(sink.bytes, bytes, `seed ${seed}`);
  }
});

Deno.test("a stream that breaks after any byte never yields a file that is not whole", async () => {
  const bytes = new Prng(7).bytes(90);
  const entry = { name: "file", size: bytes.length };
  for (let breakAfter = 0;; breakAfter++) {
    const sink = new MemorySink();
    const source = new MemorySource(bytes, { entry, piece: 40 });
    const ended = await exchange(source, { sink, there: { breakAfter } });
    if (sink.committed) {
      assertEquals(sink.bytes, bytes);
      assertSame(ended);
      break;
    }
    assertFailure(ended.sent, BROKEN);
    assertFailure(ended.stored, BROKEN);
  }
});

Deno.test("a sender that does not hear the end of DONE fails, and the receiver keeps what is whole", async () => {
  const bytes = new Prng(8).bytes(90);
  for (let breakAfter = 0;; breakAfter++) {
    const sink = new MemorySink();
    const back = { breakAfter };
    const ended = await exchange(new MemorySource(bytes), { sink, back });
    assertEquals(sink.committed, !(ended.stored instanceof Failure));
    if (!(ended.sent instanceof Failure)) {
      assertSame(ended);
      break;
    }
    assertFailure(ended.sent, BROKEN);
  }
});

// T-3, T-4
Deno.test("a refusal stops a sender whose direction is full", async () => {
  const refusal = new Failure({ code: "exists", path: "/secret/name" });
  const sink = () => Promise.reject(refusal);
  const source = new MemorySource(new Uint8Array(1_000_000));
  const there = { capacity: 100 };
  const { sent, stored } = await exchange(source, { sink, there });
  assertFailure(sent, { code: "peer-refused", reason: { code: "exists" } });
  assertEquals(stored, refusal);
});

/** What a sender has sent by the time it waits for the answer to its offer. */
async function sentUnanswered(source: Source): Promise<number> {
  const [near, far] = memoryPair({ capacity: Infinity });
  const sending = outcome(sendOver(near, source));
  let bytes = 0;
  const into = new Uint8Array(2 ** 16);
  for (;;) {
    const count = await Promise.race([far.read(into), pause(50)]);
    if (typeof count !== "number") break;
    bytes += count;
  }
  near.abort(new Failure(BROKEN));
  assertFailure(await sending, BROKEN);
  return bytes;
}

// T-2
Deno.test("of what may be resumed little is sent before the answer, and nothing of what is read only once", async () => {
  const content = new Uint8Array(2_000_000);
  const resumable = { resumable: true, seekable: true };
  const some = await sentUnanswered(new MemorySource(content, resumable));
  assert(some > 200_000 && some < 300_000, `${some} bytes`);
  const source = new MemorySource(content, { resumable: true });
  const once = await sentUnanswered(source);
  assert(once < 1000, `${once} bytes`);
});

const SINK_FAILURES: [string, number, Source][] = [
  ["in the middle", 300_000, new MemorySource(new Uint8Array(2_000_000))],
  ["on the very last bytes", 9, new MemorySource(new Uint8Array(10))],
  ["while the source is silent", 0, new SilentSource(5)],
];
for (const [when, failAfter, source] of SINK_FAILURES) {
  Deno.test(`a sink that fails ${when} stops both sides, each with its own words`, async () => {
    const failure = new Failure({ code: "disk-full", path: "/secret/name" });
    const sink = new MemorySink({ failAfter, failure });
    const there = { capacity: failAfter === 300_000 ? 100 : 65_536 };
    const { sent, stored } = await exchange(source, { sink, there });
    assertFailure(sent, failedThere("disk-full"));
    assertEquals(stored, failure);
    assert(sink.discarded && !sink.committed);
  });
}

Deno.test("a commit that fails leaves nothing and the sender hears of it", async () => {
  const failure = new Failure({ code: "exists", path: "/secret/name" });
  const sink = new MemorySink();
  sink.commit = () => Promise.reject(failure);
  const source = new MemorySource(new Uint8Array(10));
  const { sent, stored } = await exchange(source, { sink });
  assertFailure(sent, failedThere("exists"));
  assertEquals(stored, failure);
  assert(sink.discarded);
});

Deno.test("a source that fails is the sender's failure, and the receiver keeps nothing", async () => {
  const failure = new Failure({ code: "read-failed", path: "/secret/x" });
  const sink = new MemorySink();
  const source = new MemorySource(new Uint8Array(1000), { failure });
  const { sent, stored } = await exchange(source, { sink });
  assertEquals(sent, failure);
  assertFailure(stored, SOURCE_FAILED);
  assert(sink.discarded);
});

for (const [what, size] of [["shrinks", 101], ["grows", 99]] as const) {
  Deno.test(`a file that ${what} while it is read is not delivered`, async () => {
    const sink = new MemorySink();
    const entry = { name: "log", size };
    const source = new MemorySource(new Uint8Array(100), { entry, piece: 30 });
    const { sent, stored } = await exchange(source, { sink });
    assert(sent instanceof Failure);
    assertEquals(sent.code, "source-changed");
    assertFailure(stored, SOURCE_FAILED);
    assert(!sink.committed);
  });
}

Deno.test("a receiver that is stopped while its sink blocks ends at once", async () => {
  const [near, far] = memoryPair();
  const stop = new AbortController();
  const sink = new MemorySink();
  const blocked = Promise.withResolvers<void>();
  sink.write = () => {
    blocked.resolve();
    return new Promise(() => {});
  };
  const interrupted = new Failure({ code: "interrupted" });
  const source = new MemorySource(new Uint8Array(3_000_000));
  const sending = outcome(sendOver(near, source));
  const { signal } = stop;
  const open = () => Promise.resolve(sink);
  const receiving = outcome(receiveOver(far, open, { signal }));
  await blocked.promise;
  stop.abort(interrupted);
  far.abort(interrupted);
  assertEquals(await receiving, interrupted);
  assert(sink.discarded);
  assert(await sending instanceof Failure);
});

Deno.test("a receiver that is stopped once all is stored has succeeded", async () => {
  const sink = new MemorySink();
  const stop = new AbortController();
  sink.commit = () => {
    sink.committed = true;
    stop.abort(new Failure({ code: "interrupted" }));
    // As a file's directory is synced once the file has its name
    return pause(1);
  };
  const source = new MemorySource(Uint8Array.of(1, 2, 3));
  const receiving = { signal: stop.signal };
  assertSame(await exchange(source, { sink, receiving }));
  assert(!sink.discarded);
});

Deno.test("a receiver that is stopped before an offer came opens nothing", async () => {
  const interrupted = new Failure({ code: "interrupted" });
  let opened = false;
  const sink = () => {
    opened = true;
    return Promise.resolve(new MemorySink());
  };
  const receiving = { signal: AbortSignal.abort(interrupted) };
  const ended = await exchange(new SilentSource(), { sink, receiving });
  assertEquals(ended.stored, interrupted);
  const reason = { code: "unspecified" } as const;
  assertFailure(ended.sent, { code: "peer-refused", reason });
  assert(!opened);
});

Deno.test("a sender whose source is silent ends as soon as the stream breaks", async () => {
  const [near, far] = memoryPair();
  const sending = outcome(sendOver(near, new SilentSource()));
  const stopped = new Failure({ code: "peer-stopped", peer: "far" });
  far.abort(stopped);
  assertFailure(await sending, stopped.detail);
});

Deno.test("progress counts every byte on both sides", async () => {
  const sent: number[] = [];
  const received: number[] = [];
  await exchange(new MemorySource(new Uint8Array(10), { piece: 4 }), {
    sending: { progress: (bytes) => sent.push(bytes) },
    receiving: { progress: (bytes) => received.push(bytes) },
  });
  assertEquals(sent, [4, 8, 10, 10]);
  assertEquals(received.at(-1), 10);
});

Deno.test("a connection that ends before an offer is an error of its own", async () => {
  const [near, far] = memoryPair();
  await near.closeWrite();
  const received = receiveOver(far, () => Promise.resolve(new MemorySink()));
  assertFailure(await outcome(received), { code: "peer-ended", by: "sender" });
});

Deno.test("whoever waits for an answer hears of a refusal at once", async () => {
  const [sender, receiver] = memoryPair();
  const answers = new Answers(sender);
  const { verdict, acceptance } = answers;
  const all = [verdict, acceptance, answers.offset(), answers.prefixDigest()];
  const refusals = all.map((one) =>
    assertRejects(() => one, Failure, "peer-refused")
  );
  await receiver.write(encodeFailure(FrameType.REFUSE, { code: "disk-full" }));
  await Promise.all(refusals);
});
