/** What waits for a time. Both fields are the queue's. */
export interface Waiting {
  /** When it is due, in milliseconds. */
  due: number;
  /** Where it is in the queue, -1 if it is not. */
  slot: number;
}

/** What waits, the earliest first: a binary heap, in which the due time of each may change. */
export class Deadlines<Item extends Waiting> {
  readonly #heap: Item[] = [];

  /** The one that is due first. */
  get first(): Item | undefined {
    return this.#heap[0];
  }

  /** Lets `item` wait until `due`; `Infinity` for ever. */
  set(item: Item, due: number): void {
    if (due === Infinity) return this.remove(item);
    if (item.slot < 0) {
      item.slot = this.#heap.length;
      this.#heap.push(item);
    } else if (due === item.due) return;
    item.due = due;
    this.#sink(item, this.#rise(item));
  }

  remove(item: Item): void {
    const { slot } = item;
    item.due = Infinity;
    if (slot < 0) return;
    item.slot = -1;
    const last = this.#heap.pop()!;
    if (last === item) return;
    this.#place(last, slot);
    this.#sink(last, this.#rise(last));
  }

  #place(item: Item, slot: number): void {
    this.#heap[slot] = item;
    item.slot = slot;
  }

  #rise(item: Item): number {
    let { slot } = item;
    while (slot > 0) {
      const above = this.#heap[(slot - 1) >> 1];
      if (above.due <= item.due) break;
      const place = above.slot;
      this.#place(above, slot);
      slot = place;
    }
    this.#place(item, slot);
    return slot;
  }

  #sink(item: Item, from: number): void {
    const heap = this.#heap;
    let slot = from;
    for (;;) {
      let below = 2 * slot + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1].due < heap[below].due) {
        below++;
      }
      if (heap[below].due >= item.due) break;
      this.#place(heap[below], slot);
      slot = below;
    }
    this.#place(item, slot);
  }
}
