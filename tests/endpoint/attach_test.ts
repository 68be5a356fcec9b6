import { assert, assertEquals } from "@std/assert";
import "../support/libraries.ts";
import { Endpoint } from "../../lib/endpoint/endpoint.ts";
import type { DatagramProtocol } from "../../lib/protocol/demux/datagram_protocol.ts";
import {
  decodeSideDatagram,
  encodeSideDatagram,
  SideMark,
} from "../../lib/protocol/wire/side_datagram.ts";
import { readAll } from "../support/streams.ts";
import { acceptOne, connect } from "./connect.ts";

const { MEET } = SideMark;
const SIDE = { port: 0, timeout: 10_000, mtu: 1500 };

/** Counts up what it receives, and answers until that is `last`. */
class Counter implements DatagramProtocol<Deno.NetAddr> {
  readonly #last: number;
  readonly #outgoing: { bytes: Uint8Array; to: Deno.NetAddr }[] = [];
  readonly done = Promise.withResolvers<void>();
  received: number[] = [];

  constructor(last: number) {
    this.#last = last;
  }

  receive(_now: number, datagram: Uint8Array, from: Deno.NetAddr): boolean {
    const said = decodeSideDatagram(MEET, datagram);
    if (said === undefined) return false;
    this.received.push(said.kind);
    if (said.kind < this.#last) this.send(said.kind + 1, from);
    if (said.kind >= this.#last - 1) this.done.resolve();
    return true;
  }

  send(kind: number, to: Deno.NetAddr): void {
    const body = new Uint8Array(kind);
    this.#outgoing.push({
      bytes: encodeSideDatagram(MEET, { kind, body }),
      to,
    });
  }

  poll() {
    return this.#outgoing.shift();
  }

  get deadline(): number {
    return this.#outgoing.length > 0 ? -Infinity : Infinity;
  }
}

for (const hostname of ["127.0.0.1", "::1", undefined]) {
  const shown = hostname ?? "by IPv4 between sockets of both families";
  Deno.test(`another protocol shares the sockets before, during and after a connection (${shown})`, async () => {
    const server = Endpoint.listen({ ...SIDE, hostname });
    const client = Endpoint.listen({ ...SIDE, hostname });
    const host = hostname ?? "127.0.0.1";
    const exchange = async () => {
      const counters = [new Counter(20), new Counter(20)] as const;
      const [atServer, atClient] = counters;
      server.attach(atServer);
      client.attach(atClient);
      atClient.send(1, await client.resolve(host, server.port));
      client.flush();
      await Promise.all(counters.map(({ done }) => done.promise));
      assertEquals(atServer.received, [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
      server.detach(atServer);
      client.detach(atClient);
    };
    await exchange();
    const accepting = acceptOne(server);
    const channel = await connect(client, server.port, host);
    await channel.write(Uint8Array.of(1));
    const accepted = await accepting;
    const reading = readAll(accepted);
    const bytes = new Uint8Array(300_000).fill(7);
    await Promise.all([channel.write(bytes), exchange()]);
    await channel.closeWrite();
    const read = await reading;
    assertEquals(read.length, 1 + bytes.length);
    assert(read.subarray(1).every((byte) => byte === 7));
    await accepted.closeWrite();
    await readAll(channel);
    await Promise.all([channel.closed, accepted.closed]);
    await exchange();
    await Promise.all([client.close(), server.close()]);
  });
}
