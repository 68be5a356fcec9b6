import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type {
  CongestionController,
  CongestionControllerFactory,
} from "../../../lib/protocol/congestion/congestion_controller.ts";
import { RttEstimator } from "../../../lib/protocol/recovery/rtt.ts";
import { type Conditions, Link } from "../../net/link.ts";
import { runFlows } from "../support/flows.ts";
import { peersOver } from "../support/peer.ts";

const MSS = 1_472;
/** 100 Mbit/s, in bytes per millisecond. */
const RATE = 12_500;
/** Milliseconds from one side to the other. */
const DELAY = 10;
/** Bytes in flight that fill the path. */
const BDP = RATE * 2 * DELAY;

/** `controller`, held to what any controller must keep to after each word it is told. */
function watched(
  controller: CongestionController,
  window: { largest: number },
): CongestionController {
  return new Proxy(controller, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        value.apply(target, args);
        checkSane(target);
        window.largest = Math.max(window.largest, target.congestionWindow);
      };
    },
  });
}

/** Controllers that are watched, and their window. */
function watch(factory: CongestionControllerFactory) {
  const window = { largest: 0 };
  const controller: CongestionControllerFactory = (size, seed) =>
    watched(factory(size, seed), window);
  return { controller, window };
}

function checkSane({ congestionWindow, pacingRate }: CongestionController) {
  // Two datagrams keep acknowledgements coming; and neither may be NaN.
  assert(congestionWindow >= 2 * MSS, `a window of ${congestionWindow}`);
  assert(congestionWindow < Infinity, `a window of ${congestionWindow}`);
  assert(pacingRate > 0, `a rate of ${pacingRate}`);
}

/** Sends `bytes` over one path. */
function run(
  factory: CongestionControllerFactory,
  bytes: number,
  { forward, backward }: { forward?: Conditions; backward?: Conditions } = {},
) {
  const { controller, window } = watch(factory);
  const link = new Link(
    { rate: RATE, delay: DELAY, queue: BDP, ...forward },
    1,
  );
  const config = { controller, maxDatagramSize: MSS };
  const { client, server, network } = peersOver(
    link,
    new Link({ delay: DELAY, ...backward }, 2),
    { bytes, config },
    { config },
  );
  assert(network.run(600_000, () => client.ended && server.ended));
  assertEquals(server.read, bytes);
  const { overflowed, entered } = link.counters;
  return { time: server.lastReadAt, overflow: overflowed / entered, window };
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
    const { time, window } = run(factory, bytes);
    assert(time < 1.35 * bytes / RATE, `${time} ms`);
    assert(window.largest >= BDP);
  });

  Deno.test(`${name} fills a path whose queue is shallow, and loses little there`, () => {
    const bytes = 6_000_000;
    const forward = { queue: BDP / 4 };
    const { time, overflow } = run(factory, bytes, { forward });
    assert(time < 2 * bytes / RATE, `${time} ms`);
    assert(overflow < 0.2, `${overflow} overflowed`);
  });

  Deno.test(`${name} gets through a slow path whose queue holds a few datagrams`, () => {
    const bytes = 200_000;
    const forward = { rate: 20, queue: 6 * MSS, delay: 50 };
    const { time, overflow } = run(factory, bytes, { forward });
    assert(time < 2 * bytes / 20, `${time} ms`);
    assert(overflow < 0.5, `${overflow} overflowed`);
  });

  Deno.test(`${name} works where the path takes no time at all`, () => {
    const nothing = { rate: undefined, queue: undefined, delay: 0 };
    const backward = { delay: 0 };
    const { time } = run(factory, 2_000_000, { forward: nothing, backward });
    assert(time < 1_000, `${time} ms`);
  });

  Deno.test(`${name} does not let its window run away while there is little to send, and then fills the path`, () => {
    const { controller, window } = watch(factory);
    const config = { controller, maxDatagramSize: MSS };
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
    assert(window.largest < 10 * BDP, `${window.largest}`);
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
    const { time } = run(factory, bytes, { forward });
    // Up to a second passes before a probe notices that the network is back.
    assert(time < 3_000 + 2_000 + 2 * bytes / RATE, `${time} ms`);
  });

  Deno.test(`${name} shares a path among flows, none of which starves`, () => {
    const flows = [{ controller: factory }, { controller: factory }];
    const path = { mbit: 8 * RATE / 1_000, rtt: 2 * DELAY };
    const { shares, utilisation } = runFlows({
      ...path,
      flows,
      duration: 1_000,
    });
    assert(utilisation > 0.6, `${utilisation}`);
    assert(Math.min(...shares) > 0.1, `${shares}`);
  });

  Deno.test(`${name} survives acknowledgements that are lost, late and in lumps`, () => {
    const bytes = 3_000_000;
    const backward = { loss: 0.3, jitter: 15, reorder: 0.1 };
    const { time } = run(factory, bytes, { backward });
    assert(time < 3.5 * bytes / RATE, `${time} ms`);
  });
}
