import { Prng } from "../../../lib/base/prng.ts";

export type SideName = "client" | "server";

/** A stretch of time in which something is so at one side, in ms. */
export interface Stretch {
  side: SideName;
  from: number;
  until: number;
}

/** What happens in a run beside what the network does. */
export interface Disturbances {
  /** Somebody else is half open, so that the client needs a cookie. */
  crowded: boolean;
  /** When the client's address changes, ms. */
  moveAt: number;
  /** An application that does not read for a while. */
  readPause?: Stretch;
  /** A process that stands still for a while. */
  freeze?: Stretch;
  /** A path that becomes narrower at a time, to so many bytes a datagram. */
  narrows?: { at: number; to: number };
  /** A side that gives up. */
  abort?: { side: SideName; at: number };
}

/**
 * Draws what else happens, so that most runs have some of it.
 *
 * @param timeout silence that ends a connection, ms: nothing here comes near it
 */
export function randomDisturbances(
  seed: number,
  timeout: number,
): Disturbances {
  const random = new Prng(seed);
  const disturbances: Disturbances = {
    crowded: random.next() < 0.25,
    moveAt: Infinity,
  };
  if (random.next() < 0.2) disturbances.moveAt = someTime(random);
  const longest = Math.min(timeout / 3, 20_000);
  if (random.next() < 0.1) disturbances.readPause = stretch(random, longest);
  if (random.next() < 0.1) disturbances.freeze = stretch(random, longest);
  if (random.next() < 0.05) {
    disturbances.abort = { side: someSide(random), at: someTime(random) };
  }
  if (random.next() < 0.1) {
    disturbances.narrows = {
      at: someTime(random),
      to: 1_200 + random.int(300),
    };
  }
  return disturbances;
}

function stretch(random: Prng, longest: number): Stretch {
  const from = someTime(random);
  const until = from + longest ** random.next();
  return { side: someSide(random), from, until };
}

/** From 1 to 10,000 ms, all orders of magnitude alike. */
function someTime(random: Prng): number {
  return 10_000 ** random.next();
}

function someSide(random: Prng): SideName {
  return random.next() < 0.5 ? "client" : "server";
}
