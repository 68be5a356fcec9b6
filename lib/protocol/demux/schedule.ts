import { DeadlineHeap, type HeapItem } from "./deadline_heap.ts";

/** What can be in a {@linkcode Schedule}, which sets all fields. */
export interface Scheduled extends HeapItem {
  /** Whether it is to be polled. */
  isActive: boolean;
  /** Whether its deadline may have changed. */
  isStale: boolean;
  /** Whether the application is to look at it. */
  isChanged: boolean;
}

/** Fields of something that is in no schedule yet. */
export function unscheduled(): Scheduled {
  return {
    deadline: Infinity,
    heapIndex: -1,
    isActive: false,
    isStale: false,
    isChanged: false,
  };
}

/**
 * Knows of many items which are to be polled, which the application is to look
 * at, and whose deadline is first, without looking at those to which nothing has
 * happened.
 */
export class Schedule<Item extends Scheduled> {
  readonly #deadlineOf: (item: Item) => number;
  readonly #heap = new DeadlineHeap<Item>();
  readonly #active: Item[] = [];
  readonly #stale: Item[] = [];
  #changed: Item[] = [];

  /** @param deadlineOf when an item has to be woken, in milliseconds */
  constructor(deadlineOf: (item: Item) => number) {
    this.#deadlineOf = deadlineOf;
  }

  /** Something has happened to `item`. */
  touch(item: Item): void {
    if (!item.isActive) {
      item.isActive = true;
      this.#active.push(item);
    }
    if (!item.isStale) {
      item.isStale = true;
      this.#stale.push(item);
    }
    this.#markChanged(item);
  }

  /** Is not woken any more; the application is to look at it once more. */
  remove(item: Item): void {
    this.#heap.remove(item);
    this.#markChanged(item);
  }

  #markChanged(item: Item): void {
    if (item.isChanged) return;
    item.isChanged = true;
    this.#changed.push(item);
  }

  /** Takes the items to which something has happened since this was called last. */
  takeChanged(): readonly Item[] {
    const changed = this.#changed;
    if (changed.length === 0) return changed;
    this.#changed = [];
    for (const item of changed) item.isChanged = false;
    return changed;
  }

  /** Has an item that is due polled, if no other is to be. */
  activateDue(now: number): void {
    if (this.#active.length > 0) return;
    this.#refresh();
    const { first } = this.#heap;
    if (first !== undefined && first.deadline <= now) this.touch(first);
  }

  /** The item to be polled next. */
  get active(): Item | undefined {
    return this.#active[0];
  }

  /** {@linkcode active} has nothing to send. */
  deactivate(): void {
    const item = this.#active.shift();
    if (item !== undefined) item.isActive = false;
  }

  /** Takes the items that are due. */
  takeDue(now: number): readonly Item[] {
    const due: Item[] = [];
    this.#refresh();
    for (;;) {
      const { first } = this.#heap;
      if (first === undefined || first.deadline > now) return due;
      this.#heap.remove(first);
      this.touch(first);
      due.push(first);
    }
  }

  /** The first deadline in milliseconds; `Infinity` if there is none. */
  get deadline(): number {
    this.#refresh();
    return this.#heap.first?.deadline ?? Infinity;
  }

  #refresh(): void {
    for (const item of this.#stale) {
      item.isStale = false;
      this.#heap.set(item, this.#deadlineOf(item));
    }
    this.#stale.length = 0;
  }
}
