import type { Address } from "../../../lib/protocol/connection/address.ts";
import { Flag, SYN_SIZE } from "../../../lib/protocol/wire/segment.ts";
import { type Datagram, TestEndpoint } from "../support/pair.ts";
import { datagramOf } from "../../support/packets.ts";

/** Half-open connections that the server keeps before it asks for cookies. */
export const MAX_HALF_OPEN = 4;
/** Half-open connections that it keeps in all. */
export const PLACES = 40;
/** Milliseconds of silence that end a connection. */
export const TIMEOUT = 30_000;

/** Stations that reach each other by their addresses. */
export class Town {
  now = 1_000;
  readonly server = new TestEndpoint("server", 2, {
    maxHalfOpen: MAX_HALF_OPEN,
    halfOpenPlaces: PLACES,
    timeout: TIMEOUT,
  });
  readonly stations = new Map([["server", this.server]]);

  constructor() {
    this.server.demultiplexer.listening = true;
  }

  /** A station with a connection to the server under way. */
  caller(name: string) {
    const station = new TestEndpoint(name, 100 + this.stations.size);
    this.stations.set(name, station);
    const connection = station.demultiplexer.connect(
      this.now,
      this.server.address,
    );
    return { station, connection };
  }

  /** Delivers all letters that are not `lost`, and what is answered to them. */
  talk(lost: (letter: Datagram) => boolean = () => false): Datagram[] {
    const all: Datagram[] = [];
    for (let before = -1; all.length > before;) {
      before = all.length;
      for (const station of this.stations.values()) {
        for (const letter of station.pollAll(this.now)) {
          all.push(letter);
          if (!lost(letter)) this.deliver(letter, station.address);
        }
      }
    }
    return all;
  }

  deliver({ datagram, to }: Datagram, from: Address): void {
    this.stations.get(to.hostname)?.demultiplexer.receive(
      this.now,
      datagram,
      from,
    );
  }

  /** Lets strangers knock who will never be heard of again. */
  crowd(count: number): void {
    for (let i = 0; i < count; i++) {
      const from = { hostname: `stranger ${i}`, port: 1 };
      this.server.demultiplexer.receive(this.now, knock(i), from);
    }
  }

  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    while (this.now < end) {
      const due = [...this.stations.values()].map(({ demultiplexer }) =>
        demultiplexer.deadline
      );
      this.now = Math.min(
        end,
        Math.max(this.now + 1e-3, ...[Math.min(...due)]),
      );
      for (const { demultiplexer } of this.stations.values()) {
        demultiplexer.wake(this.now);
      }
      this.talk();
    }
  }
}

/** The SYN of a stranger. */
export function knock(id: number, cookie?: Uint8Array): Uint8Array {
  const draft = { flags: Flag.SYN, idHigh: 9, idLow: id, cookie };
  const padding = SYN_SIZE - datagramOf(draft).length;
  return datagramOf({ ...draft, padding });
}
