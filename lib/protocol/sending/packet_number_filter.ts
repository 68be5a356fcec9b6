/** Packets until the first number is skipped, less a random part; the interval then doubles. */
const FIRST_SKIP_INTERVAL = 64;
/** Packets between skipped numbers, at most: each costs the peer a SACK block. */
const MAX_SKIP_INTERVAL = 1024;
/** Share of the packets in flight between skipped numbers, where that is more: a flight has some, but few. */
const SKIP_SHARE = 1 / 8;
/** Skipped numbers that are remembered. */
const MAX_SKIPPED = 32;

/**
 * Skips packet numbers at random: a peer that acknowledges one of them has not
 * received what it acknowledges (RFC 9000, section 21.4).
 */
export class PacketNumberFilter {
  readonly #random: () => number;
  readonly #skipped: number[] = [];
  #skips = 0;
  #newestSkipped = -1;
  #interval = FIRST_SKIP_INTERVAL;
  #untilSkip: number;

  /** @param random whole numbers in [0, 2^32), unpredictable */
  constructor(random: () => number) {
    this.#random = random;
    this.#untilSkip = this.#drawSkip();
  }

  // At least one packet goes between two, so that a gap is never longer than one.
  #drawSkip(): number {
    return 1 + this.#interval / 2 +
      Math.floor(this.#random() / 2 ** 32 * this.#interval / 2);
  }

  /**
   * Counts a packet that was sent.
   *
   * @param next the packet number after it
   * @param inFlight packets that may still be acknowledged
   * @returns whether `next` is to be skipped
   */
  onSent(next: number, inFlight: number): boolean {
    if (--this.#untilSkip > 0) return false;
    this.#newestSkipped = next;
    this.#skipped[this.#skips++ % MAX_SKIPPED] = next;
    const longest = Math.max(MAX_SKIP_INTERVAL, SKIP_SHARE * inFlight);
    this.#interval = Math.min(2 * this.#interval, longest);
    this.#untilSkip = this.#drawSkip();
    return true;
  }

  /** Whether [`start`, `end`) contains a skipped number that is `oldest` or larger. */
  hasSkipped(start: number, end: number, oldest: number): boolean {
    const first = Math.max(start, oldest);
    if (this.#newestSkipped < first) return false;
    for (const packet of this.#skipped) {
      if (packet >= first && packet < end) return true;
    }
    return false;
  }
}
