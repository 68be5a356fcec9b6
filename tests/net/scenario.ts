import { Prng } from "../../lib/base/prng.ts";
import type { Burst, Conditions } from "./link.ts";

/** What one side does in a scenario. */
export interface Side {
  /** Bytes that it writes before it ends its direction. */
  bytes: number;
  /** Its receive buffer, and so the largest window it grants, in bytes. */
  window: number;
  /** Bytes that it writes or reads at once. */
  chunk: number;
  /** How long it waits between reads, ms. */
  readPause: number;
}

/** A network and what two sides do over it, all of it drawn from one seed. */
export interface Scenario {
  seed: number;
  /** From the side that connects to the side that accepts. */
  forward: Conditions;
  backward: Conditions;
  connecting: Side;
  accepting: Side;
  /** Largest IP packet that the sides send, bytes. */
  mtu: number;
  /** Largest datagram that they send before they have tried whether larger ones get through, bytes. */
  initialDatagram: number;
  /** Silence that ends a connection, ms. */
  timeout: number;
  /**
   * From when on nothing passes any more, ms; `Infinity` for a network that
   * lives. Unless all was said before that, both sides must fail cleanly.
   */
  deadFrom: number;
  /** How both sides find their rates. */
  congestion: "bbr" | "cubic";
}

/**
 * Draws a network of any kind, from perfect to hardly usable: loss up to 50%,
 * bursts, reordering, duplication, damage, blackouts, slow and shallow
 * bottlenecks, tiny and huge windows. A network that lives is always one on which
 * patience wins: no blackout comes near the timeout, and the worse the loss the
 * longer the timeout.
 */
export function randomScenario(seed: number): Scenario {
  const random = new Prng(seed);
  const dead = random.next() < 0.05;
  const forward = randomConditions(random);
  const backward = random.next() < 0.3
    ? structuredClone(forward)
    : randomConditions(random);
  const hard = isHard(forward) || isHard(backward);
  const timeout = dead
    ? between(random, 2_000, 30_000)
    : hard
    ? 300_000
    : 30_000;
  // On a slow or lossy path, much data would only repeat what little data shows.
  const largest = Math.min(
    hard ? 100_000 : 400_000,
    60_000 * Math.min(forward.rate ?? Infinity, backward.rate ?? Infinity),
  );
  const scenario: Scenario = {
    seed,
    forward,
    backward,
    connecting: randomSide(random, largest),
    accepting: randomSide(random, random.next() < 0.5 ? largest : 2_000),
    mtu: random.next() < 0.8 ? 1_500 : pick(random, [1_280, 9_000, 65_535]),
    initialDatagram: seed % 3 === 0 ? 65_507 : 1_200,
    timeout,
    deadFrom: dead ? magnitude(random, 1, 5_000) : Infinity,
    congestion: seed % 4 === 3 ? "cubic" : "bbr",
  };
  const others = new Prng(~seed);
  for (const direction of [forward, backward]) {
    if (others.next() < 0.3) direction.mtu = pathMtu(others);
  }
  limitWork(scenario.connecting, scenario.accepting);
  limitWork(scenario.accepting, scenario.connecting);
  if (dead) {
    const end = [scenario.deadFrom, Infinity] as const;
    for (const direction of deadDirections(random, scenario)) {
      direction.blackouts = [...direction.blackouts ?? [], end];
    }
  }
  return scenario;
}

/** Mostly the cable is cut, sometimes only one direction fails. */
function deadDirections(random: Prng, scenario: Scenario): Conditions[] {
  const { forward, backward } = scenario;
  const kind = random.next();
  return kind < 0.6 ? [forward, backward] : kind < 0.8 ? [forward] : [backward];
}

/** A network has a few troubles at a time, not always all of them. */
function randomConditions(random: Prng): Conditions {
  const chance = pick(random, [0, 0.2, 0.5, 1]);
  const troubled = () => random.next() < chance;
  const conditions: Conditions = { delay: delay(random) };
  if (troubled()) {
    conditions.rate = magnitude(random, 5, 100_000);
    conditions.queue = Math.ceil(
      Math.max(4_000, conditions.rate * magnitude(random, 1, 500)),
    );
  }
  if (troubled()) conditions.jitter = magnitude(random, 0.1, 50);
  if (troubled()) {
    conditions.loss = random.next() < 0.5
      ? magnitude(random, 0.001, 0.1)
      : between(random, 0, 0.5);
  }
  if (random.next() < chance / 2) conditions.burst = randomBurst(random);
  if (troubled()) {
    conditions.reorder = magnitude(random, 0.001, 0.5);
    conditions.reorderBy = magnitude(random, 0.1, 100);
  }
  if (troubled()) conditions.duplicate = magnitude(random, 0.001, 0.5);
  if (troubled()) conditions.corrupt = magnitude(random, 0.001, 0.1);
  if (random.next() < chance / 2) conditions.blackouts = blackouts(random);
  return conditions;
}

/** Bursts that lose at most a fifth of all datagrams in the long run. */
function randomBurst(random: Prng): Burst {
  const leave = magnitude(random, 0.05, 0.5);
  return { leave, enter: leave * magnitude(random, 0.005, 0.25), loss: 1 };
}

function blackouts(random: Prng): [number, number][] {
  const result: [number, number][] = [];
  let time = 0;
  for (let count = 1 + random.int(3); count > 0; count--) {
    const start = time + magnitude(random, 1, 2_000);
    time = start + magnitude(random, 10, 4_000);
    result.push([start, time]);
  }
  return result;
}

function randomSide(random: Prng, largest: number): Side {
  return {
    bytes: random.next() < 0.15
      ? pick(random, [0, 0, 1, 511, 512, 513])
      : Math.floor(magnitude(random, 500, Math.max(1_000, largest))),
    window: Math.floor(
      random.next() < 0.2
        ? magnitude(random, 1, 4_000)
        : magnitude(random, 4_000, 64 * 1024 * 1024),
    ),
    chunk: Math.ceil(magnitude(random, 1, 100_000)),
    readPause: random.next() < 0.8 ? 0 : magnitude(random, 0.1, 50),
  };
}

/** Through a tiny window, or a byte at a time, much data would only take long. */
function limitWork(writer: Side, reader: Side): void {
  writer.bytes = Math.min(writer.bytes, 500 * reader.window);
  const atLeast = Math.ceil(writer.bytes / 5_000);
  writer.chunk = Math.max(writer.chunk, atLeast);
  reader.chunk = Math.max(reader.chunk, atLeast);
}

/** The largest datagram that passes: a SYN does everywhere. */
function pathMtu(random: Prng): number {
  return random.next() < 0.5
    ? pick(random, [1_200, 1_252, 1_392, 1_472, 8_972])
    : 1_200 + random.int(1_000);
}

/** Whether many a round trip fails there. */
function isHard({ loss = 0, burst, corrupt = 0 }: Conditions): boolean {
  return loss + corrupt > 0.1 || burst !== undefined;
}

function delay(random: Prng): number {
  return random.next() < 0.1 ? 0 : magnitude(random, 0.05, 300);
}

/** Between `low` and `high`, all orders of magnitude alike. */
function magnitude(random: Prng, low: number, high: number): number {
  return low * (high / low) ** random.next();
}

function between(random: Prng, low: number, high: number): number {
  return low + (high - low) * random.next();
}

function pick<T>(random: Prng, choices: readonly T[]): T {
  return choices[random.int(choices.length)]!;
}
