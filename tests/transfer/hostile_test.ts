import { frame } from "../../lib/base/frame.ts";
import { assert, assertEquals } from "@std/assert";
import { Failure, type FailureDetail } from "../../lib/base/failure.ts";
import { Prng } from "../../lib/base/prng.ts";
import { utf8 } from "../../lib/base/utf8.ts";
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
import { outcome, receiveBytes } from "./exchange.ts";
import { sendOver } from "../../lib/transfer/sending/sender.ts";
import { shownText } from "../../lib/transfer/wire/names.ts";
import { MemorySink, MemorySource } from "./memory_content.ts";
import { failureSaid } from "../support/streams.ts";
import { memoryPair } from "../support/memory_stream.ts";
import { pause } from "../support/wait.ts";

const EMPTY_SHA256 =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** What is said of no bytes. */
const NO_BYTES = { bytes: 0, sha256: EMPTY_SHA256, files: 1 };
const ACCEPT = encodeAccept({ resume: false });
const EMPTY_DIGEST = frame(
  FrameType.FILE_DIGEST,
  Uint8Array.fromHex(EMPTY_SHA256),
);

/** What a receiver makes of these bytes: its failure, and the last word it says to the sender. */
async function receive(
  ...parts: Uint8Array[]
): Promise<{
  failure: Failure | undefined;
  said: FailureDetail | undefined;
  sink: MemorySink;
}> {
  const sink = new MemorySink();
  const open = () => Promise.resolve(sink);
  const { failure, near } = await receiveBytes(parts, open);
  return { failure, said: await failureSaid(near), sink };
}

/** What a sender makes of a receiver that says just these bytes. */
async function sendAgainst(...parts: Uint8Array[]): Promise<Failure> {
  const [near, far] = memoryPair({ capacity: Infinity });
  const sending = outcome(sendOver(near, new MemorySource(new Uint8Array(0))));
  // What it says first is said to a sender that has said everything
  await pause(2);
  for (const part of parts) await far.write(part).catch(() => {});
  await far.closeWrite().catch(() => {});
  const ended = await sending;
  assert(ended instanceof Failure, "it was taken for success");
  return ended;
}

function offerOf(fields: FieldWriter): Uint8Array {
  return frame(FrameType.OFFER, fields.finish());
}

function offerNamed(name: Uint8Array): Uint8Array {
  return offerOf(
    new FieldWriter(TRANSFER_VERSION).uint8(Tag.KIND, 1).int64(Tag.COUNT, 1)
      .bytes(Tag.NAMES, name),
  );
}

const NAMES: [string, Uint8Array][] = [
  ["that climbs out of the directory", utf8("../x")],
  ["that is absolute", utf8("/etc/passwd")],
  ["that is the directory", utf8(".")],
  ["that is the parent", utf8("..")],
  ["that is empty", utf8("")],
  ["with a NUL", utf8("a\0b")],
  ["that is not UTF-8", Uint8Array.of(0x61, 0xff)],
  ["of a surrogate", Uint8Array.of(0xed, 0xa0, 0x80)],
  ["that is too long", utf8("x".repeat(256))],
  ["of a temporary file", utf8("x.ferry-part")],
];
for (const [what, name] of NAMES) {
  Deno.test(`a file with a name ${what} is refused, and named`, async () => {
    const { failure, said, sink } = await receive(offerNamed(name));
    const shown = shownText(name);
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
    const { failure, said } = await receive(offerNamed(utf8(name)));
    assertEquals(failure?.code, "peer-ended");
    const reason = { code: "unspecified" } as const;
    assertEquals(said, { code: "peer-failed", by: "receiver", reason });
  });
}

Deno.test("an offer of another version is refused, and both sides know both versions", async () => {
  const offer = frame(FrameType.OFFER, Uint8Array.of(1, 1, 2, 3));
  const { failure, said } = await receive(offer);
  const ours = TRANSFER_VERSION;
  const mismatch = { code: "version-mismatch", layer: "transfer", ours };
  assertEquals<unknown>(failure?.detail, { ...mismatch, theirs: 1 });
  assertEquals<unknown>(said, { ...mismatch, theirs: ours });
});

/** An offer of a stream, with more fields. */
function stream(): FieldWriter {
  return new FieldWriter(TRANSFER_VERSION).uint8(Tag.KIND, 0)
    .int64(Tag.COUNT, 1);
}

/** The entry of a file, or with no name of a stream. */
function entryOf(name: string, size: number | undefined): Uint8Array {
  const attributes = { mode: undefined, mtime: undefined };
  const entry = { kind: "file", name, size, ...attributes } as const;
  return frame(FrameType.ENTRY, encodeEntry(entry));
}

/** All of an empty stream. */
const NO_CONTENT = [entryOf("", undefined), EMPTY_DIGEST];

Deno.test("fields that may be skipped are, and those that must be understood are refused", async () => {
  const end = encodeDigest(FrameType.END, NO_BYTES);
  const skipped = offerOf(stream().uint8(0x7f, 1));
  assert((await receive(skipped, ...NO_CONTENT, end)).sink.committed);
  const needed = stream().uint8(0xff, 1);
  const { failure } = await receive(offerOf(needed), end);
  assert(failure?.message.includes("field 255 is not known here"));
});

// T-10
Deno.test("TOTAL of a stream is refused", async () => {
  const total = encodeTotal({ files: 1, bytes: 0 });
  const frames = [frame(FrameType.TOTAL, total), ...NO_CONTENT];
  const { failure } = await receive(offerOf(stream()), ...frames);
  assertEquals(failure?.code, "malformed");
});

const { SIZE, MTIME, NANOS } = Tag;
const TIMED = () => stream().int64(MTIME, 0);
const OFFERS: [string, Uint8Array][] = [
  [
    "a field longer than the message",
    frame(FrameType.OFFER, Uint8Array.of(TRANSFER_VERSION, 1, 0, 9, 0)),
  ],
  ["a field that comes twice", offerOf(stream().int64(SIZE, 1).int64(SIZE, 2))],
  ["a negative size", offerOf(stream().int64(SIZE, -1))],
  ["a size beyond 2^53", offerOf(stream().int64(SIZE, 2 ** 60))],
  ["a size of one byte", offerOf(stream().uint8(SIZE, 1))],
  ["a time no date can hold", offerOf(stream().int64(MTIME, 2 ** 53 - 1))],
  ["nanoseconds of another millisecond", offerOf(TIMED().int64(NANOS, 1e6))],
  ["nanoseconds before the millisecond", offerOf(TIMED().int64(NANOS, -1))],
  ["data before an offer", frame(FrameType.DATA, Uint8Array.of(1))],
  ["an unknown type", frame(0x55, Uint8Array.of(1))],
  ["a message that is too long", Uint8Array.of(FrameType.OFFER, 1, 0, 0)],
];
for (const [what, bytes] of OFFERS) {
  Deno.test(`${what} is refused`, async () => {
    const { failure, said } = await receive(bytes);
    assertEquals(failure?.code, "malformed");
    const reason = { code: "malformed" } as const;
    assertEquals(said, { code: "peer-refused", reason });
  });
}

Deno.test("an offered mode loses everything but its permission bits", async () => {
  let mode: number | undefined;
  const offer = offerOf(stream().int64(Tag.MODE, 0o106755));
  await receiveBytes([offer], (offer) => {
    mode = offer.mode;
    return Promise.resolve(new MemorySink());
  });
  assertEquals(mode, 0o755);
});

const OFFER = encodeOffer({ kind: "file", names: ["x"], count: 1, size: 3 });
const FILE = entryOf("x", 3);
const DATA = frame(FrameType.DATA, Uint8Array.of(1, 2, 3));
// T-8
const ENDS: [string, string, Uint8Array[]][] = [
  ["more data than was offered", "malformed", [DATA, DATA]],
  ["less data than was promised", "corrupt", [EMPTY_DIGEST]],
  ["data of another digest", "corrupt", [DATA, EMPTY_DIGEST]],
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
    const { failure, said, sink } = await receive(OFFER, FILE, ...parts);
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
  const reason = { code: "unspecified" } as const;
  assertEquals(failure.detail, { code: "peer-refused", reason });
});

const DONE = encodeDigest(FrameType.DONE, NO_BYTES);
/** That all is stored, which is something else. */
function done(other: Partial<typeof NO_BYTES>): Uint8Array {
  return encodeDigest(FrameType.DONE, { ...NO_BYTES, ...other });
}
const VERDICTS: [string, string, Uint8Array[]][] = [
  ["nothing", "peer-ended", []],
  ["an acceptance and nothing more", "peer-ended", [ACCEPT]],
  ["DONE before ACCEPT", "malformed", [DONE]],
  ["a second ACCEPT", "malformed", [ACCEPT, ACCEPT]],
  ["a refusal after ACCEPT", "malformed", [
    ACCEPT,
    encodeFailure(FrameType.REFUSE, { code: "disk-full" }),
  ]],
  ["a sender's message", "malformed", [OFFER]],
  ["another digest", "stored-corrupt", [
    ACCEPT,
    done({ sha256: "00".repeat(32) }),
  ]],
  ["another size", "stored-corrupt", [ACCEPT, done({ bytes: 1 })]],
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
  const source = new MemorySource(new Uint8Array(100));
  const ended = await outcome(sendOver(near, source));
  assert(ended instanceof Failure && ended.code === "malformed");
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
    const { failure, sink } = await receive(...parts);
    assert(failure !== undefined && !sink.committed, `run ${run}`);
  }
});
