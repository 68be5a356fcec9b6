import { SYN_SIZE } from "../wire/segment.ts";

/** BASE_PLPMTU: every path carries it, as the handshake shows, since a SYN has this size. */
export const BASE_DATAGRAM_SIZE = SYN_SIZE;
/** Sizes to probe first: UDP over IPv4 in packets of 1,500 and 9,000 bytes. */
const COMMON_SIZES = [1472, 8972];
/** The search ends when less than this share is to be gained. */
const RESOLUTION = 1 / 32;
/**
 * Milliseconds until a path that did not carry the largest size is searched
 * again, at first; doubled each time. This stands in for MAX_PROBES of RFC 8899,
 * section 5.1.2: one lost probe ends the attempt at a size, and chance is
 * corrected half a second later. Three probes of a size that is too large would
 * cost three round trips on each narrow path, and the search would last longer
 * than most transfers.
 */
const FIRST_RAISE_INTERVAL = 500;
/** PMTU_RAISE_TIMER, in milliseconds: the longest such interval. */
const MAX_RAISE_INTERVAL = 60_000;
/** Large datagrams lost in a row, while a small one that was sent later arrived, that show a black hole. */
const BLACK_HOLE_LOSSES = 4;

type Search =
  /** It has not begun. */
  | { state: "BASE" }
  /** `size` is probed, by `packet` once that was sent. */
  | { state: "SEARCHING"; size: number; packet?: number }
  /** Nothing larger is probed before `until`. */
  | { state: "SEARCH_COMPLETE"; until: number };

/**
 * Finds the largest datagram that the path carries (RFC 8899, whose names are
 * used here, and RFC 9000, section 14.3). A probe is a padded datagram without
 * data, so its loss costs nothing and is no congestion. If large datagrams are
 * lost while small ones arrive, the path has changed: the base size is used at
 * once, and the search begins anew. Sizes are those of datagrams, in bytes.
 */
export class PathMtu {
  #size: number;
  #max: number;
  #search: Search = { state: "BASE" };
  // The smallest size that did not get through.
  #tooLarge = Infinity;
  #raiseInterval = FIRST_RAISE_INTERVAL;
  #largeLost = 0;
  #newestLarge = -1;

  /**
   * @param size what the path is assumed to carry
   * @param max the largest size to probe
   */
  constructor(size: number, max: number) {
    this.#size = Math.min(size, max);
    this.#max = max;
  }

  /** The largest datagram that may be sent. */
  get size(): number {
    return this.#size;
  }

  /** The path has changed: begins at the base size. */
  restart(): void {
    this.#size = Math.min(BASE_DATAGRAM_SIZE, this.#max);
    this.#tooLarge = Infinity;
    this.#largeLost = 0;
    this.#newestLarge = -1;
    this.#raiseInterval = FIRST_RAISE_INTERVAL;
    this.#search = { state: "BASE" };
  }

  /** The peer accepts datagrams of up to `max`. */
  limit(max: number): void {
    this.#max = Math.min(this.#max, max);
    this.#size = Math.min(this.#size, this.#max);
    this.#search = { state: "BASE" };
  }

  /** Moves the search on. @returns the size of the probe that is due, 0 if none is */
  probeSize(now: number): number {
    if (this.#size >= this.#max) return 0;
    const { state } = this.#search;
    if (state === "SEARCHING") {
      const { packet, size } = this.#search;
      return packet === undefined ? size : 0;
    }
    if (state === "SEARCH_COMPLETE" && now < this.#search.until) return 0;
    this.#tooLarge = Infinity;
    this.#next(now);
    return this.probeSize(now);
  }

  /** The probe was sent as this packet. */
  onProbeSent(packet: number): void {
    if (this.#search.state === "SEARCHING") this.#search.packet = packet;
  }

  /** A packet of `size` bytes was acknowledged. */
  onAcked(now: number, packet: number, size: number): void {
    if (size > BASE_DATAGRAM_SIZE && packet > this.#newestLarge) {
      this.#newestLarge = packet;
      this.#largeLost = 0;
    }
    const search = this.#search;
    if (search.state !== "SEARCHING" || search.packet !== packet) return;
    this.#size = size;
    this.#next(now);
  }

  /**
   * A packet of `size` bytes was lost.
   *
   * @returns whether it was a probe, so that its loss is no congestion
   */
  onLost(now: number, packet: number, size: number): boolean {
    const search = this.#search;
    if (search.state === "SEARCHING" && search.packet === packet) {
      this.#tooLarge = size;
      this.#next(now);
      return true;
    }
    // A later packet has arrived; unless that was large, only small ones arrive.
    if (size > BASE_DATAGRAM_SIZE && packet > this.#newestLarge) {
      if (++this.#largeLost >= BLACK_HOLE_LOSSES) this.#fallBack(packet);
    }
    return false;
  }

  #fallBack(packet: number): void {
    this.#largeLost = 0;
    if (this.#size > BASE_DATAGRAM_SIZE) this.restart();
    // Losses from before the new search count no more.
    this.#newestLarge = packet;
  }

  #next(now: number): void {
    const size = this.#candidate();
    if (size !== undefined) {
      this.#search = { state: "SEARCHING", size };
      return;
    }
    const until = now + this.#raiseInterval;
    this.#search = { state: "SEARCH_COMPLETE", until };
    this.#raiseInterval = Math.min(
      2 * this.#raiseInterval,
      MAX_RAISE_INTERVAL,
    );
  }

  // Common sizes in turn until one fails, then bisection.
  #candidate(): number | undefined {
    const size = this.#size;
    const unknown = Math.min(this.#tooLarge, this.#max) - size;
    if (this.#tooLarge === Infinity) {
      if (unknown <= 0) return undefined;
      const common = COMMON_SIZES.find((common) => common > size);
      return Math.min(common ?? this.#max, this.#max);
    }
    if (unknown <= size * RESOLUTION) return undefined;
    return size + (unknown >> 1);
  }
}
