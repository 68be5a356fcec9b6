import { frame } from "../../lib/base/frame.ts";
import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import { Failure } from "../../lib/base/failure.ts";
import { encodeEntry, type Entry } from "../../lib/transfer/wire/entries.ts";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import { MAX_LISTED } from "../../lib/transfer/receiving/manifest.ts";
import {
  encodeOffer,
  encodeOffsets,
} from "../../lib/transfer/wire/messages.ts";
import { outcome, receiveOver } from "./exchange.ts";
import { nextOf } from "../support/streams.ts";
import { directoryOf, fileOf, HELLO, offerOf, test, treeIn } from "./files.ts";
import { memoryPair, type MemoryStream } from "../support/memory_stream.ts";

function listed(entry: Entry): Uint8Array {
  return frame(FrameType.ENTRY, encodeEntry(entry));
}

/** Has a hostile sender go on with a tree that was broken off, of which the file `a/0` is there. @returns its side, and how the receiver ends */
async function goOn(
  directory: string,
): Promise<{ near: MemoryStream; ended: Promise<unknown> }> {
  const open = () => treeIn(directory, ["a"]);
  const sink = await open();
  sink.enter(directoryOf("a"));
  sink.put(fileOf("0"), HELLO);
  sink.discard();
  const [near, far] = memoryPair();
  const ended = outcome(receiveOver(far, open, { linger: 100 }));
  await near.write(encodeOffer(offerOf("a")));
  await near.write(listed(directoryOf("a")));
  return { near, ended };
}

/** A name that comes after those of lesser numbers. */
function nameOf(count: number): string {
  return `${count}`.padStart(9, "0");
}

test("a sender that asks and never reads is not read from any more", async (directory) => {
  const { near, ended } = await goOn(directory);
  let asked = 0;
  const ask = async () => {
    // Of the last one something is there, again and again
    for (; asked < 100_000; asked++) {
      await near.write(listed(fileOf(nameOf(asked))));
      await near.write(frame(FrameType.QUERY));
      await near.write(frame(FrameType.FILE_ABORTED));
    }
  };
  const asking = ask().catch(() => {});
  for (let before = -1, still = 0; still < 200;) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    still = asked === before ? still + 1 : 0;
    before = asked;
  }
  // Two directions of 64 KiB, and what is said to be there takes 12 bytes
  assert(asked < 10_000, `${asked}`);
  near.abort(new Failure({ code: "interrupted" }));
  await Promise.all([asking, ended]);
});

for (
  const [what, size, most] of [
    ["small entries", 0, MAX_LISTED],
    ["entries with unknown fields of 8 KB", 8000, 600],
  ] as const
) {
  test(`a sender that lists ${what} and sends nothing is refused before it takes much memory`, async (directory) => {
    const { near, ended } = await goOn(directory);
    const unknown = Uint8Array.of(0x7f, size >> 8, size & 0xff);
    const more = size > 0 ? [...unknown, ...new Uint8Array(size)] : [];
    let count = 0;
    let over = false;
    const hearing = nextOf(near, FrameType.FAILED).then(() => over = true);
    while (!over && count < 2 * MAX_LISTED) {
      const entry = encodeEntry(fileOf(nameOf(count)));
      const body = Uint8Array.of(...entry, ...more);
      await near.write(frame(FrameType.ENTRY, body)).catch(() => over = true);
      count++;
    }
    await hearing;
    await near.closeWrite().catch(() => {});
    await assertMalformed(ended, "lists too much ahead");
    assert(count <= most + 2_000, `${count}`);
  });
}

/** A malformed transfer ends with these words. */
async function assertMalformed(
  ended: Promise<unknown>,
  words: string,
): Promise<void> {
  const failure = await ended;
  assert(failure instanceof Failure);
  assertEquals(failure.code, "malformed");
  assert(failure.message.includes(words), failure.message);
}

// T-7
test("content of a file of which something is there is refused before RESUME_AT", async (directory) => {
  const { near, ended } = await goOn(directory);
  await near.write(listed(fileOf("0")));
  await near.write(frame(FrameType.QUERY));
  await nextOf(near, FrameType.PREFIX_DIGESTS);
  await near.write(frame(FrameType.DATA, HELLO));
  await near.closeWrite();
  await assertMalformed(ended, "before RESUME_AT");
});

test("what nobody asked about is not resumed", async (directory) => {
  const { near, ended } = await goOn(directory);
  await near.write(listed(fileOf("0")));
  await near.write(frame(FrameType.RESUME_AT, encodeOffsets(5)));
  await near.closeWrite();
  await assertMalformed(ended, "not asked about");
});
