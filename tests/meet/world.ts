import { Prng } from "../../lib/base/prng.ts";
import type { Address } from "../../lib/protocol/connection/address.ts";
import { DEFAULT_CONFIG } from "../../lib/protocol/connection/config.ts";
import type { Connection } from "../../lib/protocol/connection/connection.ts";
import { Demultiplexer } from "../../lib/protocol/demux/demultiplexer.ts";

/** Milliseconds from a machine to another. */
export const DELAY = 10;

/** A datagram on its way. */
export interface Flight {
  readonly at: number;
  readonly from: Address;
  readonly to: Address;
  readonly datagram: Uint8Array;
}

/** A client that sends, a server that reads, and a third between them, in virtual time. */
export abstract class World {
  now = 0;
  /** The connection as the server has it. */
  server: Connection | undefined;
  /** Bytes that arrived at the server. */
  received = 0;
  /** When the first of them did. */
  firstByteAt: number | undefined;
  protected readonly prng: Prng;
  /** Those of the client and the server. */
  readonly demultiplexers: readonly [
    Demultiplexer<Address>,
    Demultiplexer<Address>,
  ];
  #flights: Flight[] = [];
  #isAccepted = false;
  readonly #into = new Uint8Array(65_536);

  constructor(seed: number) {
    this.prng = new Prng(seed);
    const random = () => this.prng.uint32();
    const demultiplexer = () =>
      new Demultiplexer<Address>({ config: DEFAULT_CONFIG, random });
    this.demultiplexers = [demultiplexer(), demultiplexer()];
  }

  /** When the third wants to be woken. */
  protected get deadline(): number {
    return Infinity;
  }

  /** Takes what the client (0) or the server (1) sends. */
  protected abstract send(
    index: 0 | 1,
    datagram: Uint8Array,
    to: Address,
  ): void;

  /** Takes what has come to where it was sent. */
  protected abstract arrive(flight: Flight): void;

  /** Lets a datagram be on its way. */
  inject(from: Address, to: Address, datagram: Uint8Array, late = DELAY): void {
    this.#flights.push({ at: this.now + late, from, to, datagram });
  }

  /** Lets time pass until `end`, or until the server has so many bytes. */
  run(end: number, size = Infinity): void {
    const both = this.demultiplexers;
    for (;;) {
      for (const index of [0, 1] as const) this.#sendAll(index);
      const next = Math.min(
        this.deadline,
        ...both.map(({ deadline }) => deadline),
        ...this.#flights.map(({ at }) => at),
      );
      if (this.received >= size) return;
      if (next > end) break;
      this.now = Math.max(this.now, next);
      const due = this.#flights.filter(({ at }) => at <= this.now);
      this.#flights = this.#flights.filter(({ at }) => at > this.now);
      for (const flight of due) this.arrive(flight);
      this.wake();
      for (const demultiplexer of both) {
        if (demultiplexer.deadline <= this.now) demultiplexer.wake(this.now);
      }
    }
    this.now = end;
  }

  /** Lets the third do what is due. */
  protected wake(): void {}

  #sendAll(index: 0 | 1): void {
    for (;;) {
      const sent = this.demultiplexers[index].poll(this.now, this.#into);
      if (sent === undefined) return;
      this.send(index, this.#into.slice(0, sent.length), sent.to);
    }
  }

  /** Gives the client (0) or the server (1) what has arrived there. */
  protected receive(index: 0 | 1, { datagram, from }: Flight): void {
    const demultiplexer = this.demultiplexers[index];
    demultiplexer.receive(this.now, datagram, from);
    if (index === 1) this.#read(demultiplexer);
  }

  #read(demultiplexer: Demultiplexer<Address>): void {
    const incoming = demultiplexer.nextIncoming();
    if (incoming !== undefined) {
      this.server = incoming;
      this.onIncoming(incoming);
    }
    const { server } = this;
    if (server === undefined) return;
    if (server.established && !this.#isAccepted) {
      this.#isAccepted = demultiplexer.accept(server);
    }
    const read = server.read(new Uint8Array(2 ** 20));
    if (read > 0) this.firstByteAt ??= this.now;
    this.received += read;
  }

  protected onIncoming(_connection: Connection): void {}
}
