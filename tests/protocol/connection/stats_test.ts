import { assert, assertEquals } from "@std/assert";
import type { Config } from "../../../lib/protocol/connection/config.ts";
import {
  type Limit,
  LimitClock,
  type LimitedTimes,
} from "../../../lib/protocol/connection/stats.ts";
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

/** Asserts that one limit held for at least this share of the time, and that no time is missing but the handshake. */
function assertShare(
  { limited, time }: ReturnType<typeof carry>,
  limit: Limit,
  share: number,
): void {
  const sum = Object.values(limited).reduce((a, b) => a + b);
  assert(sum <= time && sum > time - 100, `${sum} of ${time} ms`);
  assert(limited[limit] >= share * sum, JSON.stringify(limited));
}

Deno.test("a path that takes no more is what limits", () =>
  assertShare(carry({ bytes: 3_000_000 }), "path", 0.95));

Deno.test("a path that loses is what limits", () => {
  const path = { ...PATH, loss: 0.05 };
  assertShare(carry({ bytes: 3_000_000, path }), "path", 0.95);
});

Deno.test("a receiver that reads slowly is what limits", () => {
  const receiver = { chunk: 1000, readPause: 10 };
  const config = { initialWindow: 20_000, maxWindow: 20_000 };
  assertShare(carry({ bytes: 300_000, receiver, config }), "receiver", 0.9);
});

Deno.test("a source that gives little is what limits", () =>
  assertShare(carry({ bytes: 300_000, trickle: 10_000 }), "source", 0.85));

Deno.test("a rate that was set is what limits", () => {
  const config = { maxRate: 300 };
  assertShare(carry({ bytes: 1_500_000, config }), "rate", 0.9);
});

Deno.test("a rate that is set above what the path takes does not limit", () => {
  const config = { maxRate: 5000 };
  assertShare(carry({ bytes: 3_000_000, config }), "path", 0.9);
});

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
