/** A datagram that was written somewhere. */
export interface Written {
  /** Bytes. */
  readonly length: number;
  readonly to: Deno.NetAddr;
}

/** Writes the next datagram, if there is one. */
export type WriteNext = (into: Uint8Array) => Written | undefined;

/** The largest datagram that UDP carries. */
const MAX_DATAGRAM_SIZE = 65_535;

/**
 * Datagrams to one peer in a row, all but the last of one size, so that one
 * system call can send them.
 */
export class Train {
  readonly #buffer = new Uint8Array(2 * MAX_DATAGRAM_SIZE);
  /** Where each datagram of the current size goes. */
  #places: Uint8Array[] = [];
  #placeSize = 0;
  /** What was written and did not fit behind the rest. */
  #waiting: { datagram: Uint8Array; to: Deno.NetAddr } | undefined;
  /** All datagrams. */
  bytes: Uint8Array = this.#buffer;
  /** Size of all but the last, in bytes. */
  size = 0;
  to!: Deno.NetAddr;

  /**
   * Fills it anew.
   *
   * @param maxLength how many datagrams of a size it takes
   * @returns whether there is anything in it
   */
  fill(next: WriteNext, maxLength: (size: number) => number): boolean {
    const first = this.#first(next);
    if (first === undefined) return false;
    const size = first.length;
    this.size = size;
    this.to = first.to;
    const end = this.#append(next, size, maxLength(size));
    if (this.bytes.length !== end) this.bytes = this.#buffer.subarray(0, end);
    return true;
  }

  #first(next: WriteNext): Written | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) return next(this.#buffer);
    this.#waiting = undefined;
    this.#buffer.set(waiting.datagram);
    return { length: waiting.datagram.length, to: waiting.to };
  }

  /** @returns where the last one ends */
  #append(next: WriteNext, size: number, maxLength: number): number {
    for (let count = 1; count < maxLength; count++) {
      const place = this.#place(size, count);
      const written = next(place);
      if (written === undefined) return count * size;
      const { length, to } = written;
      if (length > size || to !== this.to) {
        this.#waiting = { datagram: place.subarray(0, length), to };
        return count * size;
      }
      if (length < size) return count * size + length;
    }
    return maxLength * size;
  }

  #place(size: number, index: number): Uint8Array {
    if (size !== this.#placeSize) {
      this.#placeSize = size;
      this.#places = [];
    }
    return this.#places[index] ??= this.#buffer.subarray(index * size);
  }
}
