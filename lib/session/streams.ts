import { Failure } from "../base/failure.ts";
import { OutputSink, type Sink } from "../transfer/sink.ts";
import { SingleSource, type Source } from "../transfer/source.ts";

/**
 * A source that reads a web stream.
 *
 * @param options.resume whether what the receiver has is left out
 */
export function streamSource(
  stream: ReadableStream<Uint8Array>,
  { resume }: { resume: boolean },
): Source {
  const reader = stream.getReader();
  let rest = new Uint8Array(0);
  const read = async (into: Uint8Array) => {
    while (rest.length === 0) {
      const { value, done } = await reader.read();
      if (done) return null;
      rest = new Uint8Array(value);
    }
    const length = Math.min(into.length, rest.length);
    into.set(rest.subarray(0, length));
    rest = rest.subarray(length);
    return length;
  };
  const close = () => void reader.cancel().catch(() => {});
  return new SingleSource({ read, close }, {}, { resumable: resume });
}

/** A sink that writes to a web stream, and closes it once all is verified. */
export function streamSink(stream: WritableStream<Uint8Array>): Sink {
  const writer = stream.getWriter();
  return new OutputSink({
    write: async (bytes) => {
      try {
        await writer.ready;
        // The reader of the stream may keep what it gets
        await writer.write(bytes.slice());
      } catch {
        throw closed();
      }
    },
    close: async () => {
      try {
        await writer.close();
      } catch {
        throw closed();
      }
    },
    abort: () => void writer.abort(closed()).catch(() => {}),
  });
}

function closed(): Failure {
  return new Failure({ code: "output-closed" });
}
