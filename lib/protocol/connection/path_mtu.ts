import { SYN_SIZE } from "../wire/segment.ts";

/** What every path carries: BASE_PLPMTU. The handshake has proved it, for a SYN has this size. */
export const BASE_DATAGRAM_SIZE = SYN_SIZE;
/** Sizes to try before others: UDP over IPv4 in packets of 1,500 and of 9,000 bytes. */
const COMMON_SIZES = [1472, 8972];
/** The search ends where less than this share would be gained. */
const RESOLUTION = 1 / 32;
/**
 * Milliseconds after which a path that did not take the largest size is
 * searched again, at first: a probe may have been lost by chance. Doubled each
 * time, for the path may just be so,
 */
const FIRST_RAISE_INTERVAL = 500;
/** up to this: PMTU_RAISE_TIMER. */
const MAX_RAISE_INTERVAL = 60_000;
/** Large datagrams lost in a row, while a smaller one that left later arrived, that show a black hole. */
const BLACK_HOLE_LOSSES = 4;

/** What the search is at. */
type Search =
  /** It is to begin. */
  | { state: "BASE" }
  /** This size is tried; `packet` is under way, unless it is to be sent. */
  | { state: "SEARCHING"; size: number; packet?: number }
  /** Nothing larger is known to be worth a try before `until`. */
  | { state: "SEARCH_COMPLETE"; until: number };

/**
 * Finds the largest datagram that the path takes (RFC 8899, whose names stand
 * above; RFC 9000, section 14.3). A probe is a datagram of its own, padded, so
 * that its loss costs no data and is no congestion. When large datagrams vanish
 * while small ones arrive, the path has changed: the base size is used at once,
 * and the search begins anew. The base itself needs no search, for where a SYN
 * does not arrive there is no connection. Sizes are those of datagrams, in
 * bytes.
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
   * @param size what is taken to get through until it is seen not to
   * @param max what may be tried
   */
  constructor(size: number, max: number) {
    this.#size = Math.min(size, max);
    this.#max = max;
  }

  /** The largest datagram that is known to get through. */
  get size(): number {
    return this.#size;
  }

  /** The path is another one: what every path carries is sent until it shows more. */
  restart(): void {
    this.#size = Math.min(BASE_DATAGRAM_SIZE, this.#max);
    this.#tooLarge = Infinity;
    this.#largeLost = 0;
    this.#newestLarge = -1;
    this.#raiseInterval = FIRST_RAISE_INTERVAL;
    this.#search = { state: "BASE" };
  }

  /** The peer takes datagrams of up to `max`. */
  limit(max: number): void {
    this.#max = Math.min(this.#max, max);
    this.#size = Math.min(this.#size, this.#max);
    this.#search = { state: "BASE" };
  }

  /** The size of the probe that is to be sent now, 0 if none is. */
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

  /** The probe left as this packet. */
  onProbeSent(packet: number): void {
    if (this.#search.state === "SEARCHING") this.#search.packet = packet;
  }

  /** A packet of `size` bytes has arrived. */
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
   * @returns whether it was a probe, so that its loss says nothing else
   */
  onLost(now: number, packet: number, size: number): boolean {
    const search = this.#search;
    if (search.state === "SEARCHING" && search.packet === packet) {
      this.#tooLarge = size;
      this.#next(now);
      return true;
    }
    // Only a packet that left later shows a loss; if none of those was large, it was small.
    if (size > BASE_DATAGRAM_SIZE && packet > this.#newestLarge) {
      if (++this.#largeLost >= BLACK_HOLE_LOSSES) this.#fallBack(packet);
    }
    return false;
  }

  #fallBack(packet: number): void {
    this.#largeLost = 0;
    // What is lost from before the search tells nothing new.
    this.#newestLarge = packet;
    if (this.#size <= BASE_DATAGRAM_SIZE) return;
    this.#size = BASE_DATAGRAM_SIZE;
    this.#raiseInterval = FIRST_RAISE_INTERVAL;
    this.#search = { state: "BASE" };
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

  // Common sizes in turn, until one fails; from then on what lies halfway.
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
