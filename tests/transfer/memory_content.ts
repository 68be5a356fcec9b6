import type { Sink, Source } from "../../lib/transfer/content.ts";
import type { Offer } from "../../lib/transfer/wire/messages.ts";

/** A source of bytes in memory, which it hands out in pieces. */
export class MemorySource implements Source {
  readonly offer: Offer;
  #bytes: Uint8Array;
  #piece: number;
  #failure: Error | undefined;

  /** @param failure thrown instead of the end */
  constructor(
    bytes: Uint8Array,
    options: { offer?: Offer; piece?: number; failure?: Error } = {},
  ) {
    this.#bytes = bytes;
    this.offer = options.offer ?? {};
    this.#piece = options.piece ?? Infinity;
    this.#failure = options.failure;
  }

  // deno-lint-ignore require-await -- a file's takes time
  async read(into: Uint8Array): Promise<number | null> {
    if (this.#bytes.length === 0) {
      if (this.#failure) throw this.#failure;
      return null;
    }
    const count = Math.min(into.length, this.#piece, this.#bytes.length);
    into.set(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.subarray(count);
    return count;
  }

  close(): void {}
}

/** A source that never has anything. */
export class SilentSource implements Source {
  readonly offer: Offer = {};

  read(): Promise<number | null> {
    return new Promise(() => {});
  }

  close(): void {}
}

/** A sink that keeps what it is given. */
export class MemorySink implements Sink {
  readonly blocks: Uint8Array[] = [];
  committed = false;
  discarded = false;
  /** Whether it was discarded so that a later attempt can go on. */
  keeps = false;
  #failAfter: number;
  #failure: Error | undefined;
  #size = 0;

  /** @param options.failAfter bytes after which writing throws `failure` */
  constructor(options: { failAfter?: number; failure?: Error } = {}) {
    this.#failAfter = options.failAfter ?? Infinity;
    this.#failure = options.failure;
  }

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.#size);
    let at = 0;
    for (const block of this.blocks) {
      all.set(block, at);
      at += block.length;
    }
    return all;
  }

  // deno-lint-ignore require-await -- a file's takes time
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#size + bytes.length > this.#failAfter) throw this.#failure;
    this.blocks.push(bytes.slice());
    this.#size += bytes.length;
  }

  // deno-lint-ignore require-await -- a file's takes time
  async commit(): Promise<void> {
    if (this.discarded) throw new Error("committed after it was discarded");
    this.committed = true;
  }

  discard(keep = false): void {
    if (this.committed || this.discarded) return;
    this.discarded = true;
    this.keeps = keep;
  }
}
