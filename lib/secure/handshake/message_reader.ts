import { FRAME_HEADER_SIZE, readHeader } from "../../base/frame.ts";
import type { ByteStream } from "../../base/byte_stream.ts";
import { Failure } from "../../base/failure.ts";
import { malformedMessage, MAX_HANDSHAKE_MESSAGE } from "./messages.ts";

/**
 * Reads the next handshake message, with its header, and no byte beyond it.
 *
 * @param types those that it may be of
 * @throws {Failure} `handshake-truncated`, `malformed`
 */
export async function readMessage(
  stream: ByteStream,
  ...types: number[]
): Promise<Uint8Array> {
  const message = new Uint8Array(FRAME_HEADER_SIZE + MAX_HANDSHAKE_MESSAGE);
  await fill(stream, message.subarray(0, FRAME_HEADER_SIZE));
  const { type, length } = readHeader(message);
  if (length > MAX_HANDSHAKE_MESSAGE) {
    throw malformedMessage("its message is too long");
  }
  const end = FRAME_HEADER_SIZE + length;
  await fill(stream, message.subarray(FRAME_HEADER_SIZE, end));
  if (!types.includes(type)) {
    throw malformedMessage("its message is out of turn");
  }
  return message.slice(0, end);
}

async function fill(stream: ByteStream, into: Uint8Array): Promise<void> {
  for (let at = 0; at < into.length;) {
    const count = await stream.read(into.subarray(at));
    if (count === null) throw new Failure({ code: "handshake-truncated" });
    at += count;
  }
}
