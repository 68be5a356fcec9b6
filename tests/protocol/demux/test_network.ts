import type { Address } from "../../../lib/protocol/connection/address.ts";
import { Flag, SYN_SIZE } from "../../../lib/protocol/wire/segment.ts";
import { type Datagram, TestEndpoint } from "../support/pair.ts";
import { datagramOf } from "../../support/packets.ts";

/** Half-open connections beyond which the server asks for cookies. */
export const MAX_HALF_OPEN = 4;
/** Half-open connections beyond which it displaces one for each. */
export const MAX_HALF_OPEN_IN_ALL = 40;
/** Milliseconds of silence that end a connection. */
export const TIMEOUT = 30_000;

/** A server and clients that reach each other by their addresses. */
export class TestNetwork {
  now = 1_000;
  readonly server = new TestEndpoint("server", 2, {
    maxHalfOpenUnvalidated: MAX_HALF_OPEN,
    maxHalfOpen: MAX_HALF_OPEN_IN_ALL,
    timeout: TIMEOUT,
  });
  readonly endpoints = new Map([["server", this.server]]);

  constructor() {
    this.server.demultiplexer.listening = true;
  }

  /** A client that has begun a connection to the server. */
  client(name: string) {
    const endpoint = new TestEndpoint(name, 100 + this.endpoints.size);
    this.endpoints.set(name, endpoint);
    const connection = endpoint.demultiplexer.connect(
      this.now,
      this.server.address,
    );
    return { endpoint, connection };
  }

  /** Delivers all datagrams that are not `lost`, and what is answered to them. */
  drive(lost: (datagram: Datagram) => boolean = () => false): Datagram[] {
    const all: Datagram[] = [];
    for (let before = -1; all.length > before;) {
      before = all.length;
      for (const endpoint of this.endpoints.values()) {
        for (const datagram of endpoint.pollAll(this.now)) {
          all.push(datagram);
          if (!lost(datagram)) this.deliver(datagram, endpoint.address);
        }
      }
    }
    return all;
  }

  deliver({ datagram, to }: Datagram, from: Address): void {
    this.endpoints.get(to.hostname)?.demultiplexer.receive(
      this.now,
      datagram,
      from,
    );
  }

  /** Delivers SYNs from addresses that will never answer. */
  openHalf(count: number): void {
    for (let i = 0; i < count; i++) {
      const from = { hostname: `peer ${i}`, port: 1 };
      this.server.demultiplexer.receive(this.now, spoofedSyn(i), from);
    }
  }

  advance(milliseconds: number): void {
    const end = this.now + milliseconds;
    while (this.now < end) {
      const due = [...this.endpoints.values()].map(({ demultiplexer }) =>
        demultiplexer.deadline
      );
      this.now = Math.min(
        end,
        Math.max(this.now + 1e-3, ...[Math.min(...due)]),
      );
      for (const { demultiplexer } of this.endpoints.values()) {
        demultiplexer.wake(this.now);
      }
      this.drive();
    }
  }
}

/** A SYN of any id; its address is given where it is delivered. */
export function spoofedSyn(id: number, cookie?: Uint8Array): Uint8Array {
  const draft = {
    flags: Flag.SYN,
    id,
    ...(cookie && { cookie }),
  };
  const padding = SYN_SIZE - datagramOf(draft).length;
  return datagramOf({ ...draft, padding });
}
