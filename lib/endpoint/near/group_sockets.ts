import { isIPv6 } from "../socket/address.ts";
import { GROUP_IPV4, GROUP_IPV6, QUESTION_PORT } from "./group.ts";
import { isOnLink, type OwnAddress, ownAddresses } from "./own_addresses.ts";
import type { OnDatagram } from "./question_sockets.ts";

/** Bytes of the longest question, and more. */
const BUFFER_SIZE = 512;
/** Milliseconds after which interfaces are looked at again: a machine may join a network while it waits. */
const REFRESH_INTERVAL = 3000;

/**
 * The sockets that questions come to, on a port that all receivers of a machine
 * share: in the groups, on every interface.
 */
export class GroupSockets {
  readonly #bind: string | undefined;
  readonly #sockets: readonly GroupSocket[];
  readonly #timer: ReturnType<typeof setInterval>;
  #addresses: readonly OwnAddress[] = [];

  /**
   * @param bind the only address to be found at
   * @param onDatagram is called with what comes from networks that this machine is in
   */
  constructor(bind: string | undefined, onDatagram: OnDatagram) {
    this.#bind = bind;
    const take: OnDatagram = (datagram, from) => {
      if (isOnLink(from.hostname, this.#addresses)) onDatagram(datagram, from);
    };
    this.#sockets = [4, 16].flatMap((size) => GroupSocket.open(size, take));
    this.#refresh();
    this.#timer = setInterval(() => this.#refresh(), REFRESH_INTERVAL);
  }

  /** Whether questions can come. */
  get listening(): boolean {
    return this.#sockets.length > 0;
  }

  #refresh(): void {
    this.#addresses = ownAddresses(this.#bind);
    for (const socket of this.#sockets) socket.join(this.#addresses);
  }

  /** Closes them. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#sockets.map((socket) => socket.close()));
  }
}

/** A socket of one family. */
class GroupSocket {
  readonly #datagrams: Deno.DatagramConn;
  /** Bytes of an address. */
  readonly #size: number;
  readonly #receiving: Promise<void>;
  /** The groups it is in, as addresses of interfaces or their numbers. */
  readonly #joined = new Set<string | number>();
  #closed = false;

  private constructor(
    datagrams: Deno.DatagramConn,
    size: number,
    onDatagram: OnDatagram,
  ) {
    this.#datagrams = datagrams;
    this.#size = size;
    this.#receiving = this.#receive(onDatagram);
  }

  /** None where that is not possible. */
  static open(size: number, onDatagram: OnDatagram): GroupSocket[] {
    try {
      const datagrams = Deno.listenDatagram({
        transport: "udp",
        hostname: size === 4 ? "0.0.0.0" : "::",
        port: QUESTION_PORT,
        reuseAddress: true,
      });
      return [new GroupSocket(datagrams, size, onDatagram)];
    } catch {
      return [];
    }
  }

  /** Joins the group on the interfaces with these addresses. */
  join(addresses: readonly OwnAddress[]): void {
    const places = addresses.flatMap(({ hostname, bytes, index }) =>
      bytes.length !== this.#size
        ? []
        : this.#size === 4
        ? hostname
        : index ?? []
    );
    // One that is gone and comes back is joined again
    for (const place of this.#joined) {
      if (!places.includes(place)) this.#joined.delete(place);
    }
    for (const place of places) {
      if (this.#joined.has(place)) continue;
      this.#joined.add(place);
      const joining = typeof place === "string"
        ? this.#datagrams.joinMulticastV4(GROUP_IPV4, place)
        : this.#datagrams.joinMulticastV6(GROUP_IPV6, place);
      // Broadcasts come all the same
      joining.catch(() => this.#joined.delete(place));
    }
  }

  async #receive(onDatagram: OnDatagram): Promise<void> {
    const buffer = new Uint8Array(BUFFER_SIZE);
    while (!this.#closed) {
      try {
        const [datagram, from] = await this.#datagrams.receive(buffer);
        // What is IPv4 comes to the other socket, too
        const isOurs = isIPv6(from as Deno.NetAddr) === (this.#size === 16);
        if (this.#closed || !isOurs) continue;
        onDatagram(datagram, from as Deno.NetAddr);
      } catch {
        // The end
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#datagrams.close();
    await this.#receiving;
  }
}
