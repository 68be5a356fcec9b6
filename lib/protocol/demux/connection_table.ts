import type { Connection } from "../connection/connection.ts";

/** What has a connection id. */
export interface Identified {
  readonly connection: Pick<Connection, "idHigh" | "idLow">;
}

/** Connections by their ids. Most datagrams belong to the connection of the one before. */
export class ConnectionTable<Item extends Identified> {
  readonly #byHigh = new Map<number, Map<number, Item>>();
  #last: Item | undefined;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  find(idHigh: number, idLow: number): Item | undefined {
    const last = this.#last?.connection;
    if (last?.idLow === idLow && last.idHigh === idHigh) return this.#last;
    const found = this.#byHigh.get(idHigh)?.get(idLow);
    if (found !== undefined) this.#last = found;
    return found;
  }

  add(item: Item): void {
    const { idHigh, idLow } = item.connection;
    const byLow = this.#byHigh.get(idHigh);
    if (byLow === undefined) this.#byHigh.set(idHigh, new Map([[idLow, item]]));
    else byLow.set(idLow, item);
    this.#size++;
  }

  delete(item: Item): void {
    const { idHigh, idLow } = item.connection;
    const byLow = this.#byHigh.get(idHigh);
    if (byLow?.get(idLow) !== item) return;
    byLow.delete(idLow);
    this.#size--;
    if (byLow.size === 0) this.#byHigh.delete(idHigh);
    if (this.#last === item) this.#last = undefined;
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (const byLow of this.#byHigh.values()) yield* byLow.values();
  }
}
