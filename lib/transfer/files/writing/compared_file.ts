import type { Failure } from "../../../base/failure.ts";
import type { FileSink } from "../../sink.ts";
import { type OpenFile, readAll } from "../directory/directory.ts";

/**
 * A file that is there and that nothing changes: what is written has to be what
 * is there.
 */
export class ComparedFile implements FileSink {
  /** Nothing that counts as left by an earlier attempt. */
  readonly kept = 0;
  #file: OpenFile;
  #size: number;
  #conflict: Failure;
  #same: () => void;
  #position = 0;

  /**
   * @param options.conflict what is thrown if it is something else
   * @param options.same called when it is the same
   */
  constructor(
    file: OpenFile,
    { conflict, same = () => {} }: { conflict: Failure; same?: () => void },
  ) {
    this.#file = file;
    this.#size = file.status().size;
    this.#conflict = conflict;
    this.#same = same;
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async write(bytes: Uint8Array): Promise<void> {
    this.writeSync(bytes);
  }

  /** As `write`. */
  writeSync(bytes: Uint8Array): void {
    const there = new Uint8Array(bytes.length);
    const length = readAll(this.#file, there);
    this.#position += length;
    const isSame = length === bytes.length &&
      there.every((byte, at) => byte === bytes[at]);
    if (!isSame) throw this.#conflict;
  }

  async resume(length: number): Promise<void> {
    await this.#file.seek(length);
    this.#position = length;
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async commit(): Promise<void> {
    this.close();
  }

  /** Ends it; it has to be what was written and no more. */
  close(): void {
    try {
      if (this.#position !== this.#size) throw this.#conflict;
      this.#same();
    } finally {
      this.discard();
    }
  }

  discard(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.discard();
  }
}
