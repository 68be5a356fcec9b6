import { EventQueue } from "./event_queue.ts";
import { type Conditions, Link } from "./link.ts";
import { portOf, udpSocket } from "./udp.ts";

/** From the client to the server, or back. */
export type Direction = "up" | "down";

/** Options of {@linkcode Relay.start}. */
export interface RelayOptions {
  /** Where datagrams for clients' peer go. An IPv4 address and a port. */
  to: { hostname: string; port: number };
  /** What happens to datagrams on the way up; blackouts count from the start. */
  up?: Conditions;
  /** What happens to datagrams on the way down. As on the way up unless given. */
  down?: Conditions;
  /** Makes the same decisions again, in the order in which datagrams come. */
  seed?: number;
  /** Sees each datagram before anything happens to it; `false` drops it. */
  onDatagram?: (datagram: Uint8Array, direction: Direction) => boolean | void;
}

/** How a datagram leaves. */
interface Way {
  socket: Deno.DatagramConn;
  to: Deno.NetAddr;
}

/** A datagram that waits for its time. */
interface Departure {
  datagram: Uint8Array;
  way: Way;
}

const BUFFER_SIZE = 65_536;
/** Sends under way for each socket before it waits for one of them. */
const SENDS_AT_ONCE = 16;

/**
 * A bad network for real processes: it takes datagrams at one UDP port, does to
 * them what its links decide, and passes them on. Each client gets a socket of
 * its own towards the server, as behind a NAT.
 *
 * @example
 * ```ts
 * await using relay = Relay.start({
 *   to: { hostname: "127.0.0.1", port: 5000 },
 *   up: { loss: 0.2, reorder: 0.2 },
 * });
 * console.log(`Send to port ${relay.port}`);
 * ```
 */
export class Relay {
  /** Where clients send to. */
  readonly port: number;
  /** The client that was heard of last. */
  client: Deno.NetAddr | undefined;
  readonly up: Link;
  readonly down: Link;
  readonly #options: RelayOptions;
  readonly #server: Deno.NetAddr;
  readonly #socket: Deno.DatagramConn;
  readonly #waysUp = new Map<string, Way>();
  readonly #pumps: Promise<void>[] = [];
  readonly #departures = new EventQueue();
  readonly #waiting: (Departure | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #start = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #closed = false;
  #outside: string | undefined;

  private constructor(options: RelayOptions, socket: Deno.DatagramConn) {
    const { to, up = {}, down = up, seed = 1 } = options;
    this.#options = options;
    this.#server = { transport: "udp", ...to };
    this.#socket = socket;
    this.port = portOf(socket);
    this.up = new Link(up, seed);
    this.down = new Link(down, seed + 1);
    this.#pumps.push(
      this.#pump(socket, "up", (client) => this.#wayUp(client)),
    );
  }

  /** Begins to listen and to pass datagrams on. */
  static start(options: RelayOptions): Relay {
    return new Relay(options, udpSocket());
  }

  /** Lets nothing pass, either way, until {@linkcode Relay.lighten}. */
  darken(): void {
    this.up.dark = this.down.dark = true;
  }

  /** Lets datagrams pass again. */
  lighten(): void {
    this.up.dark = this.down.dark = false;
  }

  /**
   * Forgets its clients, as a NAT may: what they send leaves by other ports from
   * now on, and from the address `hostname`.
   */
  move(hostname: string): void {
    this.#outside = hostname;
    for (const { socket } of this.#waysUp.values()) socket.close();
    this.#waysUp.clear();
  }

  /** Says something in the server's name to the client that was heard of last. */
  async say(datagram: Uint8Array): Promise<void> {
    await this.#send(datagram, { socket: this.#socket, to: this.client! });
  }

  /** Stops at once; what was on its way is lost. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket.close();
    for (const { socket } of this.#waysUp.values()) socket.close();
    await Promise.all(this.#pumps);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #now(): number {
    return performance.now() - this.#start;
  }

  /** From a client to the server, by a socket of the client's own. */
  #wayUp(client: Deno.NetAddr): Way {
    this.client = client;
    const key = `${client.hostname}:${client.port}`;
    let way = this.#waysUp.get(key);
    if (!way) {
      const local = this.#server.hostname.startsWith("127.");
      const here = local ? "127.0.0.1" : "0.0.0.0";
      const socket = udpSocket(this.#outside ?? here);
      way = { socket, to: this.#server };
      this.#waysUp.set(key, way);
      const back = { socket: this.#socket, to: client };
      this.#pumps.push(this.#pump(socket, "down", () => back));
    }
    return way;
  }

  /**
   * Takes all that arrives at a socket. The kernel keeps few datagrams for it, so
   * it does not wait for what it sends, unless very much is still being sent.
   */
  async #pump(
    socket: Deno.DatagramConn,
    direction: Direction,
    wayFor: (from: Deno.NetAddr) => Way,
  ): Promise<void> {
    const { onDatagram } = this.#options;
    const sends: (Promise<unknown> | undefined)[] = [];
    const buffers = Array.from(
      { length: SENDS_AT_ONCE },
      () => new Uint8Array(BUFFER_SIZE),
    );
    for (let i = 0;; i = (i + 1) % SENDS_AT_ONCE) {
      await sends[i];
      let received;
      try {
        received = await socket.receive(buffers[i]);
      } catch (error) {
        if (this.#closed || isClosed(error)) break;
        // What the server's machine says of a closed port concerns nobody here.
        if (error instanceof Deno.errors.ConnectionRefused) continue;
        throw error;
      }
      const [datagram, from] = received;
      if (onDatagram?.(datagram, direction) === false) continue;
      sends[i] = this.#carry(direction, datagram, wayFor(from as Deno.NetAddr));
    }
    await Promise.all(sends);
  }

  /** Does to a datagram what the link decides. Resolves once its buffer is free. */
  #carry(
    direction: Direction,
    datagram: Uint8Array,
    way: Way,
  ): Promise<unknown> | undefined {
    const link = direction === "up" ? this.up : this.down;
    const now = this.#now;
    const copies = link.enter(now, datagram.length);
    let sent: Promise<unknown> | undefined;
    for (let copy = 0; copy < copies; copy++) {
      if (link.exits[copy]! <= now && !link.damaged[copy]) {
        sent = this.#send(datagram, way);
        continue;
      }
      const own = datagram.slice();
      const length = link.damaged[copy] ? link.damage(own) : own.length;
      this.#defer(link.exits[copy]!, {
        datagram: own.subarray(0, length),
        way,
      });
    }
    return sent;
  }

  #send(datagram: Uint8Array, { socket, to }: Way): Promise<unknown> {
    // What the kernel does not take is lost.
    return socket.send(datagram, to).catch(() => {});
  }

  #defer(time: number, departure: Departure): void {
    const slot = this.#free.pop() ?? this.#waiting.length;
    this.#waiting[slot] = departure;
    this.#departures.push(time, slot);
    this.#schedule();
  }

  #schedule(): void {
    const next = this.#departures.nextTime;
    if (next >= this.#timerAt || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.#depart();
    }, Math.max(0, next - this.#now));
  }

  /** Sends all whose time has come. */
  #depart(): void {
    const now = this.#now;
    while (this.#departures.nextTime <= now) {
      const slot = this.#departures.pop();
      const departure = this.#waiting[slot];
      this.#waiting[slot] = undefined;
      this.#free.push(slot);
      if (departure) this.#send(departure.datagram, departure.way);
    }
    this.#schedule();
  }
}

/** Whether a socket was closed while it waited. */
function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted;
}
