import { MAX_UDP_SIZE } from "./socket_address.ts";

/** A datagram that was written to a buffer. */
export interface Transmit {
  /** Bytes. */
  readonly length: number;
  readonly to: Deno.NetAddr;
}

/** Writes the next datagram, if there is one. */
export type WriteNext = (into: Uint8Array) => Transmit | undefined;

/** A datagram that was written behind a batch and does not belong to it. */
interface Leftover {
  readonly datagram: Uint8Array;
  readonly to: Deno.NetAddr;
}

/**
 * Datagrams to one peer in a row, all but the last of one size, which one system
 * call sends (generic segmentation offload, UDP_SEGMENT).
 */
export class SegmentBatch {
  readonly #buffer = new Uint8Array(2 * MAX_UDP_SIZE);
  /** The buffer from each segment of the current size on. */
  #views: Uint8Array[] = [];
  #viewSize = 0;
  #leftover: Leftover | undefined;
  /** All datagrams of the batch. */
  bytes: Uint8Array = this.#buffer;
  /** Size of all but the last, in bytes. */
  segmentSize = 0;
  /** Where they go; valid once {@linkcode fill} has returned true. */
  to: Deno.NetAddr = { transport: "udp", hostname: "", port: 0 };

  /**
   * Fills it anew.
   *
   * @param maxSegments how many datagrams of a size it may have
   * @returns whether there is anything in it
   */
  fill(next: WriteNext, maxSegments: (size: number) => number): boolean {
    const first = this.#first(next);
    if (first === undefined) return false;
    const size = first.length;
    this.segmentSize = size;
    this.to = first.to;
    const end = this.#append(next, size, maxSegments(size));
    if (this.bytes.length !== end) this.bytes = this.#buffer.subarray(0, end);
    return true;
  }

  #first(next: WriteNext): Transmit | undefined {
    const leftover = this.#leftover;
    if (leftover === undefined) return next(this.#buffer);
    this.#leftover = undefined;
    this.#buffer.set(leftover.datagram);
    return { length: leftover.datagram.length, to: leftover.to };
  }

  /** @returns where the last one ends */
  #append(next: WriteNext, size: number, maxSegments: number): number {
    for (let count = 1; count < maxSegments; count++) {
      const view = this.#view(size, count);
      const written = next(view);
      if (written === undefined) return count * size;
      const { length, to } = written;
      if (length > size || to !== this.to) {
        this.#leftover = { datagram: view.subarray(0, length), to };
        return count * size;
      }
      if (length < size) return count * size + length;
    }
    return maxSegments * size;
  }

  #view(size: number, index: number): Uint8Array {
    if (size !== this.#viewSize) {
      this.#viewSize = size;
      this.#views = [];
    }
    return this.#views[index] ??= this.#buffer.subarray(index * size);
  }
}
