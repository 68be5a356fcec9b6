/**
 * A set of whole numbers, stored as sorted, disjoint ranges [start, end) that
 * do not touch. Adding at the end and removing from the front are cheap, as
 * sequence and packet numbers need it.
 */
export class RangeSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  // Ranges before #head are removed; the arrays are cut when there are many.
  #head = 0;

  get size(): number {
    return this.#starts.length - this.#head;
  }

  /** The first number of range `index`, counted from the lowest. */
  start(index: number): number {
    return this.#starts[this.#head + index]!;
  }

  /** The number after the last of range `index`. */
  end(index: number): number {
    return this.#ends[this.#head + index]!;
  }

  /**
   * Adds [start, end).
   *
   * @returns how many of its numbers were not in the set before
   */
  add(start: number, end: number): number {
    if (end <= start) return 0;
    const starts = this.#starts;
    const ends = this.#ends;
    const last = ends.length - 1;
    if (last < this.#head || start > ends[last]!) {
      starts.push(start);
      ends.push(end);
      return end - start;
    }
    if (start === ends[last]) {
      ends[last] = end;
      return end - start;
    }
    return this.#merge(start, end);
  }

  #merge(start: number, end: number): number {
    const starts = this.#starts;
    const ends = this.#ends;
    // Ranges [from, to) touch the new one and become one with it.
    const from = this.#firstEndingAtOrAfter(start);
    let to = from;
    let covered = 0;
    while (to < starts.length && starts[to]! <= end) {
      covered += Math.max(
        0,
        Math.min(end, ends[to]!) - Math.max(start, starts[to]!),
      );
      to++;
    }
    if (to === from) {
      starts.splice(from, 0, start);
      ends.splice(from, 0, end);
    } else {
      starts[from] = Math.min(start, starts[from]!);
      ends[from] = Math.max(end, ends[to - 1]!);
      if (to - from > 1) {
        starts.splice(from + 1, to - from - 1);
        ends.splice(from + 1, to - from - 1);
      }
    }
    return end - start - covered;
  }

  /** Takes [start, end) out. */
  remove(start: number, end: number): void {
    if (end <= start) return;
    const starts = this.#starts;
    const ends = this.#ends;
    const from = this.#firstEndingAtOrAfter(start + 1);
    let to = from;
    while (to < starts.length && starts[to]! < end) to++;
    if (to === from) return;
    const leftStart = starts[from]!;
    const rightEnd = ends[to - 1]!;
    const keptStarts: number[] = [];
    const keptEnds: number[] = [];
    if (leftStart < start) {
      keptStarts.push(leftStart);
      keptEnds.push(start);
    }
    if (rightEnd > end) {
      keptStarts.push(end);
      keptEnds.push(rightEnd);
    }
    starts.splice(from, to - from, ...keptStarts);
    ends.splice(from, to - from, ...keptEnds);
  }

  /** Takes out every number below `bound`. */
  removeBelow(bound: number): void {
    const starts = this.#starts;
    const ends = this.#ends;
    while (this.#head < ends.length && ends[this.#head]! <= bound) this.#head++;
    if (this.#head < starts.length && starts[this.#head]! < bound) {
      starts[this.#head] = bound;
    }
    if (this.#head > 32 && this.#head * 2 > starts.length) {
      starts.splice(0, this.#head);
      ends.splice(0, this.#head);
      this.#head = 0;
    }
  }

  contains(value: number): boolean {
    return this.covers(value, value + 1);
  }

  /** Whether all of [start, end) is in the set. */
  covers(start: number, end: number): boolean {
    const index = this.#firstEndingAtOrAfter(end);
    return index < this.#starts.length && this.#starts[index]! <= start;
  }

  /** Whether `value` is in a range or next to its end, so that adding from there on makes no further range. */
  touches(value: number): boolean {
    return this.covers(value, value);
  }

  /** Calls `visit` for each part of [start, end) that is not in the set, in order. */
  gaps(
    start: number,
    end: number,
    visit: (start: number, end: number) => void,
  ): void {
    let at = start;
    let index = this.#firstEndingAtOrAfter(start + 1);
    for (
      ;
      index < this.#starts.length && this.#starts[index]! < end;
      index++
    ) {
      if (this.#starts[index]! > at) visit(at, this.#starts[index]!);
      at = this.#ends[index]!;
    }
    if (at < end) visit(at, end);
  }

  #firstEndingAtOrAfter(value: number): number {
    const ends = this.#ends;
    let low = this.#head;
    let high = ends.length;
    // Most look-ups are for the newest numbers.
    if (low < high && ends[high - 1]! < value) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ends[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
