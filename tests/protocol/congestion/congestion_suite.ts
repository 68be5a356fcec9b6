import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type {
  CongestionController,
  CongestionControllerFactory,
} from "../../../lib/protocol/congestion/congestion_controller.ts";
import { RttEstimator } from "../../../lib/protocol/recovery/rtt.ts";
import { type Conditions, Link } from "../../net/link.ts";
import { Network } from "../../net/network.ts";
import { Peer, peersOver } from "../support/peer.ts";

const MSS = 1_472;
/** 100 Mbit/s, in bytes per millisecond. */
const RATE = 12_500;
/** Milliseconds from one side to the other. */
const DELAY = 10;
/** Bytes in flight that fill the path. */
const BDP = RATE * 2 * DELAY;

/** What a controller has said of its window. */
interface Window {
  smallest: number;
  largest: number;
}

/** `controller`, held to what any controller must keep to after each word it is told. */
function watched(
  controller: CongestionController,
  window: Window,
): CongestionController {
  return new Proxy(controller, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        value.apply(target, args);
        checkSane(target);
        const { congestionWindow } = target;
        window.smallest = Math.min(window.smallest, congestionWindow);
        window.largest = Math.max(window.largest, congestionWindow);
      };
    },
  });
}

function checkSane({ congestionWindow, pacingRate }: CongestionController) {
  // Two datagrams keep acknowledgements coming; and neither may be NaN.
  assert(congestionWindow >= 2 * MSS, `a window of ${congestionWindow}`);
  assert(congestionWindow < Infinity, `a window of ${congestionWindow}`);
  assert(pacingRate > 0, `a rate of ${pacingRate}`);
}

/** What came of flows that share a path. */
interface Result {
  /** Milliseconds until the last flow was done. */
  time: number;
  /** When each flow had all its bytes through, ms. */
  times: number[];
  /** Of all datagrams with data, the share that the bottleneck dropped. */
  overflow: number;
  window: Window;
  /** Bytes read of each flow at `lookAt`. */
  shares: number[];
}

interface Run {
  bytes: number;
  flows?: number;
  forward?: Conditions;
  backward?: Conditions;
  /** Time at which the shares are noted, ms. */
  lookAt?: number;
  /** Milliseconds between reads, and bytes written or read at once. */
  readPause?: number;
  chunk?: number;
}

/** Runs flows over one bottleneck. */
function run(factory: CongestionControllerFactory, options: Run): Result {
  const { bytes, flows = 1, lookAt = 0, readPause, chunk } = options;
  const forward = { rate: RATE, delay: DELAY, queue: BDP, ...options.forward };
  const window = { smallest: Infinity, largest: 0 };
  const controller: CongestionControllerFactory = (size, seed) =>
    watched(factory(size, seed), window);
  const network = new Network();
  const bottleneck = new Link(forward, 1);
  const pairs = Array.from({ length: flows }, (_, i) => {
    const config = { controller, maxDatagramSize: MSS };
    const client = new Peer({ seed: 10 + i, bytes, config, chunk }, 50 + i);
    const server = new Peer({ seed: 50 + i, config, readPause }, 10 + i);
    server.demultiplexer.listening = true;
    network.add(`client ${i}`, client);
    network.add(`server ${i}`, server);
    network.route(`client ${i}`, `server ${i}`, bottleneck);
    const back = new Link({ delay: DELAY, ...options.backward }, 100 + i);
    network.route(`server ${i}`, `client ${i}`, back);
    client.connect(0, `server ${i}`);
    return { client, server };
  });
  network.run(lookAt);
  const shares = pairs.map(({ server }) => server.read);
  const ended = network.run(
    600_000,
    () => pairs.every(({ client, server }) => client.ended && server.ended),
  );
  assert(ended, "a flow never ended");
  for (const { server } of pairs) assertEquals(server.read, bytes);
  const { overflowed, entered } = bottleneck.counters;
  const times = pairs.map(({ server }) => server.lastReadAt);
  return {
    time: Math.max(...times),
    times,
    overflow: overflowed / entered,
    window,
    shares,
  };
}

/** Events as a test invents them, possible and impossible ones. */
const event = fc.record({
  verb: fc.constantFrom("acked", "acked", "lost", "persistent", "size"),
  after: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 500, noNaN: true })),
  bytes: fc.integer({ min: 1, max: 100_000 }),
  rtt: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5_000, noNaN: true })),
  rate: fc.oneof(
    fc.constant(0),
    fc.double({ min: 0, max: 1e6, noNaN: true }),
  ),
  limited: fc.boolean(),
});

/** Tells `controller` of one invented event. */
function tell(
  controller: CongestionController,
  now: number,
  rtt: RttEstimator,
  what: typeof event extends fc.Arbitrary<infer E> ? E : never,
): void {
  const { verb, bytes, limited } = what;
  const sentTime = now - what.rtt;
  const bytesInFlight = bytes >> 1;
  if (verb === "persistent") controller.onPersistentCongestion();
  if (verb === "size") controller.onPath(1_200 + bytes % 15_000, 100_000);
  if (verb === "lost") {
    controller.onPacketSettled(sentTime, true);
    controller.onLost({ now, lostBytes: bytes, sentTime, bytesInFlight });
  }
  if (verb !== "acked") return;
  // The first acknowledgement always gives a sample.
  const late = limited && rtt.sampled;
  rtt.sample(now, what.rtt, 0);
  controller.onPacketSettled(sentTime, false);
  controller.onAcked({
    now,
    ackedBytes: bytes,
    priorInFlight: bytes,
    bytesInFlight,
    sentTime,
    rttSample: late ? undefined : what.rtt,
    rtt,
    rate: {
      deliveryRate: what.rate,
      delivered: bytes,
      priorDelivered: bytes,
      appLimited: limited,
    },
    windowLimited: !limited,
  });
}

/**
 * What every congestion controller must do, whatever its principle.
 *
 * @param name what it is called in the names of the tests
 * @param initialWindow datagrams in its first window, where the peer's socket
 * buffer holds as many
 */
export function testCongestionController(
  name: string,
  factory: CongestionControllerFactory,
  initialWindow: number,
): void {
  Deno.test(`${name} begins with a window of ${initialWindow} datagrams`, () => {
    for (const size of [1_200, MSS, 4_000]) {
      const controller = factory(size, 1);
      controller.onPath(size, 1_000 * size);
      assertEquals(controller.congestionWindow, initialWindow * size);
    }
  });

  Deno.test(`${name} keeps a window and a rate to go on with, whatever it is told`, () => {
    fc.assert(fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      const controller = factory(MSS, 1);
      const rtt = new RttEstimator();
      let now = 1_000;
      for (const what of events) {
        now += what.after;
        tell(controller, now, rtt, what);
        checkSane(controller);
      }
    }));
  });

  Deno.test(`${name} fills a clean path`, () => {
    const bytes = 6_000_000;
    const { time, window } = run(factory, { bytes });
    assert(time < 1.35 * bytes / RATE, `${time} ms`);
    assert(window.largest >= BDP);
  });

  Deno.test(`${name} fills a path whose queue is shallow, and loses little there`, () => {
    const bytes = 6_000_000;
    const forward = { queue: BDP / 4 };
    const { time, overflow } = run(factory, { bytes, forward });
    assert(time < 2 * bytes / RATE, `${time} ms`);
    assert(overflow < 0.2, `${overflow} overflowed`);
  });

  Deno.test(`${name} gets through a slow path whose queue holds a few datagrams`, () => {
    const bytes = 200_000;
    const forward = { rate: 20, queue: 6 * MSS, delay: 50 };
    const { time, overflow } = run(factory, { bytes, forward });
    assert(time < 2 * bytes / 20, `${time} ms`);
    assert(overflow < 0.5, `${overflow} overflowed`);
  });

  Deno.test(`${name} works where the path takes no time at all`, () => {
    const nothing = { rate: undefined, queue: undefined, delay: 0 };
    const { time } = run(factory, {
      bytes: 2_000_000,
      forward: nothing,
      backward: { delay: 0 },
    });
    assert(time < 1_000, `${time} ms`);
  });

  Deno.test(`${name} does not let its window run away while the application has little to send`, () => {
    const { window } = run(factory, {
      bytes: 300_000,
      readPause: 5,
      chunk: 1_000,
      forward: { rate: undefined, queue: undefined },
    });
    assert(window.largest < 10 * BDP, `${window.largest}`);
  });

  Deno.test(`${name} fills a path whose application had little to say before`, () => {
    const config = { controller: factory, maxDatagramSize: MSS };
    const { client, server, network } = peersOver(
      new Link({ rate: RATE, delay: DELAY, queue: BDP }, 1),
      new Link({ delay: DELAY }, 2),
      { config, keepOpen: true },
      { config },
    );
    for (let now = 0; now < 2_000; now += 50) {
      network.run(now);
      client.bytes += 3_000;
      client.work(now);
    }
    const bulk = 6_000_000;
    const start = network.now;
    client.bytes += bulk;
    client.work(start);
    network.run(60_000, () => server.read === client.bytes);
    const time = network.now - start;
    assert(time < 1.6 * bulk / RATE, `${time} ms`);
  });

  Deno.test(`${name} comes back soon after a blackout`, () => {
    const bytes = 4_000_000;
    const forward = { blackouts: [[150, 3_000]] as const };
    const { time } = run(factory, { bytes, forward });
    // Up to a second passes before a probe notices that the network is back.
    assert(time < 3_000 + 2_000 + 2 * bytes / RATE, `${time} ms`);
  });

  Deno.test(`${name} shares a path among flows, none of which starves`, () => {
    const bytes = 8_000_000;
    const flows = 2;
    const lookAt = 1_000;
    const { shares, time } = run(factory, { bytes, flows, lookAt });
    const sum = shares[0]! + shares[1]!;
    assert(sum > 0.6 * lookAt * RATE, `${shares}`);
    assert(Math.min(...shares) > 0.1 * sum, `${shares}`);
    assert(time < 1.5 * flows * bytes / RATE, `${time} ms`);
  });

  Deno.test(`${name} survives acknowledgements that are lost, late and in lumps`, () => {
    const bytes = 3_000_000;
    const backward = { loss: 0.3, jitter: 15, reorder: 0.1 };
    const { time } = run(factory, { bytes, backward });
    assert(time < 3.5 * bytes / RATE, `${time} ms`);
  });
}
