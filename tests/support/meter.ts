import { Relay, type RelayOptions } from "../net/relay.ts";
import { pause } from "./wait.ts";

/** A relay to a receiver, from the time its port is known, which counts what a sender sends. */
export class Meter {
  bytes = 0;
  relay: Relay | undefined;
  readonly #options: Omit<RelayOptions, "to">;

  /** @param options of the relay */
  constructor(options: Omit<RelayOptions, "to"> = {}) {
    this.#options = options;
  }

  /** Relays to this port. @returns the port to send to */
  readonly start = (port: number): number => {
    const { onDatagram, ...options } = this.#options;
    this.relay = Relay.start({
      ...options,
      to: { hostname: "127.0.0.1", port },
      onDatagram: (datagram, direction) => {
        if (direction === "up") this.bytes += datagram.length;
        return onDatagram?.(datagram, direction);
      },
    });
    return this.relay.port;
  };

  /** Waits until so many bytes were sent, or it is over. */
  async reaches(bytes: number, ended: Promise<unknown>): Promise<void> {
    let over = false;
    ended.then(() => over = true);
    while (!over && this.bytes < bytes) await pause(2);
  }

  async close(): Promise<void> {
    await this.relay?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
