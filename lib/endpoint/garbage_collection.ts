/** Half-open connections that have gone between collections; each leaves some tens of kilobytes. */
const CONNECTIONS_PER_COLLECTION = 128;
/** Unrouted datagrams that leave as much garbage as one connection. */
const DATAGRAMS_PER_CONNECTION = 128;

/** What V8 offers with `--expose-gc`. */
interface ExposedCollector {
  gc?: () => void;
}

/**
 * Has V8 collect what a flood leaves. By itself V8 lets the heap grow first, and
 * half-open connections, which live too long for the nursery, would grow it by
 * some tens of megabytes.
 */
export class GarbageCollection {
  #connections = 0;
  #datagrams = 0;

  /** A half-open connection is gone. */
  onConnectionGone(): void {
    this.#connections++;
    this.#collectIfDue();
  }

  /** @param datagrams that belonged to no connection so far */
  onUnrouted(datagrams: number): void {
    const fresh = datagrams - this.#datagrams;
    if (fresh < DATAGRAMS_PER_CONNECTION * CONNECTIONS_PER_COLLECTION) return;
    this.#datagrams = datagrams;
    this.#connections = CONNECTIONS_PER_COLLECTION;
    this.#collectIfDue();
  }

  #collectIfDue(): void {
    if (this.#connections < CONNECTIONS_PER_COLLECTION) return;
    this.#connections = 0;
    (globalThis as ExposedCollector).gc?.();
  }
}
