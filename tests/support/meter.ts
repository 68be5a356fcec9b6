import { Relay } from "../net/relay.ts";

/** A network that counts what a sender sends. */
export class Meter {
  bytes = 0;
  relay: Relay | undefined;

  start(port: number): number {
    this.relay = Relay.start({
      to: { hostname: "127.0.0.1", port },
      onDatagram: (datagram, direction) => {
        if (direction === "up") this.bytes += datagram.length;
      },
    });
    return this.relay.port;
  }
}
