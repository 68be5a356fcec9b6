import type { Connection } from "../connection/connection.ts";

/** What is found by a connection's id. */
interface Identified {
  readonly connection: Pick<Connection, "id">;
}

/** Connections by their ids. Most datagrams belong to the connection of the one before. */
export class ConnectionTable<Entry extends Identified> {
  readonly #byId = new Map<number, Entry>();
  #last: Entry | undefined;

  /** How many there are. */
  get size(): number {
    return this.#byId.size;
  }

  find(id: number): Entry | undefined {
    if (this.#last?.connection.id === id) return this.#last;
    const found = this.#byId.get(id);
    if (found !== undefined) this.#last = found;
    return found;
  }

  add(entry: Entry): void {
    this.#byId.set(entry.connection.id, entry);
  }

  delete(entry: Entry): void {
    const { id } = entry.connection;
    if (this.#byId.get(id) !== entry) return;
    this.#byId.delete(id);
    if (this.#last === entry) this.#last = undefined;
  }

  [Symbol.iterator](): Iterator<Entry> {
    return this.#byId.values();
  }
}
