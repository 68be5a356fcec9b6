/** Milliseconds of the rate that may pass at once after a pause. */
const BURST_TIME = 10;
/** Milliseconds of the rate that there is room for. */
const QUEUE_TIME = 100;
/** The same in bytes, at least and at most. */
const MIN_ROOM = 2 ** 16;
const MAX_ROOM = 2 ** 21;

/** Datagrams of one size, the last one shorter if need be. */
interface Datagrams {
  readonly bytes: Uint8Array;
  readonly size: number;
}

/** What waits for one target. */
interface Queue {
  readonly waiting: Datagrams[];
  length: number;
}

/**
 * Keeps to a rate. What exceeds it waits, so that senders meet a bottleneck with
 * a buffer: of what is dropped at once most would be sent again. Targets take
 * turns, and each may have as many bytes waiting as there is room left (dynamic
 * thresholds, Choudhury and Hahne 1998): one alone half of the room, and never
 * all of it.
 */
export class RelayQueue<Target> {
  readonly #rate: number;
  readonly #queues = new Map<Target, Queue>();
  /** Bytes. */
  #room: number;
  /** Bytes that may pass now; what passed last may overdraw it. */
  #tokens = 0;
  #filledAt = 0;

  /** @param rate bytes per millisecond */
  constructor(rate: number) {
    this.#rate = rate;
    this.#room = Math.min(Math.max(MIN_ROOM, rate * QUEUE_TIME), MAX_ROOM);
  }

  /** When {@linkcode poll} has something, in milliseconds. */
  get deadline(): number {
    return this.#queues.size > 0
      ? this.#filledAt + Math.max(0, -this.#tokens / this.#rate)
      : Infinity;
  }

  /**
   * Takes a copy of as many datagrams as there is room for.
   *
   * @returns their bytes; the rest is dropped
   */
  push(target: Target, { bytes, size }: Datagrams): number {
    const queue = this.#queues.get(target) ?? { waiting: [], length: 0 };
    const room = (this.#room - queue.length) / 2;
    const length = bytes.length <= room
      ? bytes.length
      : Math.max(0, Math.floor(room / size) * size);
    if (length === 0) return 0;
    queue.waiting.push({ bytes: bytes.slice(0, length), size });
    queue.length += length;
    this.#room -= length;
    this.#queues.set(target, queue);
    return length;
  }

  /** Takes what may pass now of those whose turn it is. */
  poll(now: number): (Datagrams & { readonly target: Target }) | undefined {
    const fresh = this.#rate * Math.max(0, now - this.#filledAt);
    this.#tokens = Math.min(this.#rate * BURST_TIME, this.#tokens + fresh);
    this.#filledAt = now;
    const [next] = this.#queues;
    // Less than a byte may be missing by rounding
    if (next === undefined || this.#tokens <= -1) return undefined;
    const [target, queue] = next;
    const { bytes, size } = queue.waiting.shift()!;
    const fits = Math.max(1, Math.floor(this.#tokens / size)) * size;
    const passed = bytes.subarray(0, fits);
    if (fits < bytes.length) {
      queue.waiting.unshift({ bytes: bytes.subarray(fits), size });
    }
    queue.length -= passed.length;
    this.#room += passed.length;
    this.#tokens -= passed.length;
    // To the end: it is another's turn
    this.#queues.delete(target);
    if (queue.length > 0) this.#queues.set(target, queue);
    return { bytes: passed, size, target };
  }

  /** Drops what waits for a target. */
  delete(target: Target): void {
    this.#room += this.#queues.get(target)?.length ?? 0;
    this.#queues.delete(target);
  }
}
