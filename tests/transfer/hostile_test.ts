import { assert, assertEquals } from "@std/assert";
import { Failure } from "../../lib/base/failure.ts";
import { Random } from "../../lib/base/prng.ts";
import { FieldWriter, Tag } from "../../lib/transfer/wire/fields.ts";
import {
  frame,
  FrameReader,
  FrameType,
} from "../../lib/transfer/wire/frame.ts";
import {
  decodeComplaint,
  encodeAccept,
  encodeComplaint,
  encodeDigest,
  encodeOffer,
  Reason,
} from "../../lib/transfer/wire/messages.ts";
import { receive } from "../../lib/transfer/receiving/receiver.ts";
import { send } from "../../lib/transfer/sending/sender.ts";
import { cleanText } from "../../lib/transfer/wire/name_validation.ts";
import { MemorySink, MemorySource } from "./memory_content.ts";
import { memoryPair } from "../support/memory_stream.ts";

const EMPTY_SHA256 =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** What a receiver makes of these bytes: its failure, and the last word it says to the sender. */
async function receiveBytes(
  ...parts: Uint8Array[]
): Promise<{ failure: Failure | undefined; said: string; sink: MemorySink }> {
  const [near, far] = memoryPair({ capacity: Infinity });
  const sink = new MemorySink();
  for (const part of parts) await near.write(part);
  await near.closeWrite();
  let failure: Failure | undefined;
  await receive(far, () => Promise.resolve(sink)).catch((error) => {
    assert(error instanceof Failure, String(error));
    failure = error;
  });
  let said = "";
  const frames = new FrameReader(near);
  for (;;) {
    const header = await frames.next();
    if (header === null) break;
    const body = await frames.body();
    if (header.type === FrameType.REFUSE || header.type === FrameType.FAILED) {
      said = decodeComplaint(body);
    }
  }
  return { failure, said, sink };
}

/** What a sender makes of a receiver that says just these bytes. */
async function sendAgainst(...parts: Uint8Array[]): Promise<Failure> {
  const [near, far] = memoryPair({ capacity: Infinity });
  for (const part of parts) await far.write(part);
  await far.closeWrite();
  try {
    await send(near, new MemorySource(new Uint8Array(0)));
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
    new FieldWriter(1).uint8(Tag.KIND, 1).bytes(Tag.NAME, bytes),
  );
}

const NAMES: [string, string | Uint8Array][] = [
  ["that climbs out of the directory", "../x"],
  ["that is absolute", "/etc/passwd"],
  ["that goes into a directory", "a/b"],
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
    const shown = cleanText(bytes);
    assertEquals(failure?.reason, "protocol");
    assert(
      failure?.message.includes(`The sender's name "${shown}" is refused`),
    );
    assertEquals(said, `a name is not allowed there (${shown.slice(0, 100)})`);
    assertEquals(sink.blocks, []);
  });
}

for (
  const name of [" .é…" + "x".repeat(248), "a\nb", "a\\b", "\x1b[2Jx", "-x"]
) {
  Deno.test(`a name such as ${JSON.stringify(name)} is taken`, async () => {
    const { failure, said } = await receiveBytes(offerNamed(name));
    assertEquals(failure?.reason, "peer-stopped");
    assertEquals(said, "no reason was given");
  });
}

Deno.test("an offer of another version is refused with both versions in words", async () => {
  const { failure, said } = await receiveBytes(
    frame(FrameType.OFFER, Uint8Array.of(2, 1, 2, 3)),
  );
  assertEquals(
    failure?.message,
    "The other side speaks version 2 of the transfer, and this is version 1: install the same ferry on both",
  );
  assertEquals(said, "version 1 of the transfer is spoken here");
});

Deno.test("fields that may be skipped are, and those that must be understood are refused", async () => {
  const end = encodeDigest(FrameType.END, { bytes: 0, sha256: EMPTY_SHA256 });
  const skipped = new FieldWriter(1).uint8(0x7f, 1);
  assert((await receiveBytes(offerOf(skipped), end)).sink.committed);
  const needed = new FieldWriter(1).uint8(0xff, 1);
  const { failure } = await receiveBytes(offerOf(needed), end);
  assertEquals(
    failure?.message,
    "The other side sent a bad message: field 255 is not known here",
  );
});

const OFFERS: [string, Uint8Array][] = [
  ["an empty offer", frame(FrameType.OFFER, new Uint8Array(0))],
  ["a field that is cut short", frame(FrameType.OFFER, Uint8Array.of(1, 1, 0))],
  [
    "a field longer than the message",
    frame(FrameType.OFFER, Uint8Array.of(1, 1, 0, 9, 0)),
  ],
  [
    "a field that comes twice",
    offerOf(new FieldWriter(1).int64(Tag.SIZE, 1).int64(Tag.SIZE, 2)),
  ],
  ["a negative size", offerOf(new FieldWriter(1).int64(Tag.SIZE, -1))],
  [
    "a size beyond 2^53",
    offerOf(new FieldWriter(1).int64(Tag.SIZE, 2 ** 60)),
  ],
  ["a size of one byte", offerOf(new FieldWriter(1).uint8(Tag.SIZE, 1))],
  [
    "a time no date can hold",
    offerOf(new FieldWriter(1).int64(Tag.MTIME, 2 ** 53 - 1)),
  ],
  [
    "nanoseconds of another millisecond",
    offerOf(
      new FieldWriter(1).int64(Tag.MTIME, 0).int64(Tag.NANOS, 1_000_000),
    ),
  ],
  [
    "nanoseconds before the millisecond",
    offerOf(new FieldWriter(1).int64(Tag.MTIME, 0).int64(Tag.NANOS, -1)),
  ],
  ["an unknown kind", offerOf(new FieldWriter(1).uint8(Tag.KIND, 9))],
  ["a file without a name", offerOf(new FieldWriter(1).uint8(Tag.KIND, 1))],
  ["data before an offer", frame(FrameType.DATA, Uint8Array.of(1))],
  ["an unknown type", frame(0x55, Uint8Array.of(1))],
  ["a message that is too long", Uint8Array.of(FrameType.OFFER, 1, 0, 0)],
];
for (const [what, bytes] of OFFERS) {
  Deno.test(`${what} is refused`, async () => {
    const { failure, said } = await receiveBytes(bytes);
    assertEquals(failure?.reason, "protocol");
    assertEquals(said, "it was sent a message that breaks the rules");
  });
}

Deno.test("an offered mode loses everything but its permission bits", async () => {
  const [near, far] = memoryPair();
  await near.write(offerOf(new FieldWriter(1).int64(Tag.MODE, 0o106755)));
  await near.closeWrite();
  let mode: number | undefined;
  await receive(far, (offer) => {
    mode = offer.mode;
    return Promise.resolve(new MemorySink());
  }).catch(() => {});
  assertEquals(mode, 0o755);
});

const OFFER = encodeOffer({ name: "x", size: 3 });
const DATA = frame(FrameType.DATA, Uint8Array.of(1, 2, 3));
const ENDS: [string, string, Uint8Array[]][] = [
  ["more data than was offered", "protocol", [DATA, DATA]],
  ["less data than was promised", "corrupt", [
    encodeDigest(FrameType.END, { bytes: 3, sha256: EMPTY_SHA256 }),
  ]],
  ["data of another digest", "corrupt", [
    DATA,
    encodeDigest(FrameType.END, { bytes: 3, sha256: EMPTY_SHA256 }),
  ]],
  ["an end without a digest", "protocol", [
    frame(FrameType.END, new FieldWriter().int64(Tag.BYTES, 3).finish()),
  ]],
  ["a second offer", "protocol", [OFFER]],
  ["a receiver's message", "protocol", [encodeAccept({ resume: false })]],
  ["an end in the middle of a message", "protocol", [DATA.subarray(0, 5)]],
  ["an end before END", "peer-stopped", [DATA]],
];
for (const [what, reason, parts] of ENDS) {
  Deno.test(`${what} fails the transfer and nothing is kept`, async () => {
    const { failure, said, sink } = await receiveBytes(OFFER, ...parts);
    assertEquals(failure?.reason, reason);
    assert(said !== "");
    assert(sink.discarded && !sink.committed);
    assertEquals(sink.keeps, reason === "peer-stopped");
  });
}

Deno.test("what a peer says is shown as one short line without control characters", async () => {
  const text = "a\x1b[31m\r\nb\u202e\u009b " + "x".repeat(9000);
  const body = new FieldWriter().text(Tag.MESSAGE, text).finish();
  const failure = await sendAgainst(frame(FrameType.REFUSE, body));
  assertEquals(
    failure.message,
    "The receiver refused: a�[31m  b�� " + "x".repeat(199 - 12) + "…",
  );
});

Deno.test("a reason that is not known is still a refusal", async () => {
  const body = new FieldWriter().uint8(Tag.REASON, 200).finish();
  const failure = await sendAgainst(frame(FrameType.REFUSE, body));
  assertEquals(failure.reason, "refused");
  assertEquals(failure.message, "The receiver refused: no reason was given");
});

const DONE = encodeDigest(FrameType.DONE, { bytes: 0, sha256: EMPTY_SHA256 });
const VERDICTS: [string, string, Uint8Array[]][] = [
  ["nothing", "peer-stopped", []],
  ["an acceptance and nothing more", "peer-stopped", [
    encodeAccept({ resume: false }),
  ]],
  ["DONE before ACCEPT", "protocol", [DONE]],
  ["a second ACCEPT", "protocol", [
    encodeAccept({ resume: false }),
    encodeAccept({ resume: false }),
  ]],
  ["a refusal after ACCEPT", "protocol", [
    encodeAccept({ resume: false }),
    encodeComplaint(FrameType.REFUSE, Reason.FULL),
  ]],
  ["a sender's message", "protocol", [OFFER]],
  ["another digest", "corrupt", [
    encodeAccept({ resume: false }),
    encodeDigest(FrameType.DONE, { bytes: 0, sha256: "00".repeat(32) }),
  ]],
  ["another size", "corrupt", [
    encodeAccept({ resume: false }),
    encodeDigest(FrameType.DONE, { bytes: 1, sha256: EMPTY_SHA256 }),
  ]],
  ["a message cut short", "protocol", [DONE.subarray(0, 20)]],
];
for (const [what, reason, parts] of VERDICTS) {
  Deno.test(`a receiver that says ${what} is not taken for success`, async () => {
    assertEquals((await sendAgainst(...parts)).reason, reason);
  });
}

Deno.test("a receiver that says all is stored before all was sent is not believed", async () => {
  const [near, far] = memoryPair({ capacity: 10 });
  await far.write(encodeAccept({ resume: false }));
  await far.write(DONE);
  let failure: unknown;
  await send(near, new MemorySource(new Uint8Array(100))).catch((error) => {
    failure = error;
  });
  assert(failure instanceof Failure && failure.reason === "protocol");
});

Deno.test("random bytes never make a receiver throw anything but a failure, or store anything", async () => {
  const random = new Random(3);
  const valid = [OFFER, DATA, frame(FrameType.END, new Uint8Array(0))];
  for (let run = 0; run < 2000; run++) {
    const parts = Array.from({ length: 1 + random.int(5) }, () => {
      const part = random.int(2) === 0
        ? random.bytes(random.int(40))
        : valid[random.int(valid.length)].slice();
      if (part.length > 0) part[random.int(part.length)] ^= random.int(256);
      return part;
    });
    const { failure, sink } = await receiveBytes(...parts);
    assert(failure !== undefined && !sink.committed, `run ${run}`);
  }
});
