import { assert, assertEquals } from "@std/assert";
import { Prng } from "../../../lib/base/prng.ts";
import {
  type Config,
  DEFAULT_CONFIG,
} from "../../../lib/protocol/connection/config.ts";
import type { Connection } from "../../../lib/protocol/connection/connection.ts";
import type { Address } from "../../../lib/protocol/connection/address.ts";
import type { Demultiplexer } from "../../../lib/protocol/demux/demultiplexer.ts";
import { Flag, PathKind } from "../../../lib/protocol/wire/segment.ts";
import { AcceptingDemultiplexer } from "./accepting_demultiplexer.ts";
import type { TraceEvent } from "../../../lib/protocol/connection/trace.ts";
import {
  datagramOf,
  type Draft,
  draftOf,
  flagNames,
} from "../../support/packets.ts";

/** A datagram and where it goes. */
export interface Datagram {
  readonly datagram: Uint8Array<ArrayBuffer>;
  readonly to: Address;
}

/** Milliseconds from one side to the other. */
export const HOP = 5;

/** A host that lives at an address. */
export class TestEndpoint {
  readonly demultiplexer: AcceptingDemultiplexer;
  readonly address: Address;
  /** What it told of each datagram. */
  readonly events: TraceEvent[] = [];

  constructor(hostname: string, seed: number, config?: Partial<Config>) {
    const random = new Prng(seed);
    this.address = { hostname, port: 5000 };
    this.demultiplexer = new AcceptingDemultiplexer({
      config: { ...DEFAULT_CONFIG, ...config },
      random: () => random.uint32(),
      trace: (event) => this.events.push(event),
    });
  }

  /** Takes all that the host has to send now. */
  pollAll(now: number): Datagram[] {
    return pollAll(this.demultiplexer, now);
  }

  /** Why datagrams were dropped. */
  get drops(): (string | undefined)[] {
    return this.events.filter(({ what }) => what === "DROP")
      .map(({ reason }) => reason);
  }
}

const INTO = new Uint8Array(65_535);

/** Takes all that a demultiplexer has to send now. */
export function pollAll(
  demultiplexer: Demultiplexer<Address>,
  now: number,
): Datagram[] {
  const datagrams: Datagram[] = [];
  for (;;) {
    const sent = demultiplexer.poll(now, INTO);
    if (sent === undefined) return datagrams;
    datagrams.push({ datagram: INTO.slice(0, sent.length), to: sent.to });
  }
}

/** Which datagrams the network loses. */
export interface Drops {
  drop?: (from: TestEndpoint, datagram: Uint8Array) => boolean;
}

/** Two hosts and the time. No datagram moves unless a test lets it. */
export class Pair {
  now = 1_000;
  readonly client: TestEndpoint;
  /** More than any packet that is sent. */
  #nextForged = 2 ** 33;
  readonly server: TestEndpoint;

  constructor(config?: Partial<Config>, serverConfig = config) {
    this.client = new TestEndpoint("client", 1, config);
    this.server = new TestEndpoint("server", 2, serverConfig);
    this.server.demultiplexer.listening = true;
  }

  /** A connection whose SYN has not left yet. */
  connect(): Connection {
    return this.client.demultiplexer.connect(this.now, this.server.address);
  }

  /** A connection that both sides have established, with nothing left to say about it. */
  establish(): { near: Connection; far: Connection } {
    const near = this.connect();
    this.drive();
    const far = this.server.demultiplexer.nextAccepted()!;
    this.drive();
    assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
    return { near, far };
  }

  /** The peer of `endpoint`. */
  other(endpoint: TestEndpoint): TestEndpoint {
    return endpoint === this.client ? this.server : this.client;
  }

  /** Hands datagrams to a endpoint, as if from its peer unless said otherwise. */
  deliver(
    endpoint: TestEndpoint,
    datagrams: readonly (Datagram | Uint8Array)[],
    from = this.other(endpoint).address,
  ): void {
    for (const item of datagrams) {
      const datagram = item instanceof Uint8Array ? item : item.datagram;
      endpoint.demultiplexer.receive(this.now, datagram, from);
    }
  }

  /** A segment as somebody makes it up who knows the connection's id. */
  forge(
    { id }: Connection,
    draft: Draft = {},
  ): Uint8Array<ArrayBuffer> {
    const packetNumber = this.#nextForged++;
    return datagramOf({ id, packetNumber, ...draft });
  }

  /** Takes what a endpoint has to send now. */
  collect(endpoint: TestEndpoint): Uint8Array<ArrayBuffer>[] {
    return endpoint.pollAll(this.now).map(({ datagram }) => datagram);
  }

  /** Takes the first datagram that an endpoint has to send now. */
  collectFirst(endpoint: TestEndpoint): Uint8Array<ArrayBuffer> {
    const [first] = this.collect(endpoint);
    assert(first, "nothing is sent");
    return first;
  }

  /** Takes the only datagram that an endpoint has to send now. */
  collectOne(endpoint: TestEndpoint): Uint8Array<ArrayBuffer> {
    const datagrams = this.collect(endpoint);
    assertEquals(datagrams.length, 1);
    return datagrams[0]!;
  }

  /** Exchanges datagrams until neither side has any to send for now. */
  drive({ drop = () => false }: Drops = {}): void {
    for (;;) {
      const fromClient = this.collect(this.client)
        .filter((datagram) => !drop(this.client, datagram));
      const fromServer = this.collect(this.server)
        .filter((datagram) => !drop(this.server, datagram));
      if (fromClient.length + fromServer.length === 0) return;
      this.stall(HOP);
      this.deliver(this.server, fromClient);
      this.deliver(this.client, fromServer);
    }
  }

  /** Lets time pass without a datagram or a timer, as if both processes stood still. */
  stall(milliseconds: number): void {
    this.now += milliseconds;
    this.wake();
  }

  /** Lets time pass: timers fire and datagrams travel. */
  advance(milliseconds: number, drops?: Drops): void {
    const end = this.now + milliseconds;
    this.drive(drops);
    while (this.now < end) {
      if (this.deadline <= this.now) {
        throw new Error("A timer fires without effect");
      }
      this.now = Math.min(end, this.deadline);
      this.wake();
      this.drive(drops);
    }
  }

  wake(): void {
    this.client.demultiplexer.wake(this.now);
    this.server.demultiplexer.wake(this.now);
  }

  get deadline(): number {
    return Math.min(
      this.client.demultiplexer.deadline,
      this.server.demultiplexer.deadline,
    );
  }
}

/** Reads all that is there. */
export function readAll(connection: Connection): Uint8Array {
  const bytes = new Uint8Array(connection.readable);
  assertEquals(connection.read(bytes), bytes.length);
  return bytes;
}

/** What a datagram is, in a few words: its flags, and how many bytes it carries. */
export function summaryOf(datagram: Uint8Array): string {
  const { flags, pathKind, payload } = draftOf(datagram);
  const isCookie = pathKind === PathKind.COOKIE;
  // The floor is said now and then, and changes nothing else
  const names = isCookie ? "COOKIE" : flagNames(flags & ~Flag.FLOOR);
  return [names, payload.length || ""].join(" ").trim();
}
