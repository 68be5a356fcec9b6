import { Link } from "../net/link.ts";
import { Network } from "../net/network.ts";
import { randomScenario, type Scenario, type Side } from "../net/scenario.ts";
import type { TraceEvent } from "../../lib/protocol/trace.ts";
import { Peer, type PeerOptions } from "./peer.ts";

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

/** Runs the random network that `seed` gives. */
export function runRandomNetwork(
  seed: number,
  trace?: (side: string, event: TraceEvent) => void,
): Outcome {
  const scenario = randomScenario(seed);
  const { connecting, accepting } = scenario;
  const client = new Peer({
    ...optionsOf(scenario, connecting, 1),
    trace: trace && ((event) => trace("client", event)),
  }, 2);
  const server = new Peer({
    ...optionsOf(scenario, accepting, 2),
    trace: trace && ((event) => trace("server", event)),
  }, 1);
  server.host.listening = true;
  const network = new Network();
  network.add("client", client);
  network.add("server", server);
  network.route("client", "server", new Link(scenario.forward, 2 * seed));
  network.route("server", "client", new Link(scenario.backward, 2 * seed + 1));
  client.connect(0, "server");
  network.run(
    PATIENCE,
    () => client.ended && (server.ended || !server.connection),
  );
  const fault = faultOf(scenario, client, server);
  return { scenario, client, server, time: network.now, fault };
}

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

function faultOf(
  scenario: Scenario,
  client: Peer,
  server: Peer,
): string | undefined {
  const wrong = client.wrongAt ?? server.wrongAt;
  if (wrong !== undefined) return `wrong byte at ${wrong}`;
  if (!client.ended) return "the client never ended";
  if (server.connection && !server.ended) return "the server never ended";
  if (scenario.deadFrom !== Infinity) return undefined;
  const endings = [client.connection!.ending, server.connection?.ending];
  if (endings.some((ending) => ending !== "done")) {
    return `ended with ${endings.join(" and ")}`;
  }
  if (server.read !== scenario.connecting.bytes) return "bytes missing forward";
  if (client.read !== scenario.accepting.bytes) return "bytes missing backward";
  return undefined;
}
