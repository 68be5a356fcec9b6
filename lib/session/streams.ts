import { Failure } from "../base/failure.ts";
import { OutputSink, type Sink } from "../transfer/sink.ts";
import type { Content } from "../transfer/source.ts";

/**
 * Reads a web stream.
 *
 * @throws {TypeError} from `read` if the stream gives something other than bytes
 */
export function contentOf(stream: ReadableStream<Uint8Array>): Content {
  const reader = stream.getReader();
  let rest = new Uint8Array(0);
  const read = async (into: Uint8Array) => {
    while (rest.length === 0) {
      const { value, done } = await reader.read();
      if (done) return null;
      rest = bytesOf(value);
    }
    const length = Math.min(into.length, rest.length);
    into.set(rest.subarray(0, length));
    rest = rest.subarray(length);
    return length;
  };
  const close = () => void reader.cancel().catch(() => {});
  return { read, close };
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  if (value instanceof Uint8Array) return value as Uint8Array<ArrayBuffer>;
  throw new TypeError(
    `Cannot send ${shown(value)}: a stream gives Uint8Arrays`,
  );
}

/** A value in a few words, for a message. */
export function shown(value: unknown): string {
  return Deno.inspect(value, { depth: 0, strAbbreviateSize: 40 });
}

/** A sink that writes to a web stream, and closes it once all is verified. */
export function streamSink(stream: WritableStream<Uint8Array>): Sink {
  const writer = stream.getWriter();
  /** @param cause what the stream's own sink threw, if it did */
  const failure = (cause?: unknown) =>
    new Failure({ code: "output-closed" }, { cause });
  const fail = (cause: unknown) => {
    throw failure(cause);
  };
  return new OutputSink({
    write: async (bytes) => {
      await writer.ready.catch(fail);
      // The reader of the stream may keep what it gets
      await writer.write(bytes.slice()).catch(fail);
    },
    close: () => writer.close().catch(fail),
    abort: () => void writer.abort(failure()).catch(() => {}),
  });
}
