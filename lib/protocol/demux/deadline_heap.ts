/** What can be in a {@linkcode DeadlineHeap}, which sets both fields. */
export interface HeapItem {
  /** Its deadline in milliseconds, `Infinity` while it is not in the heap. */
  deadline: number;
  /** Its index in the heap, -1 while it is not in it. */
  heapIndex: number;
}

/** A binary heap of items by their deadlines, which may change. */
export class DeadlineHeap<Item extends HeapItem> {
  readonly #items: Item[] = [];

  /** The item with the earliest deadline. */
  get first(): Item | undefined {
    return this.#items[0];
  }

  /** Adds or moves an item; one whose deadline is `Infinity` is removed. */
  set(item: Item, deadline: number): void {
    if (deadline === Infinity) return this.remove(item);
    if (item.heapIndex < 0) {
      item.heapIndex = this.#items.length;
      this.#items.push(item);
    } else if (deadline === item.deadline) return;
    item.deadline = deadline;
    this.#siftDown(item, this.#siftUp(item));
  }

  remove(item: Item): void {
    const { heapIndex } = item;
    item.deadline = Infinity;
    if (heapIndex < 0) return;
    item.heapIndex = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#put(last, heapIndex);
    this.#siftDown(last, this.#siftUp(last));
  }

  #put(item: Item, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }

  #siftUp(item: Item): number {
    let index = item.heapIndex;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || parent.deadline <= item.deadline) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(item, index);
    return index;
  }

  #siftDown(item: Item, from: number): void {
    let index = from;
    for (;;) {
      const child = this.#earlierChild(index);
      if (child === undefined || child.deadline >= item.deadline) break;
      const below = child.heapIndex;
      this.#put(child, index);
      index = below;
    }
    this.#put(item, index);
  }

  #earlierChild(index: number): Item | undefined {
    const left = this.#items[2 * index + 1];
    const right = this.#items[2 * index + 2];
    if (left === undefined || right === undefined) return left;
    return right.deadline < left.deadline ? right : left;
  }
}
