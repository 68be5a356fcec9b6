import { fstatSync } from "node:fs";
import { Failure, systemProblem } from "../../base/failure.ts";
import { OutputSink, type Sink } from "../sink.ts";
import { SingleSource, type Source } from "../source.ts";
import { writeFailure } from "./failures.ts";

/** A source that reads standard input. @param options.resume whether what the receiver has is left out */
export function inputSource(options: { resume?: boolean } = {}): Source {
  const read = async (into: Uint8Array) => {
    try {
      return await Deno.stdin.read(into);
    } catch (error) {
      const problem = systemProblem(error);
      throw new Failure({ code: "cannot-read", problem });
    }
  };
  const resumable = options.resume === true;
  return new SingleSource({ read, close: () => {} }, {}, { resumable });
}

/** A sink that writes to standard output. */
export function outputSink(): Sink {
  return new OutputSink({
    write: async (bytes) => {
      try {
        for (let at = 0; at < bytes.length;) {
          at += await Deno.stdout.write(bytes.subarray(at));
        }
      } catch (error) {
        throw writeFailure(undefined, error);
      }
    },
    close: () => Promise.resolve(),
    abort: () => {},
  });
}

/** Whether standard output is the null device; a closed one looks the same. */
export function isOutputNull(): boolean {
  try {
    const output = fstatSync(1);
    return output.isCharacterDevice() &&
      output.rdev === Deno.statSync("/dev/null").rdev;
  } catch {
    return false;
  }
}
