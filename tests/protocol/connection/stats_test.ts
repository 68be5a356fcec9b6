import { assert, assertEquals } from "@std/assert";
import type { Config } from "../../../lib/protocol/connection/config.ts";
import {
  type Limit,
  LimitClock,
  type LimitedTimes,
} from "../../../lib/protocol/sending/limit_clock.ts";
import { type Conditions, Link } from "../../net/link.ts";
import { type PeerOptions, peersOver } from "../support/peer.ts";

/** 10 Mbit/s and 20 ms of round trip. */
const PATH: Conditions = { rate: 1250, delay: 10, queue: 60_000 };

interface Trial {
  bytes: number;
  path?: Conditions;
  config?: Partial<Config>;
  receiver?: Partial<PeerOptions>;
  /** Bytes that the sender's application gives each 100 ms; all at once unless given. */
  trickle?: number;
}

/** Carries bytes over a simulated path: for how long what held the sender back, and how long it took. */
function carry(trial: Trial): { limited: LimitedTimes; time: number } {
  const { bytes, path = PATH, config, trickle } = trial;
  const { client: sender, server: receiver, network } = peersOver(
    new Link(path, 1),
    new Link(path, 2),
    { bytes: trickle ?? bytes, config, keepOpen: true },
    { config, ...trial.receiver },
  );
  const done = () => receiver.read === bytes;
  for (let now = 100; !network.run(now, done); now += 100) {
    sender.bytes = Math.min(bytes, sender.bytes + (trickle ?? 0));
    sender.work(now);
  }
  const time = network.now;
  return { limited: sender.connection!.stats(time).limited, time };
}

const SMALL = { initialWindow: 20_000, maxWindow: 20_000 };
const TRIALS: [what: string, limit: Limit, share: number, trial: Trial][] = [
  ["a path that takes no more", "path", 0.95, { bytes: 3_000_000 }],
  ["a path that loses", "path", 0.95, {
    bytes: 3_000_000,
    path: { ...PATH, loss: 0.05 },
  }],
  ["a receiver that reads slowly", "receiver", 0.9, {
    bytes: 300_000,
    receiver: { chunk: 1000, readPause: 10 },
    config: SMALL,
  }],
  ["a source that gives little", "source", 0.85, {
    bytes: 300_000,
    trickle: 10_000,
  }],
  ["a rate that was set", "rate", 0.9, {
    bytes: 1_500_000,
    config: { maxRate: 300 },
  }],
  ["a path beside a rate that is set above what it takes", "path", 0.9, {
    bytes: 3_000_000,
    config: { maxRate: 5000 },
  }],
];
for (const [what, limit, share, trial] of TRIALS) {
  Deno.test(`${what} is what limits`, () => {
    const { limited, time } = carry(trial);
    const sum = Object.values(limited).reduce((a, b) => a + b);
    // No time is missing but the handshake
    assert(sum <= time && sum > time - 100, `${sum} of ${time} ms`);
    assert(limited[limit] >= share * sum, JSON.stringify(limited));
  });
}

Deno.test("what goes on beyond its time is laid to the CPU", () => {
  const limits = new LimitClock();
  limits.begin(10, "path", 30);
  limits.begin(50, "cpu");
  limits.begin(55, "source");
  assertEquals(limits.times(60), {
    source: 5,
    receiver: 0,
    path: 20,
    rate: 0,
    cpu: 25,
  });
});

Deno.test("nothing is counted before it begins, nor twice", () => {
  const limits = new LimitClock();
  assertEquals(limits.times(100).source, 0);
  limits.begin(100, "source");
  limits.begin(110, "source");
  assertEquals(limits.times(130).source, 30);
  assertEquals(limits.times(130).source, 30);
});
