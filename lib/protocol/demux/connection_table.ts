import type { Connection } from "../connection/connection.ts";

/** What is found by a connection's id. */
interface Identified {
  readonly connection: Pick<Connection, "idHigh" | "idLow">;
}

/** Connections by their ids. Most datagrams belong to the connection of the one before. */
export class ConnectionTable<Entry extends Identified> {
  readonly #byHigh = new Map<number, Map<number, Entry>>();
  #last: Entry | undefined;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  find(idHigh: number, idLow: number): Entry | undefined {
    const last = this.#last?.connection;
    if (last?.idLow === idLow && last.idHigh === idHigh) return this.#last;
    const found = this.#byHigh.get(idHigh)?.get(idLow);
    if (found !== undefined) this.#last = found;
    return found;
  }

  add(entry: Entry): void {
    const { idHigh, idLow } = entry.connection;
    const byLow = this.#byHigh.get(idHigh);
    if (byLow === undefined) {
      this.#byHigh.set(idHigh, new Map([[idLow, entry]]));
    } else byLow.set(idLow, entry);
    this.#size++;
  }

  delete(entry: Entry): void {
    const { idHigh, idLow } = entry.connection;
    const byLow = this.#byHigh.get(idHigh);
    if (byLow?.get(idLow) !== entry) return;
    byLow.delete(idLow);
    this.#size--;
    if (byLow.size === 0) this.#byHigh.delete(idHigh);
    if (this.#last === entry) this.#last = undefined;
  }

  *[Symbol.iterator](): Iterator<Entry> {
    for (const byLow of this.#byHigh.values()) yield* byLow.values();
  }
}
