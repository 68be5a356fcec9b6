import type { ByteStream } from "../../base/byte_stream.ts";
import { Failure } from "../../base/failure.ts";
import {
  malformedMessage,
  MAX_HANDSHAKE_MESSAGE,
  readRecordHeader,
  RECORD_HEADER_SIZE,
} from "./messages.ts";

/** A handshake message. */
export interface Message {
  readonly type: number;
  readonly body: Uint8Array;
}

/**
 * Reads the next handshake message, and no byte beyond it.
 *
 * @throws {Failure} `handshake-truncated`, `malformed`
 */
export async function readMessage(stream: ByteStream): Promise<Message> {
  const header = await readExactly(stream, RECORD_HEADER_SIZE);
  const { type, length } = readRecordHeader(header);
  if (length > MAX_HANDSHAKE_MESSAGE) {
    throw malformedMessage("its message is too long");
  }
  return { type, body: await readExactly(stream, length) };
}

async function readExactly(
  stream: ByteStream,
  size: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const count = await stream.read(bytes.subarray(at));
    if (count === null) {
      throw new Failure({ code: "handshake-truncated" });
    }
    at += count;
  }
  return bytes;
}
