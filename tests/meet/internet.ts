import type { Address } from "../../lib/protocol/connection/address.ts";
import type { Connection } from "../../lib/protocol/connection/connection.ts";
import { Nat, type NatKind } from "../net/nat.ts";
import { type Flight, World } from "./world.ts";

export const RELAY: Address = { hostname: "203.0.113.9", port: 5050 };
const PORT = 5000;
const HOSTNAMES = ["198.51.100.1", "198.51.100.2"] as const;

/** What a relay passes on in place of a datagram. */
export type Meddle = (datagram: Uint8Array, from: 0 | 1) => Uint8Array[];

/**
 * A client and a server behind NATs, which a relay has made a pair. Both tell each
 * other their addresses.
 */
export class Internet extends World {
  /** Whether datagrams between the two pass without the relay. */
  blocked = false;
  /** Whether the relay works. */
  relays = true;
  meddle: Meddle = (datagram) => [datagram];
  /** Datagrams that went from side to side without the relay. */
  direct = 0;
  readonly nats: readonly [Nat, Nat];
  readonly client: Connection;

  constructor(kinds: readonly [NatKind, NatKind], seed = 1) {
    super(seed);
    const [one, other] = kinds;
    const [client, server] = this.demultiplexers;
    this.nats = [
      new Nat(one, HOSTNAMES[0], RELAY),
      new Nat(other, HOSTNAMES[1], RELAY),
    ];
    server.listening = true;
    // It has asked the relay for a place
    this.seen(1);
    this.client = client.connect(0, RELAY);
    client.relay(this.client);
  }

  /** Where the relay sees the client (0), or the server (1). */
  seen(index: 0 | 1): Address {
    return this.nats[index].outbound(PORT, RELAY)!;
  }

  /** Where the client's datagrams go, and where the server's. */
  get paths(): [Address, Address] {
    const [client, server] = this.demultiplexers;
    return [
      client.peerOf(this.client) ?? RELAY,
      this.server && server.peerOf(this.server) || RELAY,
    ];
  }

  /** Whether both send without the relay. */
  get isDirect(): boolean {
    return this.paths.every(({ hostname }) => hostname !== RELAY.hostname);
  }

  /** Both tell each other where the relay sees them. */
  tell(): void {
    const [client, server] = this.demultiplexers;
    client.tryDirectly(this.now, this.client, [this.seen(1)]);
    server.tryDirectly(this.now, this.server!, [this.seen(0)]);
  }

  /** Lets `time` milliseconds pass. */
  pass(time: number): void {
    this.run(this.now + time);
  }

  protected override send(index: 0 | 1, datagram: Uint8Array, to: Address) {
    const from = this.nats[index].outbound(PORT, to);
    const isDirect = to.hostname !== RELAY.hostname;
    if (from === undefined || isDirect && this.blocked) return;
    if (isDirect) this.direct++;
    this.inject(from, to, datagram);
  }

  protected override arrive(flight: Flight): void {
    const { from, to, datagram } = flight;
    if (to.hostname !== RELAY.hostname) {
      const index = to.hostname === HOSTNAMES[0] ? 0 : 1;
      const isLetIn = this.nats[index].inbound(to.port, from) !== undefined;
      if (isLetIn) this.receive(index, flight);
    } else if (this.relays) {
      const index = from.hostname === HOSTNAMES[0] ? 0 : 1;
      for (const passed of this.meddle(datagram, index)) {
        this.inject(RELAY, this.seen(index === 0 ? 1 : 0), passed);
      }
    }
  }

  protected override onIncoming(connection: Connection): void {
    this.demultiplexers[1].relay(connection);
  }
}
