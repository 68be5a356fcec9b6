/** Milliseconds for which a half-open connection counts after its end: else SYN and RST in turn would cost their sender nothing. */
const COUNTED_AFTER_END = 1000;
/** Half-open connections at a time that get a whole initial window, which saves an honest sender a round trip. */
const WHOLE_WINDOWS = 2;

/** What a {@linkcode HalfOpenTable} knows of a connection that a peer has opened and that was not accepted. */
export interface HalfOpenSlot<Item> {
  readonly item: Item;
  /** Where it comes from: see {@linkcode networkOf}. */
  readonly source: string;
  /** When it was opened or established, in milliseconds. */
  since: number;
  /** Until when it counts, if it has ended. */
  countsUntil: number;
  /** Whether the peer was granted a whole initial window. */
  hasWholeWindow: boolean;
}

/**
 * The half-open connections. When there are too many, one is displaced: of the
 * source that has most of them the oldest. An honest peer is half open for a
 * round trip or two; an older one is silent, or slow on purpose.
 */
export class HalfOpenTable<Item> {
  readonly #capacity: number;
  /** Of each source, the oldest first. */
  readonly #bySource = new Map<string, Set<HalfOpenSlot<Item>>>();
  readonly #ended: HalfOpenSlot<Item>[] = [];
  #size = 0;
  #wholeWindows = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many count now. */
  size(now: number): number {
    for (;;) {
      const [oldest] = this.#ended;
      if (oldest === undefined || oldest.countsUntil > now) return this.#size;
      this.#ended.shift();
      this.#delete(oldest);
    }
  }

  /** Whether one has to be displaced for the next. */
  isFull(now: number): boolean {
    return this.size(now) >= this.#capacity;
  }

  /** Whether the next one gets a whole initial window. */
  get grantsWholeWindow(): boolean {
    return this.#wholeWindows < WHOLE_WINDOWS;
  }

  add(now: number, item: Item, source: string): HalfOpenSlot<Item> {
    const hasWholeWindow = this.grantsWholeWindow;
    if (hasWholeWindow) this.#wholeWindows++;
    const slot = {
      item,
      source,
      since: now,
      countsUntil: Infinity,
      hasWholeWindow,
    };
    this.#insert(slot);
    return slot;
  }

  /** The peer's address is validated: the connection becomes the newest. */
  renew(now: number, slot: HalfOpenSlot<Item>): void {
    this.#delete(slot);
    slot.since = now;
    this.#insert(slot);
  }

  /** The connection was accepted. */
  remove(slot: HalfOpenSlot<Item>): void {
    this.#delete(slot);
    this.#endWholeWindow(slot);
  }

  /** The connection has ended: it counts for a while. */
  end(now: number, slot: HalfOpenSlot<Item>): void {
    this.#endWholeWindow(slot);
    if (slot.countsUntil !== Infinity || !this.#has(slot)) return;
    slot.countsUntil = now + COUNTED_AFTER_END;
    this.#ended.push(slot);
  }

  /**
   * Removes one to make room.
   *
   * @returns which one, or `undefined` if it had ended already
   */
  displace(): Item | undefined {
    const ended = this.#ended.shift();
    if (ended !== undefined) {
      this.#delete(ended);
      return undefined;
    }
    let most = 0;
    let oldest: HalfOpenSlot<Item> | undefined;
    for (const slots of this.#bySource.values()) {
      const [first] = slots;
      if (first === undefined || slots.size < most) continue;
      const isOlder = oldest === undefined || first.since < oldest.since;
      if (slots.size === most && !isOlder) continue;
      most = slots.size;
      oldest = first;
    }
    if (oldest === undefined) return undefined;
    this.#delete(oldest);
    return oldest.item;
  }

  #endWholeWindow(slot: HalfOpenSlot<Item>): void {
    if (slot.hasWholeWindow) this.#wholeWindows--;
    slot.hasWholeWindow = false;
  }

  #has(slot: HalfOpenSlot<Item>): boolean {
    return this.#bySource.get(slot.source)?.has(slot) ?? false;
  }

  #insert(slot: HalfOpenSlot<Item>): void {
    const slots = this.#bySource.get(slot.source);
    if (slots === undefined) this.#bySource.set(slot.source, new Set([slot]));
    else slots.add(slot);
    this.#size++;
  }

  #delete(slot: HalfOpenSlot<Item>): void {
    const slots = this.#bySource.get(slot.source);
    if (slots === undefined || !slots.delete(slot)) return;
    this.#size--;
    if (slots.size === 0) this.#bySource.delete(slot.source);
  }
}
