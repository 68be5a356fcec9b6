import { frame, FRAME_HEADER_SIZE } from "../../lib/base/frame.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../lib/base/failure.ts";
import {
  decodeEntry,
  encodeEntry,
  type Entry,
} from "../../lib/transfer/wire/entries.ts";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import { framesIn } from "../../lib/transfer/wire/frame_reader.ts";
import {
  decodeOffer,
  encodeOffer,
  type Offer,
} from "../../lib/transfer/wire/messages.ts";
import { decodeFailure } from "../../lib/transfer/wire/reasons.ts";
import entries from "./vectors/entries.json" with { type: "json" };
import failures from "./vectors/failures.json" with { type: "json" };
import invalid from "./vectors/invalid.json" with { type: "json" };
import offers from "./vectors/offers.json" with { type: "json" };

/** Times are strings in JSON, since numbers are not exact. */
function timed<T extends { mtime?: string | undefined }>(value: T) {
  const { mtime, ...rest } = value;
  return mtime === undefined ? rest : { ...rest, mtime: BigInt(mtime) };
}

/** Without the fields that are undefined. */
function given(value: object): object {
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== undefined),
  );
}

for (const { name, frame: hex, offer } of offers) {
  Deno.test(`vector of an offer: ${name}`, () => {
    const bytes = Uint8Array.fromHex(hex);
    const expected = { resumable: false, ...timed(offer) };
    assertEquals(encodeOffer(timed(offer) as Offer), bytes);
    const decoded = decodeOffer(bytes.subarray(FRAME_HEADER_SIZE));
    assertEquals(given(decoded), expected);
  });
}

for (const { name, frame: hex, entry } of entries) {
  Deno.test(`vector of an entry: ${name}`, () => {
    const bytes = Uint8Array.fromHex(hex);
    const value = timed(entry);
    assertEquals(frame(FrameType.ENTRY, encodeEntry(value as Entry)), bytes);
    const [first] = framesIn(bytes);
    assertEquals(given(decodeEntry(first?.body ?? bytes)), value);
  });
}

for (const { name, frame: hex, failure } of failures) {
  Deno.test(`vector of a failure: ${name}`, () => {
    const [first] = framesIn(Uint8Array.fromHex(hex));
    const { type, body } = first ?? { type: 0, body: new Uint8Array(0) };
    const { detail }: { detail: object } = decodeFailure(type, body);
    assertEquals(detail, failure);
  });
}

for (const { name, what, body, code } of invalid) {
  // T-9
  Deno.test(`vector that is refused: ${name}`, () => {
    const decode = what === "offer" ? decodeOffer : decodeEntry;
    const error = assertThrows(() => decode(Uint8Array.fromHex(body)), Failure);
    assertEquals(error.code, code);
  });
}
