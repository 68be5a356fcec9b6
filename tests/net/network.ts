import { EventQueue } from "./event_queue.ts";
import type { Link } from "./link.ts";

/** Something that sends and receives datagrams in virtual time. All times are in ms. */
export interface Node {
  /** Takes a datagram. The bytes are reused as soon as it returns. */
  receive(now: number, datagram: Uint8Array, from: string): void;
  /**
   * Writes the next datagram to be sent now into `into`, which has room for the
   * largest that UDP carries.
   *
   * @returns its length in bytes and where it goes; `undefined` if there is none
   */
  poll(
    now: number,
    into: Uint8Array,
  ): { length: number; to: string } | undefined;
  /** When it wants to be woken next; `Infinity` for never. */
  nextWake(): number;
  /** The time it asked for has come. */
  wake(now: number): void;
}

/** What happens to a datagram, for whoever looks on. The bytes are reused afterwards. */
export interface Sighting {
  readonly what: "sent" | "delivered" | "dropped";
  readonly now: number;
  readonly from: string;
  readonly to: string;
  readonly datagram: Uint8Array;
}

/** A node and what the network knows of it. */
interface Member {
  address: string;
  readonly node: Node;
  readonly routes: Map<string, Route>;
  wakeAt: number;
  /** Whether it may have something to send. */
  stirred: boolean;
}

/** From one address to another. */
interface Route {
  readonly from: string;
  readonly to: string;
  readonly links: readonly Link[];
  /** Who lives at `to`, if anybody (still) does. */
  target: Member | undefined;
}

const MAX_DATAGRAM = 65_535;
const SMALL_BUFFER = 2_048;
/** A node that sends as many at one time will never stop. */
const MAX_DATAGRAMS_AT_ONCE = 200_000;
/** Nodes that are woken as often with nothing coming of it always will be. */
const MAX_IDLE_TURNS = 10_000;

/**
 * A network in virtual time: nodes with addresses, and routes between them over
 * links. Runs as fast as the nodes do, and in the same way each time.
 *
 * @example
 * ```ts
 * const network = new Network();
 * network.add("a", sender);
 * network.add("b", receiver);
 * network.route("a", "b", new Link({ delay: 10, loss: 0.1 }, 1));
 * network.route("b", "a", new Link({ delay: 10 }, 2));
 * network.run(60_000, () => receiver.done);
 * ```
 */
export class Network {
  /** Called for every datagram, where set. */
  onSighting: ((sighting: Sighting) => void) | undefined;

  readonly #members = new Map<string, Member>();
  readonly #arrivals = new EventQueue();
  readonly #flights = new Flights();
  readonly #outgoing = new Uint8Array(MAX_DATAGRAM);
  #now = 0;
  #idleTurns = 0;

  /** Virtual time, ms. */
  get now(): number {
    return this.#now;
  }

  /** Datagrams on their way. */
  get inFlight(): number {
    return this.#arrivals.size;
  }

  /** Lets `node` live at `address`. */
  add(address: string, node: Node): void {
    this.#members.set(address, {
      address,
      node,
      routes: new Map(),
      wakeAt: Infinity,
      stirred: false,
    });
  }

  /** Leads what goes from one address to another over `links`, one after the other. */
  route(from: string, to: string, ...links: Link[]): void {
    const target = this.#members.get(to);
    this.#member(from).routes.set(to, { from, to, links, target });
  }

  /**
   * Moves a node to another address, with its routes, as when a NAT forgets its
   * mapping. What is on its way to the old address is lost.
   */
  readdress(from: string, to: string): void {
    const moved = this.#member(from);
    this.#members.delete(from);
    this.#members.set(to, moved);
    moved.address = to;
    for (const [peer, route] of moved.routes) {
      moved.routes.set(peer, { ...route, from: to });
    }
    for (const { routes } of this.#members.values()) {
      const old = routes.get(from);
      if (!old) continue;
      routes.set(to, { ...old, to });
      old.target = undefined;
    }
  }

  /**
   * Lets time pass until `until`, ms, or until `stop` holds, which is asked
   * whenever something has happened.
   *
   * @returns whether `stop` held
   * @throws {Error} if nodes are busy without end and without time passing
   */
  run(until: number, stop: () => boolean = () => false): boolean {
    // Whoever owns a node may have used it since the last run.
    for (const member of this.#members.values()) member.stirred = true;
    this.#settle();
    while (!stop()) {
      const next = this.#nextTime();
      if (next > until || next === Infinity) {
        if (until !== Infinity) this.#now = Math.max(this.#now, until);
        return false;
      }
      this.#passTo(next);
      while (this.#arrivals.nextTime <= this.#now) {
        this.#arrive(this.#arrivals.pop());
      }
      for (const member of this.#members.values()) {
        if (member.wakeAt > this.#now) continue;
        member.node.wake(this.#now);
        member.stirred = true;
      }
      this.#settle();
    }
    return true;
  }

  #nextTime(): number {
    let next = this.#arrivals.nextTime;
    for (const { wakeAt } of this.#members.values()) {
      if (wakeAt < next) next = wakeAt;
    }
    return next;
  }

  #passTo(time: number): void {
    const idle = time <= this.#now && this.#arrivals.nextTime > this.#now;
    this.#idleTurns = idle ? this.#idleTurns + 1 : 0;
    if (this.#idleTurns > MAX_IDLE_TURNS) {
      throw new Error(`Woken for nothing, again and again, at ${this.#now} ms`);
    }
    this.#now = Math.max(this.#now, time);
  }

  /** Sends all that the stirred nodes have to send, and asks them when to wake them. */
  #settle(): void {
    for (const member of this.#members.values()) {
      if (!member.stirred) continue;
      member.stirred = false;
      for (let sent = 0;; sent++) {
        const datagram = member.node.poll(this.#now, this.#outgoing);
        if (!datagram) break;
        if (sent > MAX_DATAGRAMS_AT_ONCE) {
          throw new Error(`${member.address} sends without end`);
        }
        this.#send(member, datagram.to, datagram.length);
      }
      member.wakeAt = member.node.nextWake();
    }
  }

  #send(member: Member, to: string, length: number): void {
    this.#idleTurns = 0;
    const route = member.routes.get(to);
    const datagram = this.#outgoing.subarray(0, length);
    this.#tell("sent", member.address, to, datagram);
    if (!route) this.#tell("dropped", member.address, to, datagram);
    else this.#enter(route, 0, datagram);
  }

  /** Takes a datagram to the `hop`th link of its route. */
  #enter(route: Route, hop: number, datagram: Uint8Array): void {
    const link = route.links[hop];
    if (!link) {
      this.#take(route, hop, this.#now, datagram);
      return;
    }
    const copies = link.enter(this.#now, datagram.length);
    if (copies === 0) this.#tell("dropped", route.from, route.to, datagram);
    for (let copy = 0; copy < copies; copy++) {
      const exit = link.exits[copy];
      const flight = this.#take(route, hop + 1, exit!, datagram);
      if (!link.damaged[copy]) continue;
      const length = link.damage(this.#flights.datagram(flight));
      this.#flights.truncate(flight, length);
    }
  }

  #take(route: Route, hop: number, at: number, datagram: Uint8Array): number {
    const flight = this.#flights.begin(route, hop, datagram);
    this.#arrivals.push(at, flight);
    return flight;
  }

  #arrive(flight: number): void {
    const datagram = this.#flights.datagram(flight);
    const route = this.#flights.route(flight);
    const hop = this.#flights.hop(flight);
    if (hop < route.links.length) {
      this.#enter(route, hop, datagram);
    } else if (route.target) {
      this.#tell("delivered", route.from, route.to, datagram);
      route.target.node.receive(this.#now, datagram, route.from);
      route.target.stirred = true;
    } else {
      this.#tell("dropped", route.from, route.to, datagram);
    }
    this.#flights.end(flight);
  }

  #tell(
    what: Sighting["what"],
    from: string,
    to: string,
    datagram: Uint8Array,
  ): void {
    this.onSighting?.({ what, now: this.#now, from, to, datagram });
  }

  #member(address: string): Member {
    const member = this.#members.get(address);
    if (!member) throw new Error(`Nobody lives at this address: ${address}`);
    return member;
  }
}

/** Datagrams on their way, each known by a small number that is used again. */
class Flights {
  readonly #routes: Route[] = [];
  readonly #hops: number[] = [];
  readonly #buffers: Uint8Array[] = [];
  readonly #datagrams: Uint8Array[] = [];
  readonly #free: number[] = [];

  begin(route: Route, hop: number, datagram: Uint8Array): number {
    const flight = this.#free.pop() ?? this.#routes.length;
    const { length } = datagram;
    let buffer = this.#buffers[flight];
    if (!buffer || buffer.length < length) {
      buffer = new Uint8Array(length > SMALL_BUFFER ? length : SMALL_BUFFER);
      this.#buffers[flight] = buffer;
    }
    buffer.set(datagram);
    this.#routes[flight] = route;
    this.#hops[flight] = hop;
    this.#datagrams[flight] = buffer.subarray(0, length);
    return flight;
  }

  route(flight: number): Route {
    return this.#routes[flight]!;
  }

  /** How many links of its route it has passed. */
  hop(flight: number): number {
    return this.#hops[flight]!;
  }

  datagram(flight: number): Uint8Array {
    return this.#datagrams[flight]!;
  }

  truncate(flight: number, length: number): void {
    this.#datagrams[flight] = this.#buffers[flight]!.subarray(0, length);
  }

  end(flight: number): void {
    this.#free.push(flight);
  }
}
