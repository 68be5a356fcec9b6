import { Random } from "../../../lib/base/prng.ts";

export type SideName = "client" | "server";

/** A stretch of time in which something is so at one side, in ms. */
export interface Stretch {
  side: SideName;
  from: number;
  until: number;
}

/** What happens in a run beside what the network does. */
export interface Twists {
  /** Somebody else is half open, so that the client needs a cookie. */
  crowded: boolean;
  /** When the client's address changes, ms. */
  moveAt: number;
  /** An application that does not read for a while. */
  lull?: Stretch;
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
export function randomTwists(seed: number, timeout: number): Twists {
  const random = new Random(seed);
  const twists: Twists = { crowded: random.next() < 0.25, moveAt: Infinity };
  if (random.next() < 0.2) twists.moveAt = someTime(random);
  const longest = Math.min(timeout / 3, 20_000);
  if (random.next() < 0.1) twists.lull = stretch(random, longest);
  if (random.next() < 0.1) twists.freeze = stretch(random, longest);
  if (random.next() < 0.05) {
    twists.abort = { side: someSide(random), at: someTime(random) };
  }
  if (random.next() < 0.1) {
    twists.narrows = { at: someTime(random), to: 1_200 + random.int(300) };
  }
  return twists;
}

function stretch(random: Random, longest: number): Stretch {
  const from = someTime(random);
  const until = from + longest ** random.next();
  return { side: someSide(random), from, until };
}

/** From 1 to 10,000 ms, all orders of magnitude alike. */
function someTime(random: Random): number {
  return 10_000 ** random.next();
}

function someSide(random: Random): SideName {
  return random.next() < 0.5 ? "client" : "server";
}
