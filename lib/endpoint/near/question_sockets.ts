import { type OnDatagram, SideSocket } from "../side_socket.ts";
import { GROUP_IPV4, GROUP_IPV6, HOPS, QUESTION_PORT } from "./group.ts";
import { type OwnAddress, ownAddresses } from "./own_addresses.ts";

/** Addresses of this machine from which questions are asked. */
const MAX_SOCKETS = 64;

/**
 * A socket for each address of this machine: what is sent from one leaves by its
 * interface, also where no route says which.
 */
export class QuestionSockets {
  readonly #bind: string | undefined;
  readonly #onDatagram: OnDatagram;
  readonly #sockets = new Map<string, SideSocket>();

  /** @param bind the only address to ask from */
  constructor(bind: string | undefined, onDatagram: OnDatagram) {
    this.#bind = bind;
    this.#onDatagram = onDatagram;
  }

  /** Sends to the groups and to all in the networks that this machine is in now. */
  send(datagram: Uint8Array): void {
    for (const address of ownAddresses(this.#bind).slice(0, MAX_SOCKETS)) {
      const group = address.bytes.length === 4 ? GROUP_IPV4 : GROUP_IPV6;
      for (const to of [group, address.broadcast ?? []].flat()) {
        this.#socketOf(address)?.send(datagram, to, QUESTION_PORT);
      }
    }
  }

  /** @returns `undefined` where that is not possible: the address is gone again */
  #socketOf({ hostname, bytes }: OwnAddress): SideSocket | undefined {
    const known = this.#sockets.get(hostname);
    if (known !== undefined) return known;
    try {
      const socket = new SideSocket({ hostname, port: 0 }, this.#onDatagram);
      this.#sockets.set(hostname, socket);
      // An IPv6 group of a link passes no router anyway
      if (bytes.length === 4) limitHops(socket, hostname);
      return socket;
    } catch {
      return undefined;
    }
  }

  /** Closes them all. */
  async close(): Promise<void> {
    const sockets = [...this.#sockets.values()];
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}

/**
 * Only to an own membership Deno gives a number of hops. Loopback can have none,
 * and most systems have 1 by themselves.
 */
function limitHops(socket: SideSocket, hostname: string): void {
  socket.enqueue(async () => {
    const { datagrams } = socket;
    const membership = await datagrams.joinMulticastV4(GROUP_IPV4, hostname);
    await membership.setTTL(HOPS);
  });
}
