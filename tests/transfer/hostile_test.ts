import { frame } from "../../lib/base/frame.ts";
import { assert, assertEquals } from "@std/assert";
import { Failure, type FailureDetail } from "../../lib/base/failure.ts";
import { Prng } from "../../lib/base/prng.ts";
import { FieldWriter, Tag } from "../../lib/transfer/wire/fields.ts";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import {
  encodeAccept,
  encodeDigest,
  encodeOffer,
  encodeTotal,
  TRANSFER_VERSION,
} from "../../lib/transfer/wire/messages.ts";
import { encodeFailure } from "../../lib/transfer/wire/reasons.ts";
import { encodeEntry } from "../../lib/transfer/wire/entries.ts";
import { receiveOver } from "./exchange.ts";
import { sendOver } from "../../lib/transfer/sending/sender.ts";
import { shownText } from "../../lib/transfer/wire/names.ts";
import { MemorySink, MemorySource } from "./memory_content.ts";
import { failureSaid } from "../support/streams.ts";
import { memoryPair } from "../support/memory_stream.ts";

const EMPTY_SHA256 =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const ACCEPT = encodeAccept({ resume: false });
const EMPTY_DIGEST = frame(
  FrameType.FILE_DIGEST,
  Uint8Array.fromHex(EMPTY_SHA256),
);

/** What a receiver makes of these bytes: its failure, and the last word it says to the sender. */
async function receiveBytes(
  ...parts: Uint8Array[]
): Promise<{
  failure: Failure | undefined;
  said: FailureDetail | undefined;
  sink: MemorySink;
}> {
  const [near, far] = memoryPair({ capacity: Infinity });
  const sink = new MemorySink();
  for (const part of parts) await near.write(part);
  await near.closeWrite();
  let failure: Failure | undefined;
  await receiveOver(far, () => Promise.resolve(sink)).catch((error) => {
    assert(error instanceof Failure, String(error));
    failure = error;
  });
  return { failure, said: await failureSaid(near), sink };
}

/** What a sender makes of a receiver that says just these bytes. */
async function sendAgainst(...parts: Uint8Array[]): Promise<Failure> {
  const [near, far] = memoryPair({ capacity: Infinity });
  const sending = sendOver(near, new MemorySource(new Uint8Array(0)));
  sending.catch(() => {});
  // What it says first is said to a sender that has said everything
  await new Promise((resolve) => setTimeout(resolve, 2));
  for (const part of parts) await far.write(part).catch(() => {});
  await far.closeWrite().catch(() => {});
  try {
    await sending;
  } catch (error) {
    assert(error instanceof Failure, String(error));
    return error;
  }
  throw new Error("it was taken for success");
}

function offerOf(fields: FieldWriter): Uint8Array {
  return frame(FrameType.OFFER, fields.finish());
}

function offerNamed(name: string | Uint8Array): Uint8Array {
  const bytes = typeof name === "string"
    ? new TextEncoder().encode(name)
    : name;
  return offerOf(
    new FieldWriter(TRANSFER_VERSION).uint8(Tag.KIND, 1).int64(Tag.COUNT, 1)
      .bytes(Tag.NAMES, bytes),
  );
}

const FAILED: FailureDetail = {
  code: "peer-failed",
  by: "receiver",
  reason: { code: "unspecified" },
};
const REFUSED: FailureDetail = {
  code: "peer-refused",
  reason: { code: "unspecified" },
};
const MALFORMED: FailureDetail = {
  code: "peer-refused",
  reason: { code: "malformed" },
};

const NAMES: [string, string | Uint8Array][] = [
  ["that climbs out of the directory", "../x"],
  ["that is absolute", "/etc/passwd"],
  ["that is the directory", "."],
  ["that is the parent", ".."],
  ["that is empty", ""],
  ["with a NUL", "a\0b"],
  ["that is not UTF-8", Uint8Array.of(0x61, 0xff)],
  ["of a surrogate", Uint8Array.of(0xed, 0xa0, 0x80)],
  ["that is too long", "x".repeat(256)],
  ["of a temporary file", "x.ferry-part"],
];
for (const [what, name] of NAMES) {
  Deno.test(`a file with a name ${what} is refused, and named`, async () => {
    const { failure, said, sink } = await receiveBytes(offerNamed(name));
    const bytes = typeof name === "string"
      ? new TextEncoder().encode(name)
      : name;
    const shown = shownText(bytes);
    assert(failure?.detail.code === "name-refused");
    const reason = { code: "name-refused", name: failure.detail.name } as const;
    assert(shown.includes(failure.detail.name));
    assertEquals(said, { code: "peer-refused", reason });
    assertEquals(sink.blocks, []);
  });
}

for (
  const name of [" .é…" + "x".repeat(248), "a\nb", "a\\b", "\x1b[2Jx", "-x"]
) {
  Deno.test(`a name such as ${JSON.stringify(name)} is taken`, async () => {
    const { failure, said } = await receiveBytes(offerNamed(name));
    assertEquals(failure?.code, "peer-ended");
    assertEquals(said, FAILED);
  });
}

Deno.test("an offer of another version is refused, and both sides know both versions", async () => {
  const { failure, said } = await receiveBytes(
    frame(FrameType.OFFER, Uint8Array.of(1, 1, 2, 3)),
  );
  const mismatch = { code: "version-mismatch", layer: "transfer" } as const;
  assertEquals(failure?.detail, {
    ...mismatch,
    theirs: 1,
    ours: TRANSFER_VERSION,
  });
  assertEquals(said, {
    ...mismatch,
    theirs: TRANSFER_VERSION,
    ours: TRANSFER_VERSION,
  });
});

/** An offer of a stream, with more fields. */
function stream(): FieldWriter {
  return new FieldWriter(TRANSFER_VERSION).uint8(Tag.KIND, 0).int64(
    Tag.COUNT,
    1,
  );
}

/** The entry of a file, or with no name of a stream. */
function entryOf(name: string, size: number | undefined): Uint8Array {
  const attributes = { mode: undefined, mtime: undefined };
  return encodeEntry({ kind: "file", name, size, ...attributes });
}

/** An entry of a stream. */
const STREAM = frame(
  FrameType.ENTRY,
  entryOf("", undefined),
);
/** All of an empty stream. */
const NO_CONTENT = [
  STREAM,
  EMPTY_DIGEST,
];

Deno.test("fields that may be skipped are, and those that must be understood are refused", async () => {
  const end = encodeDigest(FrameType.END, {
    bytes: 0,
    sha256: EMPTY_SHA256,
    files: 1,
  });
  const skipped = offerOf(stream().uint8(0x7f, 1));
  assert((await receiveBytes(skipped, ...NO_CONTENT, end)).sink.committed);
  const needed = stream().uint8(0xff, 1);
  const { failure } = await receiveBytes(offerOf(needed), end);
  assert(failure?.message.includes("field 255 is not known here"));
});

// T-10
Deno.test("TOTAL of a stream is refused", async () => {
  const total = encodeTotal({ files: 1, bytes: 0 });
  const frames = [frame(FrameType.TOTAL, total), ...NO_CONTENT];
  const { failure } = await receiveBytes(offerOf(stream()), ...frames);
  assertEquals(failure?.code, "malformed");
});

const OFFERS: [string, Uint8Array][] = [
  [
    "a field longer than the message",
    frame(FrameType.OFFER, Uint8Array.of(TRANSFER_VERSION, 1, 0, 9, 0)),
  ],
  [
    "a field that comes twice",
    offerOf(stream().int64(Tag.SIZE, 1).int64(Tag.SIZE, 2)),
  ],
  ["a negative size", offerOf(stream().int64(Tag.SIZE, -1))],
  [
    "a size beyond 2^53",
    offerOf(stream().int64(Tag.SIZE, 2 ** 60)),
  ],
  ["a size of one byte", offerOf(stream().uint8(Tag.SIZE, 1))],
  [
    "a time no date can hold",
    offerOf(stream().int64(Tag.MTIME, 2 ** 53 - 1)),
  ],
  [
    "nanoseconds of another millisecond",
    offerOf(
      stream().int64(Tag.MTIME, 0).int64(Tag.NANOS, 1_000_000),
    ),
  ],
  [
    "nanoseconds before the millisecond",
    offerOf(stream().int64(Tag.MTIME, 0).int64(Tag.NANOS, -1)),
  ],
  ["data before an offer", frame(FrameType.DATA, Uint8Array.of(1))],
  ["an unknown type", frame(0x55, Uint8Array.of(1))],
  ["a message that is too long", Uint8Array.of(FrameType.OFFER, 1, 0, 0)],
];
for (const [what, bytes] of OFFERS) {
  Deno.test(`${what} is refused`, async () => {
    const { failure, said } = await receiveBytes(bytes);
    assertEquals(failure?.code, "malformed");
    assertEquals(said, MALFORMED);
  });
}

Deno.test("an offered mode loses everything but its permission bits", async () => {
  const [near, far] = memoryPair();
  await near.write(offerOf(stream().int64(Tag.MODE, 0o106755)));
  await near.closeWrite();
  let mode: number | undefined;
  await receiveOver(far, (offer) => {
    mode = offer.mode;
    return Promise.resolve(new MemorySink());
  }).catch(() => {});
  assertEquals(mode, 0o755);
});

const OFFER = encodeOffer({ kind: "file", names: ["x"], count: 1, size: 3 });
const FILE = frame(
  FrameType.ENTRY,
  entryOf("x", 3),
);
const DATA = frame(FrameType.DATA, Uint8Array.of(1, 2, 3));
// T-8
const ENDS: [string, string, Uint8Array[]][] = [
  ["more data than was offered", "malformed", [DATA, DATA]],
  ["less data than was promised", "corrupt", [
    EMPTY_DIGEST,
  ]],
  ["data of another digest", "corrupt", [
    DATA,
    EMPTY_DIGEST,
  ]],
  ["an end without a digest", "malformed", [
    frame(FrameType.END, new FieldWriter().int64(Tag.BYTES, 3).finish()),
  ]],
  ["a second offer", "malformed", [OFFER]],
  ["a receiver's message", "malformed", [ACCEPT]],
  ["an end in the middle of a message", "malformed", [DATA.subarray(0, 5)]],
  ["an end before END", "peer-ended", [DATA]],
];
for (const [what, reason, parts] of ENDS) {
  Deno.test(`${what} fails the transfer and nothing is kept`, async () => {
    const { failure, said, sink } = await receiveBytes(OFFER, FILE, ...parts);
    assertEquals(failure?.code, reason);
    assertEquals(said?.code, "peer-failed");
    assert(sink.discarded && !sink.committed);
    assertEquals(sink.keeps, reason === "peer-ended");
  });
}

Deno.test("a path that a peer sends is one short line without control characters", async () => {
  const text = "a\x1b[31m\r\nb\u202e\u009b " + "x".repeat(9000);
  const body = new FieldWriter().uint8(Tag.REASON, 3).text(Tag.PATH, text)
    .finish();
  const failure = await sendAgainst(frame(FrameType.REFUSE, body));
  const name = "a\ufffd[31m  b\ufffd\ufffd " + "x".repeat(199 - 12) + "…";
  const reason = { code: "exists", name } as const;
  assertEquals(failure.detail, { code: "peer-refused", reason });
});

Deno.test("a reason that is not known is still a refusal", async () => {
  const body = new FieldWriter().uint8(Tag.REASON, 200).finish();
  const failure = await sendAgainst(frame(FrameType.REFUSE, body));
  assertEquals(failure.detail, REFUSED);
});

const DONE = encodeDigest(FrameType.DONE, {
  bytes: 0,
  sha256: EMPTY_SHA256,
  files: 1,
});
const VERDICTS: [string, string, Uint8Array[]][] = [
  ["nothing", "peer-ended", []],
  ["an acceptance and nothing more", "peer-ended", [
    ACCEPT,
  ]],
  ["DONE before ACCEPT", "malformed", [DONE]],
  ["a second ACCEPT", "malformed", [
    ACCEPT,
    ACCEPT,
  ]],
  ["a refusal after ACCEPT", "malformed", [
    ACCEPT,
    encodeFailure(FrameType.REFUSE, { code: "disk-full" }),
  ]],
  ["a sender's message", "malformed", [OFFER]],
  ["another digest", "stored-corrupt", [
    ACCEPT,
    encodeDigest(FrameType.DONE, {
      bytes: 0,
      sha256: "00".repeat(32),
      files: 1,
    }),
  ]],
  ["another size", "stored-corrupt", [
    ACCEPT,
    encodeDigest(FrameType.DONE, { bytes: 1, sha256: EMPTY_SHA256, files: 1 }),
  ]],
  ["a message cut short", "malformed", [DONE.subarray(0, 20)]],
];
for (const [what, reason, parts] of VERDICTS) {
  Deno.test(`a receiver that says ${what} is not taken for success`, async () => {
    assertEquals((await sendAgainst(...parts)).code, reason);
  });
}

Deno.test("a receiver that says all is stored before all was sent is not believed", async () => {
  const [near, far] = memoryPair({ capacity: 10 });
  await far.write(ACCEPT);
  await far.write(DONE);
  let failure: unknown;
  await sendOver(near, new MemorySource(new Uint8Array(100))).catch((error) => {
    failure = error;
  });
  assert(failure instanceof Failure && failure.code === "malformed");
});

Deno.test("random bytes never make a receiver throw anything but a failure, or store anything", async () => {
  const random = new Prng(3);
  const valid = [OFFER, FILE, DATA, frame(FrameType.END, new Uint8Array(0))];
  for (let run = 0; run < 2000; run++) {
    const parts = Array.from({ length: 1 + random.int(5) }, () => {
      const part = random.int(2) === 0
        ? random.bytes(random.int(40))
        : valid[random.int(valid.length)]!.slice();
      if (part.length > 0) part[random.int(part.length)]! ^= random.int(256);
      return part;
    });
    const { failure, sink } = await receiveBytes(...parts);
    assert(failure !== undefined && !sink.committed, `run ${run}`);
  }
});
