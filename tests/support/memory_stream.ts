import type { ByteStream } from "../../lib/base/byte_stream.ts";
import { Failure } from "../../lib/base/failure.ts";

/** How a direction of a {@linkcode memoryPair} treats its bytes. */
export interface DirectionOptions {
  /**
   * Bytes that may wait to be read.
   * @default {65536}
   */
  capacity?: number;
  /** How many bytes the next read delivers at most; all unless given. */
  piece?: () => number;
  /** After this many bytes were read the connection breaks, for both sides. */
  breakAfter?: number | undefined;
}

class Direction {
  readonly capacity: number;
  readonly piece: () => number;
  readonly breakAfter: number;
  readonly waiting: Uint8Array[] = [];
  size = 0;
  delivered = 0;
  ended = false;
  failure: Error | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(options: DirectionOptions) {
    this.capacity = options.capacity ?? 65536;
    this.piece = options.piece ?? (() => Infinity);
    this.breakAfter = options.breakAfter ?? Infinity;
  }

  change(): Promise<void> {
    return this.#changed.promise;
  }

  changed(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** One end of a duplex stream that lives in memory. */
export class MemoryStream implements ByteStream {
  #incoming: Direction;
  #outgoing: Direction;
  /** What `abort` was called with. */
  aborted: Error | undefined;

  constructor(incoming: Direction, outgoing: Direction) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  async read(into: Uint8Array): Promise<number | null> {
    const from = this.#incoming;
    while (from.size === 0) {
      if (from.failure) throw from.failure;
      if (from.ended) return null;
      await from.change();
    }
    if (from.failure) throw from.failure;
    if (from.delivered >= from.breakAfter) this.#break();
    const first = from.waiting[0]!;
    const count = Math.min(
      first.length,
      into.length,
      Math.max(1, from.piece()),
      from.breakAfter - from.delivered,
    );
    into.set(first.subarray(0, count));
    if (count === first.length) from.waiting.shift();
    else from.waiting[0] = first.subarray(count);
    from.size -= count;
    from.delivered += count;
    from.changed();
    return count;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const to = this.#outgoing;
    for (let at = 0; at < bytes.length;) {
      if (to.failure) throw to.failure;
      if (to.ended) throw new TypeError("Cannot write after the end");
      const room = to.capacity - to.size;
      if (room > 0) {
        const part = bytes.slice(at, at + room);
        at += part.length;
        to.waiting.push(part);
        to.size += part.length;
        to.changed();
      } else {
        await to.change();
      }
    }
  }

  // deno-lint-ignore require-await -- an endpoint's takes time
  async closeWrite(): Promise<void> {
    if (this.#outgoing.failure) throw this.#outgoing.failure;
    this.#outgoing.ended = true;
    this.#outgoing.changed();
  }

  abort(failure: Error): void {
    if (this.#outgoing.failure) return;
    this.aborted = failure;
    this.#outgoing.failure = failure;
    this.#incoming.failure = failure;
    this.#outgoing.changed();
    this.#incoming.changed();
  }

  #break(): never {
    const failure = new Failure({
      code: "peer-silent",
      peer: "memory",
      seconds: 1,
    });
    this.abort(failure);
    throw failure;
  }
}

/** Two ends of a stream: what is written to one is read from the other. */
export function memoryPair(
  there: DirectionOptions = {},
  back: DirectionOptions = {},
): [MemoryStream, MemoryStream] {
  const one = new Direction(there);
  const other = new Direction(back);
  return [new MemoryStream(other, one), new MemoryStream(one, other)];
}
