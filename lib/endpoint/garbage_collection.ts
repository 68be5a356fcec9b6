/** Half-open connections that were forgotten after which is collected what they left: some megabytes. */
const EVERY = 256;
/** Datagrams of nobody's that leave as much as one of them. */
const STRAYS = 64;

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
  #forgotten = 0;
  #strays = 0;

  /** A stranger's connection was forgotten. */
  forget(): void {
    this.#forgotten++;
    this.#collect();
  }

  /** @param strays datagrams so far that belonged to no connection */
  update(strays: number): void {
    if (strays - this.#strays < STRAYS * EVERY) return;
    this.#strays = strays;
    this.#forgotten = EVERY;
    this.#collect();
  }

  #collect(): void {
    if (this.#forgotten < EVERY) return;
    this.#forgotten = 0;
    (globalThis as Collecting).gc?.();
  }
}
