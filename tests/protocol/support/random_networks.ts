import { CONTROLLERS } from "../../../lib/protocol/congestion/controllers.ts";
import { Flag, Reset, SYN_SIZE } from "../../../lib/protocol/wire/segment.ts";
import type { CloseReason } from "../../../lib/protocol/connection/lifecycle.ts";
import type { TraceEvent } from "../../../lib/protocol/connection/trace.ts";
import { Link } from "../../net/link.ts";
import { Network } from "../../net/network.ts";
import {
  randomScenario,
  type Scenario,
  type Side,
} from "../../net/scenario.ts";
import { type Allowance, Auditor } from "./auditor.ts";
import { Freezable } from "./freezable.ts";
import { Peer, type PeerOptions } from "./peer.ts";
import {
  type Disturbances,
  randomDisturbances,
  type SideName,
} from "./disturbances.ts";
import { datagramOf } from "../../support/packets.ts";

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
/** Milliseconds after which it is asked again whether the client can move. */
const MOVE_AGAIN = 20;

/** Runs the random network that `seed` gives. */
export function runRandomNetwork(
  seed: number,
  trace?: (side: string, event: TraceEvent) => void,
): Outcome {
  return new Run(randomScenario(seed), trace).outcome();
}

class Run {
  readonly #scenario: Scenario;
  readonly #disturbances: Disturbances;
  readonly #peers: Record<SideName, Peer>;
  readonly #auditor: Auditor;
  readonly #network = new Network();
  readonly #links: Link[] = [];
  /** When each connection was over, whatever was still to be read. */
  readonly #overAt: Partial<Record<SideName, number>> = {};
  #fault: string | undefined;

  constructor(
    scenario: Scenario,
    trace?: (side: string, event: TraceEvent) => void,
  ) {
    const { seed, timeout, connecting, accepting } = scenario;
    const disturbances = randomDisturbances(seed, timeout);
    this.#scenario = scenario;
    this.#disturbances = disturbances;
    const client = new Peer({
      ...optionsOf(scenario, connecting, 1),
      trace: trace && ((event) => trace("client", event)),
    }, 2);
    const options = optionsOf(scenario, accepting, 2);
    const server = new Peer({
      ...options,
      config: {
        ...options.config,
        maxHalfOpenUnvalidated: disturbances.crowded ? 1 : 8,
      },
      trace: trace && ((event) => trace("server", event)),
    }, 1);
    server.demultiplexer.listening = true;
    if (disturbances.crowded) server.receive(0, otherSyn(), "other");
    this.#peers = { client, server };
    this.#auditor = new Auditor(
      allowanceOf(scenario, connecting),
      allowanceOf(scenario, accepting),
    );
    this.#network.onSighting = this.#auditor.see;
    this.#connectBoth();
  }

  #connectBoth(): void {
    const network = this.#network;
    const { seed, forward, backward } = this.#scenario;
    this.#links.push(new Link(forward, 2 * seed));
    this.#links.push(new Link(backward, 2 * seed + 1));
    const { freeze } = this.#disturbances;
    for (const side of ["client", "server"] as const) {
      const peer = this.#peers[side];
      const freezes = freeze?.side === side;
      const { from = 0, until = 0 } = freeze ?? {};
      network.add(side, freezes ? new Freezable(peer, from, until) : peer);
    }
    const [forth, back] = this.#links;
    network.route("client", "server", forth!);
    network.route("server", "client", back!);
  }

  outcome(): Outcome {
    const scenario = this.#scenario;
    const { client, server } = this.#peers;
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
    this.#peers.client.connect(0, "server");
    for (const { at, act } of this.#events()) {
      if (network.run(at, () => this.#look())) return;
      act();
    }
    // A handshake stays where it is, and ends for the server later than for the client.
    for (let { moveAt } = this.#disturbances; moveAt < PATIENCE;) {
      if (network.run(moveAt, () => this.#look())) return;
      if (this.#peers.server.connection?.established) {
        network.readdress("client", "client, elsewhere");
        break;
      }
      moveAt = network.now + MOVE_AGAIN;
    }
    network.run(PATIENCE, () => this.#look());
  }

  /** What the applications do at certain times, in order. */
  #events(): { at: number; act: () => void }[] {
    const { readPause, abort, narrows } = this.#disturbances;
    const events: { at: number; act: () => void }[] = [];
    if (readPause !== undefined) {
      const peer = this.#peers[readPause.side];
      const read = (reading: boolean) => () => {
        peer.reading = reading;
        peer.work(this.#network.now);
      };
      events.push({ at: readPause.from, act: read(false) });
      events.push({ at: readPause.until, act: read(true) });
    }
    if (narrows !== undefined) {
      const act = () => this.#narrow(narrows.to);
      events.push({ at: narrows.at, act });
    }
    if (abort !== undefined) {
      const peer = this.#peers[abort.side];
      const act = () => peer.connection?.abort(Reset.ABORTED);
      events.push({ at: abort.at, act });
    }
    return events.sort((a, b) => a.at - b.at);
  }

  #narrow(mtu: number): void {
    for (const link of this.#links) {
      const { conditions } = link;
      const narrower = Math.min(conditions.mtu ?? Infinity, mtu);
      link.conditions = { ...conditions, mtu: narrower };
    }
  }

  /** Looks at both sides after each event; returns whether both have ended. */
  #look(): boolean {
    const { client, server } = this.#peers;
    if (client.connection?.closeReason) {
      this.#overAt.client ??= this.#network.now;
    }
    if (server.connection?.closeReason) {
      this.#overAt.server ??= this.#network.now;
    }
    this.#fault ??= boundsOf(client, this.#scenario.connecting) ??
      boundsOf(server, this.#scenario.accepting);
    return client.ended && (server.ended || !server.connection);
  }

  /** What was delivered is what was written, all of it unless the network died. */
  #delivery(): string | undefined {
    const { connecting, accepting } = this.#scenario;
    const { client, server } = this.#peers;
    const wrong = client.wrongAt ?? server.wrongAt;
    if (wrong !== undefined) return `wrong byte at ${wrong}`;
    if (!client.ended) return "the client never ended";
    if (server.connection && !server.ended) return "the server never ended";
    const endings = [
      client.connection!.closeReason,
      server.connection?.closeReason,
    ];
    const allowed = this.#allowedEndings();
    if (endings.some((closeReason) => !allowed.has(closeReason))) {
      return `ended with ${endings.join(" and ")}`;
    }
    // Who ends in order has sent all and got all, if nobody broke off.
    if (this.#disturbances.abort || !endings.includes("done")) return undefined;
    if (server.read !== connecting.bytes) return "bytes missing forward";
    if (client.read !== accepting.bytes) return "bytes missing backward";
    return undefined;
  }

  #allowedEndings(): ReadonlySet<CloseReason | undefined> {
    const allowed = new Set<CloseReason | undefined>(["done"]);
    const dies = this.#scenario.deadFrom < Infinity;
    if (dies) allowed.add("silence").add("no answer").add(undefined);
    if (this.#disturbances.abort) {
      allowed.add("stopped").add("aborted").add("unknown").add(undefined);
    }
    return allowed;
  }

  /** Nobody waits longer than the timeout for somebody who is silent. */
  #patience(side: SideName): string | undefined {
    const over = this.#overAt[side];
    const { freeze } = this.#disturbances;
    // Time in which it stood still itself does not count.
    const own = freeze?.side === side ? freeze.until - freeze.from : 0;
    const limit = this.#auditor.lastReceived[side] + this.#scenario.timeout +
      own;
    return over !== undefined && over > limit + 1e-6
      ? `the ${side} ended at ${over} ms, expected ${limit} ms at the latest`
      : undefined;
  }

  /** When all is over nothing is left that would ever wake. */
  #rest(): string | undefined {
    this.#network.run(2 * PATIENCE);
    const { client, server } = this.#peers;
    return client.demultiplexer.deadline === Infinity &&
        server.demultiplexer.deadline === Infinity
      ? undefined
      : "a host has not forgotten its connections";
  }
}

function optionsOf(scenario: Scenario, side: Side, seed: number): PeerOptions {
  return {
    seed,
    bytes: side.bytes,
    chunk: side.chunk,
    readPause: side.readPause,
    config: {
      timeout: scenario.timeout,
      controller: CONTROLLERS[scenario.congestion],
      maxDatagramSize: scenario.mtu - 28,
      initialDatagramSize: scenario.initialDatagram,
      initialWindow: Math.min(side.window, 2 ** 18),
      maxWindow: side.window,
      maxSendBuffer: side.window,
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
function otherSyn(): Uint8Array {
  const header = datagramOf({ flags: Flag.SYN, id: 7 });
  const padding = SYN_SIZE - header.length;
  return datagramOf({ flags: Flag.SYN, id: 7, padding });
}
