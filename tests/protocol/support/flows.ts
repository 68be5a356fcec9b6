import type { CongestionControllerFactory } from "../../../lib/protocol/congestion/congestion_controller.ts";
import { type Conditions, Link } from "../../net/link.ts";
import { Network } from "../../net/network.ts";
import { Peer } from "./peer.ts";

/** A path and who shares it. */
export interface FlowsOptions {
  /** Bottleneck in Mbit/s. */
  mbit: number;
  /** Round trip without queue, in milliseconds. */
  rtt: number;
  /** The bottleneck's queue in bandwidth-delay products. */
  queue?: number;
  /** What else befalls what goes forth, and its losses what comes back. */
  conditions?: Conditions;
  flows: readonly Flow[];
  /** Virtual time in milliseconds; without it, until the first flow is done. */
  duration?: number;
  /** Milliseconds at which the shares begin to be counted. */
  countFrom?: number;
  seed?: number;
}

export interface Flow {
  readonly controller: CongestionControllerFactory;
  /** Bytes; without end unless given. */
  readonly bytes?: number;
  /** Milliseconds at which it begins. */
  readonly start?: number;
}

/** What came of it. */
export interface FlowsResult {
  /** Share of the bottleneck's rate that reached the applications. */
  readonly utilisation: number;
  /** Share of each flow in what all got. */
  readonly shares: number[];
  /** Median of the first flow's smoothed round trip, in milliseconds. */
  readonly medianRtt: number;
  /** Milliseconds that passed. */
  readonly time: number;
}

const STEP = 50;
const MAX_WINDOW = 2 ** 29;

/** Runs flows over one bottleneck in virtual time. */
export function runFlows(options: FlowsOptions): FlowsResult {
  const { rtt, seed = 1, duration = Infinity, countFrom = 0 } = options;
  const rate = options.mbit * 125;
  const queue = Math.max((options.queue ?? 1) * rate * rtt, 30_000);
  const { conditions } = options;
  const forth = { rate, queue, delay: rtt / 2, ...conditions };
  const back = {
    rate,
    queue,
    delay: rtt / 2,
    loss: conditions?.loss,
    burst: conditions?.burst,
  };
  const network = new Network();
  const forward = new Link(forth, 2 * seed);
  const backward = new Link(back, 2 * seed + 1);
  const pairs = options.flows.map((flow, i) =>
    addFlow(network, flow, i, seed, forward, backward)
  );
  const rtts: number[] = [];
  let before = pairs.map(() => 0);
  let now = 0;
  const done = () => pairs[0]!.sender.ended;
  while (now < duration && !done()) {
    for (const [i, { start = 0 }] of options.flows.entries()) {
      const { sender } = pairs[i]!;
      if (start <= now && !sender.connection) sender.connect(now, `to ${i}`);
    }
    if (now <= countFrom) before = pairs.map(({ receiver }) => receiver.read);
    now += STEP;
    network.run(now, done);
    const { smoothedRtt } = pairs[0]!.sender.connection!;
    if (smoothedRtt !== undefined && now > countFrom) rtts.push(smoothedRtt);
  }
  const got = pairs.map(({ receiver }, i) => receiver.read - before[i]!);
  const sum = got.reduce((a, b) => a + b);
  const time = (done() ? pairs[0]!.receiver.lastReadAt : now) - countFrom;
  rtts.sort((a, b) => a - b);
  return {
    utilisation: sum / time / rate,
    shares: got.map((bytes) => bytes / sum),
    medianRtt: rtts[rtts.length >> 1]!,
    time,
  };
}

function addFlow(
  network: Network,
  { controller, bytes = Number.MAX_SAFE_INTEGER }: Flow,
  i: number,
  seed: number,
  forward: Link,
  backward: Link,
): { sender: Peer; receiver: Peer } {
  const config = {
    controller,
    maxWindow: MAX_WINDOW,
    maxSendBuffer: MAX_WINDOW,
  };
  const ours = 1000 * seed + 2 * i;
  const unchecked = true;
  const sender = new Peer({ seed: ours, bytes, config, unchecked }, ours + 1);
  const receiver = new Peer({ seed: ours + 1, config, unchecked }, ours);
  receiver.demultiplexer.listening = true;
  network.add(`from ${i}`, sender);
  network.add(`to ${i}`, receiver);
  network.route(`from ${i}`, `to ${i}`, forward);
  network.route(`to ${i}`, `from ${i}`, backward);
  return { sender, receiver };
}
