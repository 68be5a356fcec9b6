/**
 * Numbers waiting for their times, earliest first; those of the same time in the
 * order in which they came. A binary heap in typed arrays, so that millions of
 * events make no garbage.
 */
export class EventQueue {
  #times = new Float64Array(256);
  #orders = new Float64Array(256);
  #items = new Int32Array(256);
  #size = 0;
  #order = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** The earliest time, ms; `Infinity` if none waits. */
  get nextTime(): number {
    return this.#size > 0 ? this.#times[0]! : Infinity;
  }

  /** Lets `item`, a 32-bit whole number, wait for `time`. */
  push(time: number, item: number): void {
    if (this.#size === this.#times.length) this.#grow();
    const order = this.#order++;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // A new item never goes before one of the same time.
      if (time >= this.#times[parent]!) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, time, order, item);
  }

  /** Takes the earliest item. There must be one. */
  pop(): number {
    const earliest = this.#items[0]!;
    const last = --this.#size;
    const time = this.#times[last]!;
    const order = this.#orders[last]!;
    const item = this.#items[last]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (
        child + 1 < last &&
        this.#before(child + 1, this.#times[child]!, this.#orders[child]!)
      ) child++;
      if (!this.#before(child, time, order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, time, order, item);
    return earliest;
  }

  #before(at: number, time: number, order: number): boolean {
    const own = this.#times[at]!;
    return own < time || own === time && this.#orders[at]! < order;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#orders[to] = this.#orders[from]!;
    this.#items[to] = this.#items[from]!;
  }

  #put(at: number, time: number, order: number, item: number): void {
    this.#times[at] = time;
    this.#orders[at] = order;
    this.#items[at] = item;
  }

  #grow(): void {
    const capacity = 2 * this.#times.length;
    const grown = (array: Float64Array) => {
      const larger = new Float64Array(capacity);
      larger.set(array);
      return larger;
    };
    this.#times = grown(this.#times);
    this.#orders = grown(this.#orders);
    const items = new Int32Array(capacity);
    items.set(this.#items);
    this.#items = items;
  }
}
