import { clearTimeout, setTimeout } from "node:timers";
import { Failure } from "../../base/failure.ts";

/** Settings of a {@linkcode SessionWordsLimiter}. Times in milliseconds. */
export interface SessionWordsLimiterOptions {
  /**
   * Handshakes that are finished at once.
   * @default {8}
   */
  readonly free?: number;
  /**
   * Time between two handshakes after the free ones.
   * @default {1000}
   */
  readonly interval?: number;
  /**
   * The longest wait for a turn; shorter than clients wait for FINISHED.
   * @default {6000}
   */
  readonly patience?: number;
}

/**
 * Source addresses whose handshakes are counted; the least recent is evicted.
 */
const MAX_REMEMBERED_SOURCES = 1000;

/** A handshake that waits for its turn. */
interface Waiting {
  readonly source: string;
  readonly resolve: () => void;
}

/**
 * Limits tries for matching session words. Each try costs a handshake that the
 * server finishes; after a few that led to no transfer, they are finished one
 * at a time. One limiter serves all connections of a receiver, since an
 * attacker has many addresses.
 *
 * The source with the fewest handshakes goes first, so that an honest sender
 * does not queue behind one that keeps trying.
 */
export class SessionWordsLimiter {
  readonly #free: number;
  readonly #interval: number;
  readonly #patience: number;
  readonly #served = new Map<string, number>();
  #waiting: Waiting[] = [];
  #count = 0;
  #last = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionWordsLimiterOptions = {}) {
    this.#free = options.free ?? 8;
    this.#interval = options.interval ?? 1000;
    this.#patience = options.patience ?? 6000;
  }

  /**
   * Handshakes that were finished without leading to a transfer; shown to the
   * receiver's user.
   */
  get count(): number {
    return this.#count;
  }

  /**
   * Waits until a handshake may be finished, and counts it.
   *
   * @param source the peer's address without its port
   * @throws {Failure} `too-many-handshakes` if its turn does not come in time
   */
  async admit(source: string): Promise<void> {
    if (this.#count >= this.#free) await this.#turn(source);
    this.#count++;
    this.#last = performance.now();
    const served = this.#served.get(source) ?? 0;
    // Reinsertion keeps the map in order of last use
    this.#served.delete(source);
    this.#served.set(source, served + 1);
    const [oldest] = this.#served.keys();
    if (oldest !== undefined && this.#served.size > MAX_REMEMBERED_SOURCES) {
      this.#served.delete(oldest);
    }
  }

  /**
   * Takes a handshake back out of the count: it led to an offer that was
   * answered.
   */
  excuse(source: string): void {
    this.#count = Math.max(0, this.#count - 1);
    const served = this.#served.get(source);
    if (served !== undefined) this.#served.set(source, Math.max(0, served - 1));
  }

  #turn(source: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        source,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#leave(waiting);
        reject(
          new Failure({ code: "too-many-handshakes" }),
        );
      }, this.#patience);
      // A pending handshake keeps no process alive
      timer.unref();
      this.#waiting.push(waiting);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const wait = this.#last + this.#interval - performance.now();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#serve();
    }, Math.max(0, wait));
    this.#timer.unref();
  }

  #leave(waiting: Waiting): void {
    this.#waiting = this.#waiting.filter((one) => one !== waiting);
    if (this.#waiting.length > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #serve(): void {
    const served = ({ source }: Waiting) => this.#served.get(source) ?? 0;
    const fewest = Math.min(...this.#waiting.map(served));
    const next = this.#waiting.find((one) => served(one) === fewest);
    if (next === undefined) return;
    this.#leave(next);
    this.#last = performance.now();
    next.resolve();
    this.#schedule();
  }
}
