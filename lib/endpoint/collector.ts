/** Strangers after whom what they left is collected: a few megabytes of theirs. */
const EVERY = 256;

/** What V8 offers where it was told to (`--expose-gc`). */
interface Collecting {
  gc?: () => void;
}

/**
 * Has V8 collect what strangers leave behind. By itself it lets the heap grow
 * first, and a flood of half-open connections, each of which lives too long for
 * the nursery, would grow it by some tens of megabytes.
 */
export class Collector {
  #left = 0;

  /** A stranger was forgotten. */
  forget(): void {
    if (++this.#left < EVERY) return;
    this.#left = 0;
    (globalThis as Collecting).gc?.();
  }
}
