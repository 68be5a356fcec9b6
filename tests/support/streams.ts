import type { ByteStream } from "../../lib/base/byte_stream.ts";

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
