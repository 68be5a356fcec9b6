/**
 * Measures what the protocol itself costs: two connections in the simulator,
 * without a socket, a clock or a system call.
 */
import process from "node:process";
import type { CongestionController } from "../../lib/protocol/congestion/congestion_controller.ts";
import { Link } from "../net/link.ts";
import { Network, type Node } from "../net/network.ts";
import { Peer } from "../protocol/support/peer.ts";

const MSS = 1_472;
/** Milliseconds of virtual time from one side to the other. */
const DELAY = 50;
const WINDOWS = [100, 10_000, 100_000];
/** Round trips in which the window fills before anything is measured. */
const WARM_UP = 6;
const SEGMENTS = 400_000;
/** Each is run so often, in turn, and the least is told: whatever else the machine does only adds. */
const RUNS = 3;

/** A window that stays, paced evenly over the round trip. */
class FixedWindow implements CongestionController {
  readonly congestionWindow: number;
  readonly pacingRate: number;

  constructor(segments: number) {
    this.congestionWindow = segments * MSS;
    this.pacingRate = this.congestionWindow / (2 * DELAY);
  }

  onPacketSettled(): void {}
  onAcked(): void {}
  onLost(): void {}
  onPath(): void {}
  onPersistentCongestion(): void {}
}

/** Microseconds of processor time for each segment with so many in flight, both sides and the simulator together. */
function measure(window: number, loss: number): number {
  const network = new Network();
  const config = {
    controller: () => new FixedWindow(window),
    maxDatagramSize: MSS,
    initialDatagramSize: MSS,
    initialWindow: 2 ** 29,
    maxWindow: 2 ** 29,
    maxSendBuffer: 2 ** 29,
  };
  const unchecked = true;
  const bytes = Number.MAX_SAFE_INTEGER;
  const sender = new Peer({ seed: 1, bytes, config, unchecked }, 2);
  const receiver = new Peer({ seed: 2, config, unchecked }, 1);
  receiver.demultiplexer.listening = true;
  connect(network, sender, receiver, loss);
  sender.connect(0, "receiver");
  network.run(WARM_UP * 2 * DELAY);
  const { counters } = sender.connection!;
  const before = counters.datagramsSent;
  const end = before + SEGMENTS;
  const start = userTime();
  network.run(Infinity, () => counters.datagramsSent >= end);
  return (userTime() - start) / (counters.datagramsSent - before);
}

function connect(network: Network, sender: Node, receiver: Node, loss: number) {
  network.add("sender", sender);
  network.add("receiver", receiver);
  const forth = new Link({ delay: DELAY, loss }, 1);
  network.route("sender", "receiver", forth);
  network.route("receiver", "sender", new Link({ delay: DELAY, loss }, 2));
}

/** Microseconds of processor time that this process has used, without the kernel's. */
function userTime(): number {
  return process.cpuUsage().user;
}

console.log("loss    window    µs a segment   segments/s");
const least = new Map<string, number>();
for (let run = 0; run < RUNS; run++) {
  for (const loss of [0, 0.02]) {
    for (const window of WINDOWS) {
      const name = `${100 * loss}%`.padEnd(4) + `${window}`.padStart(10);
      const cost = measure(window, loss);
      least.set(name, Math.min(least.get(name) ?? Infinity, cost));
    }
  }
}
for (const [name, cost] of least) {
  const rate = Math.round(1e6 / cost);
  console.log(name + cost.toFixed(2).padStart(16) + `${rate}`.padStart(13));
}
