import { type OnDatagram, SideSocket } from "../side_socket.ts";
import { isIPv6 } from "../socket/address.ts";
import { GROUP_IPV4, GROUP_IPV6, QUESTION_PORT } from "./group.ts";
import { isOnLink, type OwnAddress, ownAddresses } from "./own_addresses.ts";

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

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#sockets.map((socket) => socket.close()));
  }
}

class GroupSocket {
  readonly #socket: SideSocket;
  /** Bytes of an address. */
  readonly #size: number;
  /** The groups it is in, as addresses of interfaces or their numbers. */
  readonly #joined = new Set<string | number>();

  private constructor(size: number, onDatagram: OnDatagram) {
    const hostname = size === 4 ? "0.0.0.0" : "::";
    const address = { hostname, port: QUESTION_PORT, reuseAddress: true };
    this.#size = size;
    this.#socket = new SideSocket(address, (datagram, from) => {
      // What is IPv4 comes to the other socket, too
      if (isIPv6(from) === (size === 16)) onDatagram(datagram, from);
    });
  }

  /** None where that is not possible. */
  static open(size: number, onDatagram: OnDatagram): GroupSocket[] {
    try {
      return [new GroupSocket(size, onDatagram)];
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
      const { datagrams } = this.#socket;
      const joining = typeof place === "string"
        ? datagrams.joinMulticastV4(GROUP_IPV4, place)
        : datagrams.joinMulticastV6(GROUP_IPV6, place);
      // Broadcasts come all the same
      joining.catch(() => this.#joined.delete(place));
    }
  }

  close(): Promise<void> {
    return this.#socket.close();
  }
}
