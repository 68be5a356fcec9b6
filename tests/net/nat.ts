import type { Address } from "../../lib/protocol/connection/address.ts";

/** The usual kinds of NATs. */
export type NatKind =
  /** None: what is behind it has a public address. */
  | "none"
  /** One outer port whatever the destination; lets in who was written to. */
  | "cone"
  /** The same, and lets in everybody at that port. */
  | "full"
  /** Another outer port for each destination. */
  | "hard"
  /** Lets nothing out, and nothing in, but to and from one address. */
  | "shut";

/** Translates addresses of datagrams that pass between a machine and the network. */
export class Nat {
  readonly #kind: NatKind;
  readonly #hostname: string;
  readonly #only: Address;
  /** By inner port, and by destination where that counts: outer ports. */
  readonly #ports = new Map<string, number>();
  /** Outer port, and who was written to from it. */
  readonly #written = new Set<string>();
  #nextPort = 50_000;

  /**
   * @param hostname outside
   * @param only with which a shut one lets talk
   */
  constructor(kind: NatKind, hostname: string, only: Address) {
    this.#kind = kind;
    this.#hostname = hostname;
    this.#only = only;
  }

  /** From where a datagram of the machine behind it comes; `undefined`: it is dropped. */
  outbound(port: number, to: Address): Address | undefined {
    if (this.#kind === "shut" && !isSame(to, this.#only)) return undefined;
    const outer = this.#kind === "none" ? port : this.#outerPort(port, to);
    this.#written.add(`${outer} ${keyOf(to)}`);
    return { hostname: this.#hostname, port: outer };
  }

  #outerPort(port: number, to: Address): number {
    const key = this.#kind === "hard" ? `${port} ${keyOf(to)}` : `${port}`;
    const known = this.#ports.get(key) ?? this.#nextPort++;
    this.#ports.set(key, known);
    return known;
  }

  /** The port at which the machine gets what comes to `port` outside; `undefined`: it is dropped. */
  inbound(port: number, from: Address): number | undefined {
    if (this.#kind === "none") return port;
    const isAsked = this.#written.has(`${port} ${keyOf(from)}`);
    if (this.#kind !== "full" && !isAsked) return undefined;
    for (const [key, outer] of this.#ports) {
      if (outer === port) return Number(key.split(" ")[0]);
    }
    return undefined;
  }
}

function keyOf({ hostname, port }: Address): string {
  return `${hostname} ${port}`;
}

function isSame(one: Address, other: Address): boolean {
  return keyOf(one) === keyOf(other);
}
