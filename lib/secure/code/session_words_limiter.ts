import { clearTimeout, setTimeout } from "node:timers";
import { Failure } from "../../base/failure.ts";

/** Settings of a {@linkcode SessionWordsLimiter}. Times in milliseconds. */
export interface SessionWordsLimiterOptions {
  /**
   * Handshakes without consequence that nobody waits for.
   * @default {8}
   */
  readonly free?: number;
  /**
   * Time from one handshake to the next, once there were more.
   * @default {1000}
   */
  readonly interval?: number;
  /**
   * How long one may wait: less than clients wait for FINISHED.
   * @default {6000}
   */
  readonly patience?: number;
}

/** Sources of handshakes that are remembered. */
const MAX_REMEMBERED_SOURCES = 1000;

/** A handshake whose turn has not come. */
interface Waiting {
  readonly source: string;
  readonly resolve: () => void;
}

/**
 * Limits how often somebody can try for session words: each try needs a
 * handshake that a server finishes, and after some of them that led to nothing
 * only one is finished at a time. One for all connections of a receiver, as
 * whoever is in the middle has many addresses.
 *
 * Whoever waits is served by the fewest handshakes that their source has had, so
 * an honest sender does not stand behind one that tries again and again.
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

  /** Handshakes that were finished and led to nothing so far, to be told to a person. */
  get count(): number {
    return this.#count;
  }

  /**
   * Waits until a handshake may be finished, and counts it.
   *
   * @param source where it comes from: an address, without the port
   * @throws {Failure} `busy` if that would take too long
   */
  async admit(source: string): Promise<void> {
    if (this.#count >= this.#free) await this.#turn(source);
    this.#count++;
    this.#last = performance.now();
    const served = this.#served.get(source) ?? 0;
    // The one that was used last is forgotten last
    this.#served.delete(source);
    this.#served.set(source, served + 1);
    const [oldest] = this.#served.keys();
    if (oldest !== undefined && this.#served.size > MAX_REMEMBERED_SOURCES) {
      this.#served.delete(oldest);
    }
  }

  /** A handshake that was counted has led to something that was decided on, and so was no try in silence. */
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
      // No timer here keeps a process alive
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
