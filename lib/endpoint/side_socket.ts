/** Bytes of the longest datagram that is expected: one of PCP (RFC 6887, section 7). */
const BUFFER_SIZE = 1100;

/** Is called with each datagram that arrives, whose bytes are valid until it returns. */
export type OnDatagram = (datagram: Uint8Array, from: Deno.NetAddr) => void;

/** A UDP socket beside that of the connections, for few and small datagrams. */
export class SideSocket {
  readonly datagrams: Deno.DatagramConn;
  readonly #receiving: Promise<void>;
  #sending = Promise.resolve();
  #closed = false;

  /** @throws what Deno throws if the address cannot be bound */
  constructor(
    address: { hostname: string; port: number; reuseAddress?: boolean },
    onDatagram: OnDatagram,
  ) {
    this.datagrams = Deno.listenDatagram({ transport: "udp", ...address });
    this.#receiving = this.#receive(onDatagram);
  }

  async #receive(onDatagram: OnDatagram): Promise<void> {
    const buffer = new Uint8Array(BUFFER_SIZE);
    while (!this.#closed) {
      try {
        const [datagram, from] = await this.datagrams.receive(buffer);
        if (!this.#closed) onDatagram(datagram, from as Deno.NetAddr);
      } catch {
        // An ICMP message about an earlier datagram, or the end
      }
    }
  }

  /** Sends one after the other; what cannot be sent counts as lost. */
  send(datagram: Uint8Array, hostname: string, port: number): void {
    const to = { transport: "udp", hostname, port } as const;
    this.enqueue(() => this.datagrams.send(datagram, to));
  }

  /** Does this before what is sent from now on, and goes on if it fails. */
  enqueue(step: () => Promise<unknown>): void {
    this.#sending = this.#sending.then(step).then(noop, noop);
  }

  /** Sends what is left, and closes the socket. */
  async close(): Promise<void> {
    await this.#sending;
    this.#closed = true;
    this.datagrams.close();
    await this.#receiving;
  }
}

function noop(): void {}
