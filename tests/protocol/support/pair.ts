import { assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/prng.ts";
import {
  type Config,
  DEFAULT_CONFIG,
} from "../../../lib/protocol/connection/config.ts";
import type { Connection } from "../../../lib/protocol/connection/connection.ts";
import type { Address } from "../../../lib/protocol/demux/address_validation.ts";
import { Host } from "../../../lib/protocol/demux/demultiplexer.ts";
import type { TraceEvent } from "../../../lib/protocol/connection/trace.ts";
import { draftOf, flagNames } from "../../support/packets.ts";

/** A datagram and where it goes. */
export interface Letter {
  readonly datagram: Uint8Array<ArrayBuffer>;
  readonly to: Address;
}

/** Milliseconds from one side to the other. */
export const HOP = 5;

/** A host that lives at an address. */
export class Station {
  readonly host: Host<Address>;
  readonly address: Address;
  /** What it told of each datagram. */
  readonly events: TraceEvent[] = [];

  constructor(hostname: string, seed: number, config?: Partial<Config>) {
    const random = new Random(seed);
    this.address = { hostname, port: 5000 };
    this.host = new Host({
      config: { ...DEFAULT_CONFIG, ...config },
      random: () => random.uint32(),
      trace: (event) => this.events.push(event),
    });
  }

  /** Takes all that the host has to send now. */
  outbox(now: number): Letter[] {
    const letters: Letter[] = [];
    const into = new Uint8Array(65_535);
    for (;;) {
      const sent = this.host.poll(now, into);
      if (sent === undefined) return letters;
      letters.push({ datagram: into.slice(0, sent.length), to: sent.to });
    }
  }

  /** Why datagrams were dropped. */
  get drops(): (string | undefined)[] {
    return this.events.filter(({ what }) => what === "DROP")
      .map(({ reason }) => reason);
  }
}

/** Two hosts and the time. No datagram moves unless a test lets it. */
export class Duo {
  now = 1_000;
  readonly client: Station;
  readonly server: Station;

  constructor(config?: Partial<Config>, serverConfig = config) {
    this.client = new Station("client", 1, config);
    this.server = new Station("server", 2, serverConfig);
    this.server.host.listening = true;
  }

  /** A connection whose SYN has not left yet. */
  connect(): Connection {
    return this.client.host.connect(this.now, this.server.address);
  }

  /** A connection that both sides have established, with nothing left to say about it. */
  establish(): { near: Connection; far: Connection } {
    const near = this.connect();
    this.talk();
    const far = this.server.host.accept()!;
    this.talk();
    assertEquals([near.state, far.state], ["ESTABLISHED", "ESTABLISHED"]);
    return { near, far };
  }

  /** The peer of `station`. */
  other(station: Station): Station {
    return station === this.client ? this.server : this.client;
  }

  /** Hands datagrams to a station, as if from its peer unless said otherwise. */
  deliver(
    station: Station,
    letters: readonly (Letter | Uint8Array)[],
    from = this.other(station).address,
  ): void {
    for (const letter of letters) {
      const datagram = letter instanceof Uint8Array ? letter : letter.datagram;
      station.host.receive(this.now, datagram, from);
    }
  }

  /** Takes what a station has to send now. */
  collect(station: Station): Uint8Array<ArrayBuffer>[] {
    return station.outbox(this.now).map(({ datagram }) => datagram);
  }

  /** Lets both talk until neither has anything to say for now; what is `lost` does not arrive. */
  talk(lost: (from: Station, datagram: Uint8Array) => boolean = () => false) {
    for (;;) {
      const fromClient = this.collect(this.client)
        .filter((datagram) => !lost(this.client, datagram));
      const fromServer = this.collect(this.server)
        .filter((datagram) => !lost(this.server, datagram));
      if (fromClient.length + fromServer.length === 0) return;
      this.pause(HOP);
      this.deliver(this.server, fromClient);
      this.deliver(this.client, fromServer);
    }
  }

  /** Lets time pass at once, as if both stood still meanwhile. */
  pause(milliseconds: number): void {
    this.now += milliseconds;
    this.wake();
  }

  /** Lets time pass, and both talk as they like. */
  pass(
    milliseconds: number,
    lost?: (from: Station, datagram: Uint8Array) => boolean,
  ): void {
    const end = this.now + milliseconds;
    this.talk(lost);
    while (this.now < end) {
      if (this.deadline <= this.now) throw new Error("Woken for nothing");
      this.now = Math.min(end, this.deadline);
      this.wake();
      this.talk(lost);
    }
  }

  wake(): void {
    this.client.host.wake(this.now);
    this.server.host.wake(this.now);
  }

  get deadline(): number {
    return Math.min(this.client.host.deadline, this.server.host.deadline);
  }
}

/** Reads all that is there. */
export function readAll(connection: Connection): Uint8Array {
  const bytes = new Uint8Array(connection.readable);
  assertEquals(connection.read(bytes), bytes.length);
  return bytes;
}

/** What a datagram is, in a few words: its flags, and how many bytes it carries. */
export function gist(datagram: Uint8Array): string {
  const { flags, payload } = draftOf(datagram);
  return [flagNames(flags), payload.length || ""].join(" ").trim();
}
