import type { ByteStream } from "../../lib/base/byte_stream.ts";
import type { FailureDetail } from "../../lib/base/failure.ts";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import { FrameReader } from "../../lib/transfer/wire/frame_reader.ts";
import { decodeFailure } from "../../lib/transfer/wire/reasons.ts";

/** Reads a stream to its end, at most `size` bytes at a time. */
export async function readAll(
  stream: Pick<ByteStream, "read">,
  size = 10_000,
): Promise<Uint8Array> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const into = new Uint8Array(size);
  for (;;) {
    const count = await stream.read(into);
    if (count === null) break;
    pieces.push(into.slice(0, count));
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** A frame that arrived, and what was in it. */
export interface Arrived {
  readonly type: number;
  readonly body: Uint8Array;
}

/** The frames of a stream, to its end. */
export async function* framesOf(
  stream: Pick<ByteStream, "read">,
): AsyncGenerator<Arrived, void> {
  const reader = new FrameReader(stream as ByteStream);
  for (;;) {
    const header = await reader.next();
    if (header === null) return;
    yield { type: header.type, body: await reader.body() };
  }
}

/** Reads up to the first frame of one of these types. */
export async function nextOf(
  stream: ByteStream,
  ...types: number[]
): Promise<Arrived | undefined> {
  for await (const frame of framesOf(stream)) {
    if (types.includes(frame.type)) return frame;
  }
  return undefined;
}

/** What a receiver says that failed, as its last word. */
export async function failureSaid(
  stream: ByteStream,
): Promise<FailureDetail | undefined> {
  let said: FailureDetail | undefined;
  for await (const { type, body } of framesOf(stream)) {
    if (type === FrameType.REFUSE || type === FrameType.FAILED) {
      said = decodeFailure(type, body).detail;
    }
  }
  return said;
}
