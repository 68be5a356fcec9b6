import { GROUP_IPV4, GROUP_IPV6, HOPS, QUESTION_PORT } from "./group.ts";
import { type OwnAddress, ownAddresses } from "./own_addresses.ts";

/** Addresses of this machine from which questions are asked. */
const MAX_SOCKETS = 64;
/** Bytes of the longest answer, and more. */
const BUFFER_SIZE = 512;

/** Is called with each datagram that arrives. */
export type OnDatagram = (datagram: Uint8Array, from: Deno.NetAddr) => void;

/**
 * A socket for each address of this machine: what is sent from one leaves by its
 * interface, also where no route says which.
 */
export class QuestionSockets {
  readonly #bind: string | undefined;
  readonly #onDatagram: OnDatagram;
  readonly #sockets = new Map<string, Promise<QuestionSocket | undefined>>();

  /** @param bind the only address to ask from */
  constructor(bind: string | undefined, onDatagram: OnDatagram) {
    this.#bind = bind;
    this.#onDatagram = onDatagram;
  }

  /** Sends to the groups and to all in the networks that this machine is in now. */
  send(datagram: Uint8Array): void {
    for (const address of ownAddresses(this.#bind).slice(0, MAX_SOCKETS)) {
      const { hostname } = address;
      let socket = this.#sockets.get(hostname);
      if (socket === undefined) {
        socket = QuestionSocket.open(address, this.#onDatagram);
        this.#sockets.set(hostname, socket);
      }
      socket.then((socket) => socket?.send(datagram));
    }
  }

  /** Closes them all. */
  async close(): Promise<void> {
    const sockets = await Promise.all(this.#sockets.values());
    await Promise.all(sockets.map((socket) => socket?.close()));
  }
}

class QuestionSocket {
  readonly #datagrams: Deno.DatagramConn;
  readonly #destinations: readonly string[];
  readonly #receiving: Promise<void>;
  #closed = false;

  private constructor(
    datagrams: Deno.DatagramConn,
    { broadcast, bytes }: OwnAddress,
    onDatagram: OnDatagram,
  ) {
    this.#datagrams = datagrams;
    const group = bytes.length === 4 ? GROUP_IPV4 : GROUP_IPV6;
    this.#destinations = broadcast === undefined ? [group] : [group, broadcast];
    this.#receiving = this.#receive(onDatagram);
  }

  /** @returns `undefined` where that is not possible: the address is gone again */
  static async open(
    address: OwnAddress,
    onDatagram: OnDatagram,
  ): Promise<QuestionSocket | undefined> {
    try {
      const { hostname } = address;
      const datagrams = Deno.listenDatagram({
        transport: "udp",
        hostname,
        port: 0,
      });
      // An IPv6 group of a link passes no router anyway
      if (address.bytes.length === 4) await setHops(datagrams, hostname);
      return new QuestionSocket(datagrams, address, onDatagram);
    } catch {
      return undefined;
    }
  }

  async send(datagram: Uint8Array): Promise<void> {
    for (const hostname of this.#destinations) {
      const to = { transport: "udp", hostname, port: QUESTION_PORT } as const;
      // A network that is gone may come back, and others may be there
      if (!this.#closed) await this.#datagrams.send(datagram, to).catch(noop);
    }
  }

  async #receive(onDatagram: OnDatagram): Promise<void> {
    const buffer = new Uint8Array(BUFFER_SIZE);
    while (!this.#closed) {
      try {
        const [datagram, from] = await this.#datagrams.receive(buffer);
        if (!this.#closed) onDatagram(datagram, from as Deno.NetAddr);
      } catch {
        // An ICMP message about a question, or the end
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#datagrams.close();
    await this.#receiving;
  }
}

/** Only to an own membership Deno gives a number of hops; loopback has none. */
async function setHops(
  datagrams: Deno.DatagramConn,
  hostname: string,
): Promise<void> {
  try {
    const membership = await datagrams.joinMulticastV4(GROUP_IPV4, hostname);
    await membership.setTTL(HOPS);
  } catch {
    // Most systems have 1 by themselves
  }
}

function noop(): void {}
