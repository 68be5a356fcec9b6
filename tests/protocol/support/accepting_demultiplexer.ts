import type { Address } from "../../../lib/protocol/connection/address.ts";
import type { Connection } from "../../../lib/protocol/connection/connection.ts";
import { Demultiplexer } from "../../../lib/protocol/demux/demultiplexer.ts";

/** A demultiplexer that accepts each connection as soon as its peer's address is validated. */
export class AcceptingDemultiplexer extends Demultiplexer<Address> {
  readonly #halfOpen = new Set<Connection>();
  readonly #accepted: Connection[] = [];

  override receive(now: number, datagrams: Uint8Array, from: Address): boolean {
    const hasEffect = super.receive(now, datagrams, from);
    for (;;) {
      const connection = this.nextIncoming();
      if (connection === undefined) break;
      this.#halfOpen.add(connection);
    }
    if (this.#halfOpen.size > 0) this.#acceptEstablished();
    return hasEffect;
  }

  #acceptEstablished(): void {
    for (const connection of this.#halfOpen) {
      const { established, closeReason } = connection;
      if (!established && closeReason === undefined) continue;
      this.#halfOpen.delete(connection);
      // It may have ended with the datagram that established it
      const ended = established && closeReason !== undefined;
      if (ended || this.accept(connection)) this.#accepted.push(connection);
    }
  }

  /** Takes a connection that was accepted. */
  nextAccepted(): Connection | undefined {
    return this.#accepted.shift();
  }
}
