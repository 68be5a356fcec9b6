import { Prng } from "../../lib/base/prng.ts";
import type { Address } from "../../lib/protocol/connection/address.ts";
import { DEFAULT_CONFIG } from "../../lib/protocol/connection/config.ts";
import type { Connection } from "../../lib/protocol/connection/connection.ts";
import { Demultiplexer } from "../../lib/protocol/demux/demultiplexer.ts";
import { Nat, type NatKind } from "../net/nat.ts";

export const RELAY: Address = { hostname: "203.0.113.9", port: 5050 };
/** Milliseconds of every way. */
const DELAY = 10;
const PORT = 5000;

/** What a relay passes on in place of a datagram. */
export type Meddle = (datagram: Uint8Array, from: "a" | "b") => Uint8Array[];

interface Side {
  readonly name: "a" | "b";
  readonly hostname: string;
  readonly nat: Nat;
  readonly demultiplexer: Demultiplexer<Address>;
}

interface Flight {
  readonly at: number;
  readonly from: Address;
  readonly to: Address;
  readonly datagram: Uint8Array;
}

/**
 * A client and a server behind NATs, which a relay has made a pair, in virtual
 * time. The client sends; both tell each other their addresses.
 */
export class Internet {
  now = 0;
  /** Whether datagrams between the two pass without the relay. */
  blocked = false;
  /** Whether the relay works. */
  relays = true;
  meddle: Meddle = (datagram) => [datagram];
  readonly client: Connection;
  server: Connection | undefined;
  readonly a: Side;
  readonly b: Side;
  /** Bytes that arrived at the server. */
  received = 0;
  /** Datagrams that went from side to side without the relay. */
  direct = 0;
  #flights: Flight[] = [];
  #isAccepted = false;
  readonly #into = new Uint8Array(65_536);

  constructor(kinds: Record<"a" | "b", NatKind>, seed = 1) {
    const prng = new Prng(seed);
    const side = (name: "a" | "b", hostname: string): Side => ({
      name,
      hostname,
      nat: new Nat(kinds[name], hostname, RELAY),
      demultiplexer: new Demultiplexer<Address>({
        config: DEFAULT_CONFIG,
        random: () => prng.uint32(),
      }),
    });
    this.a = side("a", "198.51.100.1");
    this.b = side("b", "198.51.100.2");
    this.b.demultiplexer.listening = true;
    // It has asked the relay for a place
    this.b.nat.outbound(PORT, RELAY);
    this.client = this.a.demultiplexer.connect(0, RELAY);
    this.a.demultiplexer.relay(this.client);
  }

  /** Where a side's datagrams go. */
  pathOf(side: "a" | "b"): Address | undefined {
    const connection = side === "a" ? this.client : this.server;
    return connection && this[side].demultiplexer.peerOf(connection);
  }

  /** Whether both send without the relay. */
  get isDirect(): boolean {
    return (["a", "b"] as const).every((side) => {
      const { hostname } = this.pathOf(side) ?? RELAY;
      return hostname !== RELAY.hostname;
    });
  }

  /** Both tell each other where the relay sees them. */
  tell(): void {
    const { a, b, server } = this;
    const seen = (side: Side) => side.nat.outbound(PORT, RELAY)!;
    a.demultiplexer.tryDirectly(this.now, this.client, [seen(b)]);
    b.demultiplexer.tryDirectly(this.now, server!, [seen(a)]);
  }

  /** Lets `time` milliseconds pass. */
  pass(time: number): void {
    const end = this.now + time;
    for (;;) {
      for (const side of [this.a, this.b]) this.#sendAll(side);
      const next = Math.min(
        this.a.demultiplexer.deadline,
        this.b.demultiplexer.deadline,
        ...this.#flights.map(({ at }) => at),
      );
      if (next > end) break;
      this.now = Math.max(this.now, next);
      const due = this.#flights.filter(({ at }) => at <= this.now);
      this.#flights = this.#flights.filter(({ at }) => at > this.now);
      for (const flight of due) this.#arrive(flight);
      for (const { demultiplexer } of [this.a, this.b]) {
        if (demultiplexer.deadline <= this.now) demultiplexer.wake(this.now);
      }
    }
    this.now = end;
  }

  #sendAll({ nat, demultiplexer }: Side): void {
    for (;;) {
      const sent = demultiplexer.poll(this.now, this.#into);
      if (sent === undefined) return;
      const from = nat.outbound(PORT, sent.to);
      if (from === undefined) continue;
      const datagram = this.#into.slice(0, sent.length);
      const isToRelay = sent.to.hostname === RELAY.hostname;
      if (!isToRelay && this.blocked) continue;
      if (!isToRelay) this.direct++;
      this.inject(from, sent.to, datagram);
    }
  }

  /** A datagram is on its way. */
  inject(from: Address, to: Address, datagram: Uint8Array): void {
    this.#flights.push({ at: this.now + DELAY, from, to, datagram });
  }

  #arrive({ from, to, datagram }: Flight): void {
    if (to.hostname === RELAY.hostname) {
      if (!this.relays) return;
      const [source, target] = from.hostname === this.a.hostname
        ? [this.a, this.b]
        : [this.b, this.a];
      const seen = target.nat.outbound(PORT, RELAY)!;
      for (const passed of this.meddle(datagram, source.name)) {
        this.inject(RELAY, seen, passed);
      }
      return;
    }
    const side = to.hostname === this.a.hostname ? this.a : this.b;
    if (side.nat.inbound(to.port, from) === undefined) return;
    side.demultiplexer.receive(this.now, datagram, from);
    if (side === this.b) this.#serve();
  }

  #serve(): void {
    const incoming = this.b.demultiplexer.nextIncoming();
    if (incoming !== undefined) {
      this.server = incoming;
      this.b.demultiplexer.relay(incoming);
    }
    const { server } = this;
    if (server === undefined) return;
    if (server.established && !this.#isAccepted) {
      this.#isAccepted = this.b.demultiplexer.accept(server);
    }
    this.received += server.read(new Uint8Array(2 ** 20));
  }
}
