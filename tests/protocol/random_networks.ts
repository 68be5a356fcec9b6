import { Random } from "../../lib/base/random.ts";
import { Flag, SYN_SIZE } from "../../lib/protocol/segment.ts";
import type { TraceEvent } from "../../lib/protocol/trace.ts";
import { Link } from "../net/link.ts";
import { Network } from "../net/network.ts";
import { randomScenario, type Scenario, type Side } from "../net/scenario.ts";
import { type Allowance, Auditor } from "./auditor.ts";
import { Peer, type PeerOptions } from "./peer.ts";
import { datagramOf } from "./wire.ts";

/** What came of a transfer in both directions over one random network. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly client: Peer;
  readonly server: Peer;
  /** Milliseconds of virtual time. */
  readonly time: number;
  /** What is wrong, if anything is. */
  readonly fault: string | undefined;
}

/** An hour of virtual time: whoever has not ended by then never will. */
const PATIENCE = 3_600_000;
/** Share of the runs in which somebody else is half open, so that the client needs a cookie. */
const CROWDED = 0.25;
/** Share of the runs in which the client's address changes on the way. */
const MOVING = 0.2;

/** Runs the random network that `seed` gives. */
export function runRandomNetwork(
  seed: number,
  trace?: (side: string, event: TraceEvent) => void,
): Outcome {
  return new Run(randomScenario(seed), trace).outcome();
}

class Run {
  readonly #scenario: Scenario;
  readonly #client: Peer;
  readonly #server: Peer;
  readonly #auditor: Auditor;
  readonly #network = new Network();
  /** When the client moves to another address, in milliseconds. */
  #moveAt = Infinity;
  /** When each connection was over, whatever was still to be read. */
  readonly #overAt: { client?: number; server?: number } = {};
  #fault: string | undefined;

  constructor(
    scenario: Scenario,
    trace?: (side: string, event: TraceEvent) => void,
  ) {
    const { seed, connecting, accepting, forward, backward } = scenario;
    const twists = new Random(seed);
    const crowded = twists.next() < CROWDED;
    if (twists.next() < MOVING) this.#moveAt = 10 ** (4 * twists.next());
    this.#scenario = scenario;
    const client = new Peer({
      ...optionsOf(scenario, connecting, 1),
      trace: trace && ((event) => trace("client", event)),
    }, 2);
    const options = optionsOf(scenario, accepting, 2);
    const server = new Peer({
      ...options,
      config: { ...options.config, maxHalfOpen: crowded ? 1 : 8 },
      trace: trace && ((event) => trace("server", event)),
    }, 1);
    server.host.listening = true;
    if (crowded) server.receive(0, strangersSyn(), "stranger");
    this.#client = client;
    this.#server = server;
    this.#auditor = new Auditor(
      allowanceOf(scenario, connecting),
      allowanceOf(scenario, accepting),
    );
    const network = this.#network;
    network.onSighting = this.#auditor.see;
    network.add("client", client);
    network.add("server", server);
    network.route("client", "server", new Link(forward, 2 * seed));
    network.route("server", "client", new Link(backward, 2 * seed + 1));
  }

  outcome(): Outcome {
    const scenario = this.#scenario;
    const client = this.#client;
    const server = this.#server;
    try {
      this.#run();
      this.#fault ??= this.#auditor.fault ?? this.#delivery() ??
        this.#patience("client") ?? this.#patience("server") ?? this.#rest();
    } catch (error) {
      this.#fault = `${error}`;
    }
    const time = this.#network.now;
    return { scenario, client, server, time, fault: this.#fault };
  }

  #run(): void {
    const network = this.#network;
    this.#client.connect(0, "server");
    const moves = network.run(PATIENCE, () => this.#look() || this.#mayMove());
    if (moves && this.#mayMove()) {
      network.readdress("client", "client, elsewhere");
      network.run(PATIENCE, () => this.#look());
    }
  }

  #mayMove(): boolean {
    return this.#network.now >= this.#moveAt &&
      this.#client.connection!.established;
  }

  /** Looks at both sides after each event; returns whether both have ended. */
  #look(): boolean {
    const client = this.#client;
    const server = this.#server;
    if (client.connection?.ending) this.#overAt.client ??= this.#network.now;
    if (server.connection?.ending) this.#overAt.server ??= this.#network.now;
    this.#fault ??= boundsOf(client, this.#scenario.connecting) ??
      boundsOf(server, this.#scenario.accepting);
    return client.ended && (server.ended || !server.connection);
  }

  /** What was delivered is what was written, all of it unless the network died. */
  #delivery(): string | undefined {
    const { connecting, accepting, deadFrom } = this.#scenario;
    const client = this.#client;
    const server = this.#server;
    const wrong = client.wrongAt ?? server.wrongAt;
    if (wrong !== undefined) return `wrong byte at ${wrong}`;
    if (!client.ended) return "the client never ended";
    if (server.connection && !server.ended) return "the server never ended";
    const endings = [client.connection!.ending, server.connection?.ending];
    const inOrder = endings.includes("done");
    if (deadFrom === Infinity) {
      if (endings.some((ending) => ending !== "done")) {
        return `ended with ${endings.join(" and ")}`;
      }
    } else if (endings.some((ending) => ending && !CLEAN.has(ending))) {
      return `failed with ${endings.join(" and ")}`;
    }
    // Who ends in order has sent all and got all.
    if (!inOrder) return undefined;
    if (server.read !== connecting.bytes) return "bytes missing forward";
    if (client.read !== accepting.bytes) return "bytes missing backward";
    return undefined;
  }

  /** Nobody waits longer than the timeout for somebody who is silent. */
  #patience(side: "client" | "server"): string | undefined {
    const over = this.#overAt[side];
    const limit = this.#auditor.lastHeard[side] + this.#scenario.timeout;
    return over !== undefined && over > limit + 1e-6
      ? `the ${side} ended at ${over} ms, expected ${limit} ms at the latest`
      : undefined;
  }

  /** When all is over nothing is left that would ever wake. */
  #rest(): string | undefined {
    this.#network.run(2 * PATIENCE);
    const left = [this.#client, this.#server].map(({ host }) => host.deadline);
    return left.every((deadline) => deadline === Infinity)
      ? undefined
      : "a host has not forgotten its connections";
  }
}

/** Endings of a connection whose network died. */
const CLEAN: ReadonlySet<string> = new Set(["done", "silence", "no answer"]);

function optionsOf(scenario: Scenario, side: Side, seed: number): PeerOptions {
  return {
    seed,
    bytes: side.bytes,
    chunk: side.chunk,
    readPause: side.readPause,
    config: {
      timeout: scenario.timeout,
      maxDatagramSize: scenario.mtu - 28,
      initialWindow: Math.min(side.window, 2 ** 18),
      maxWindow: side.window,
    },
  };
}

function allowanceOf(scenario: Scenario, side: Side): Allowance {
  return { datagram: scenario.mtu - 28, window: receiveLimit(side) };
}

// What a SYN carries is always taken.
function receiveLimit(side: Side): number {
  return Math.max(side.window, SYN_SIZE);
}

/** Buffers stay within what they were allowed. */
function boundsOf(peer: Peer, side: Side): string | undefined {
  const { connection } = peer;
  if (connection === undefined) return undefined;
  const { readable, writable } = connection;
  if (readable < 0 || readable > receiveLimit(side)) {
    return `${readable} bytes are readable`;
  }
  // Once the FIN is acknowledged, it counts as well.
  const limit = Math.max(2 * side.window, 2 ** 16) + 1;
  return writable < 0 || writable > limit
    ? `${writable} bytes are writable`
    : undefined;
}

/** The SYN of somebody who is never heard of again. */
function strangersSyn(): Uint8Array {
  const header = datagramOf({ flags: Flag.SYN, idHigh: 7, idLow: 7 });
  const padding = SYN_SIZE - header.length;
  return datagramOf({ flags: Flag.SYN, idHigh: 7, idLow: 7, padding });
}
