import { Prng } from "../../lib/base/prng.ts";

/** What one direction of a network does to datagrams. Everything is off unless given. */
export interface Conditions {
  /** Rate of the bottleneck, bytes per millisecond. */
  rate?: number | undefined;
  /** Bytes that wait before the bottleneck; what comes on top is dropped. Unbounded unless given. */
  queue?: number | undefined;
  /** Largest datagram that fits, bytes; larger ones vanish. */
  mtu?: number | undefined;
  /** From one end to the other, ms. */
  delay?: number | undefined;
  /** Further delay of each datagram, uniform in [0, `jitter`) ms, which reorders. */
  jitter?: number | undefined;
  /** Share of datagrams lost, each for itself. */
  loss?: number | undefined;
  /** Losses that come in bursts. */
  burst?: Burst | undefined;
  /** Share of datagrams held back so that later ones overtake them. */
  reorder?: number | undefined;
  /** How long they are held back at most, ms. 10 unless given. */
  reorderBy?: number | undefined;
  /** Share of datagrams that arrive twice. */
  duplicate?: number | undefined;
  /** Share of datagrams in which some bits flip, or whose end is cut off. */
  corrupt?: number | undefined;
  /** Times when nothing passes, as [start, end) in ms. */
  blackouts?: readonly (readonly [start: number, end: number])[] | undefined;
}

/** The Gilbert-Elliott model: a good state without this loss, a bad one with it. */
export interface Burst {
  /** Probability per datagram of turning bad. */
  enter: number;
  /** Probability per datagram of turning good again; bursts are 1 / `leave` long on average. */
  leave: number;
  /** Share of datagrams lost in the bad state. 1 unless given. */
  loss?: number;
}

/** What a link did. Every datagram that entered was dropped for one of five reasons, or passed. */
export class LinkCounters {
  entered = 0;
  passed = 0;
  /** Entered in a blackout. */
  darkened = 0;
  /** Larger than the MTU. */
  oversized = 0;
  /** Lost at random, alone. */
  lost = 0;
  /** Lost in a burst. */
  burstLost = 0;
  /** Found the queue full. */
  overflowed = 0;
  duplicated = 0;
  reordered = 0;
  corrupted = 0;
}

/**
 * One direction of a network. It holds no datagram and no clock: at a datagram's
 * entry it decides all that will happen to it, so that the simulator and the
 * relay share every decision. Each kind of impairment draws from its own
 * randomness, so that turning one on does not reshuffle the others. Several flows
 * may use one link and so share its bottleneck.
 */
export class Link {
  /** May be changed at any time, and holds for what enters from then on. */
  conditions: Conditions;
  /** While set, nothing passes. */
  dark = false;
  readonly counters = new LinkCounters();

  /** After {@linkcode Link.enter}: when each copy comes out, ms. */
  readonly exits = new Float64Array(2);
  /** After {@linkcode Link.enter}: whether each copy is to go through {@linkcode Link.damage}. */
  readonly damaged = new Uint8Array(2);

  readonly #losses: Prng;
  readonly #bursts: Prng;
  readonly #delays: Prng;
  readonly #orders: Prng;
  readonly #copies: Prng;
  readonly #damages: Prng;
  #inBurst = false;
  #busyUntil = -Infinity;

  constructor(conditions: Conditions, seed: number) {
    this.conditions = conditions;
    const seeds = new Prng(seed);
    this.#losses = new Prng(seeds.uint32());
    this.#bursts = new Prng(seeds.uint32());
    this.#delays = new Prng(seeds.uint32());
    this.#orders = new Prng(seeds.uint32());
    this.#copies = new Prng(seeds.uint32());
    this.#damages = new Prng(seeds.uint32());
  }

  /**
   * Decides what becomes of a datagram of `length` bytes that enters at `now`.
   *
   * @returns how many copies come out, 0 to 2; `exits` and `damaged` tell of each
   */
  enter(now: number, length: number): number {
    this.counters.entered++;
    if (!this.#survives(now, length)) return 0;
    const atExit = this.#transmit(now, length);
    if (atExit === Infinity) {
      this.counters.overflowed++;
      return 0;
    }
    this.counters.passed++;
    this.#release(0, atExit);
    const { duplicate } = this.conditions;
    if (!duplicate || this.#copies.next() >= duplicate) return 1;
    this.counters.duplicated++;
    this.#release(1, atExit);
    return 2;
  }

  /**
   * Damages a datagram in place, so that it differs from what it was.
   *
   * @returns its new length, bytes
   */
  damage(datagram: Uint8Array): number {
    const { length } = datagram;
    if (length === 0) return 0;
    if (this.#damages.int(4) === 0) return this.#damages.int(length);
    const first = this.#damages.int(length * 8);
    datagram[first >> 3]! ^= 1 << (first & 7);
    for (let more = this.#damages.int(8); more > 0; more--) {
      const bit = this.#damages.int(length * 8);
      if (bit !== first) datagram[bit >> 3]! ^= 1 << (bit & 7);
    }
    return length;
  }

  #survives(now: number, length: number): boolean {
    const { mtu, loss, burst } = this.conditions;
    // Each is drawn for every datagram, so that one does not shift the other.
    const burstLost = burst !== undefined && this.#burstTakes(burst);
    const lost = loss !== undefined && loss > 0 && this.#losses.next() < loss;
    if (this.#isDark(now)) this.counters.darkened++;
    else if (mtu !== undefined && length > mtu) this.counters.oversized++;
    else if (burstLost) this.counters.burstLost++;
    else if (lost) this.counters.lost++;
    else return true;
    return false;
  }

  #isDark(now: number): boolean {
    const { blackouts } = this.conditions;
    return this.dark || blackouts !== undefined &&
        blackouts.some(([start, end]) => now >= start && now < end);
  }

  #burstTakes(burst: Burst): boolean {
    const chance = this.#inBurst ? burst.leave : burst.enter;
    if (this.#bursts.next() < chance) this.#inBurst = !this.#inBurst;
    return this.#inBurst && this.#bursts.next() < (burst.loss ?? 1);
  }

  /** Passes the queue and the bottleneck. Returns when it is at the far end; `Infinity` if the queue is full. */
  #transmit(now: number, length: number): number {
    const { rate, queue = Infinity, delay = 0 } = this.conditions;
    if (!rate) return now + delay;
    const start = Math.max(now, this.#busyUntil);
    if (start > now && (start - now) * rate + length > queue) return Infinity;
    this.#busyUntil = start + length / rate;
    return this.#busyUntil + delay;
  }

  #release(copy: number, atExit: number): void {
    const { jitter, reorder, reorderBy = 10, corrupt } = this.conditions;
    let exit = atExit;
    if (jitter) exit += this.#delays.next() * jitter;
    if (reorder && this.#orders.next() < reorder) {
      this.counters.reordered++;
      exit += this.#orders.next() * reorderBy;
    }
    // A second copy that came at once would never arrive between others.
    if (copy > 0) exit += this.#copies.next() * reorderBy;
    const damaged = corrupt !== undefined && corrupt > 0 &&
      this.#damages.next() < corrupt;
    if (damaged) this.counters.corrupted++;
    this.exits[copy] = exit;
    this.damaged[copy] = damaged ? 1 : 0;
  }
}
