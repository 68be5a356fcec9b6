import { fstatSync } from "node:fs";
import { Failure } from "../../../base/failure.ts";
import type { Sink, Source } from "../../content.ts";
import type { Offer } from "../../wire/messages.ts";
import { explain, storageFailure } from "../../system_errors.ts";

/** A source that reads standard input. */
export class StdinSource implements Source {
  readonly offer: Offer;

  /** @param options.resume whether what the receiver has already is left out */
  constructor(options: { resume?: boolean } = {}) {
    this.offer = { resumable: options.resume === true };
  }

  async read(into: Uint8Array): Promise<number | null> {
    try {
      return await Deno.stdin.read(into);
    } catch (error) {
      throw new Failure(
        "input",
        `Cannot read standard input: ${explain(error)}`,
      );
    }
  }

  close(): void {}
}

/** A sink that writes to standard output. */
export class StdoutSink implements Sink {
  committed = false;

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        at += await Deno.stdout.write(bytes.subarray(at));
      }
    } catch (error) {
      throw storageFailure("standard output", error);
    }
  }

  commit(): Promise<void> {
    this.committed = true;
    return Promise.resolve();
  }

  discard(): void {}

  /** Whether standard output is the null device; that is also what a closed one looks like. */
  static goesNowhere(): boolean {
    try {
      const output = fstatSync(1);
      return output.isCharacterDevice() &&
        output.rdev === Deno.statSync("/dev/null").rdev;
    } catch {
      return false;
    }
  }
}
