import type { FileSink, Inventory, Sink } from "../../lib/transfer/sink.ts";
import { type Content, SingleSource } from "../../lib/transfer/source.ts";
import type { FileEntry } from "../../lib/transfer/wire/entries.ts";

/** What {@linkcode MemorySource} offers. */
type MemoryEntry = Partial<Omit<FileEntry, "kind">>;

/** A source of bytes in memory, which it hands out in pieces. */
export class MemorySource extends SingleSource {
  /** @param options.failure thrown instead of the end */
  constructor(
    bytes: Uint8Array,
    { entry = {}, piece, failure, seekable = false, resumable = false }: {
      entry?: MemoryEntry;
      piece?: number;
      failure?: Error;
      seekable?: boolean;
      resumable?: boolean;
    } = {},
  ) {
    const content = contentOf(bytes, { piece, failure, seekable });
    super(content, entry, { resumable });
  }
}

function contentOf(
  bytes: Uint8Array,
  { piece = Infinity, failure, seekable }: {
    piece: number | undefined;
    failure: Error | undefined;
    seekable: boolean;
  },
): Content {
  let at = 0;
  // deno-lint-ignore require-await -- a file's takes time
  const read = async (into: Uint8Array) => {
    if (at === bytes.length) {
      if (failure) throw failure;
      return null;
    }
    const part = bytes.subarray(at, at + Math.min(into.length, piece));
    into.set(part);
    at += part.length;
    return part.length;
  };
  const seek = (position: number) => {
    at = position;
    return Promise.resolve();
  };
  return { read, close: () => {}, ...seekable && { seek } };
}

/** A source that has so many bytes, and then nothing more, nor an end. */
export class SilentSource extends SingleSource {
  constructor(bytes = 0) {
    let reads = 0;
    const read = () =>
      bytes > 0 && reads++ === 0
        ? Promise.resolve(bytes)
        : new Promise<null>(() => {});
    super({ read, close: () => {} }, {}, { resumable: false });
  }
}

/** A sink that keeps what it is given. */
export class MemorySink implements Sink {
  readonly blocks: Uint8Array[] = [];
  readonly resuming = false;
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

  enter = refuse;
  leave = refuse;
  link = refuse;
  put = refuse;
  keep = refuse;

  open(): Promise<FileSink> {
    return Promise.resolve({
      kept: 0,
      write: (bytes) => this.write(bytes),
      resume: () => Promise.resolve(),
      commit: () => Promise.resolve(),
      discard: () => {},
    });
  }

  inventory(): Inventory {
    throw new Error("It has nothing");
  }

  release(): void {}

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

function refuse(): never {
  throw new Error("It takes one file");
}
