import { setTimeout } from "node:timers";

/** Handshakes that may come to nothing before the next ones are slowed down. */
const FREE = 8;
/** Milliseconds from one to the next after that. */
const INTERVAL = 1000;

/**
 * Counts handshakes without a code that were finished and came to nothing.
 * Somebody in the middle who hopes for session words that agree by chance needs
 * one for each try (lib/secure/README.md): a person is told of them, and after a
 * few there is no more than one a second.
 */
export class Attempts {
  readonly #waiting: (() => void)[] = [];
  #unfinished = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Handshakes so far that came to nothing, or have not come to anything yet. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /** Waits until one more handshake may be finished, and counts it. */
  async begin(): Promise<void> {
    if (this.#unfinished >= FREE) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        this.#schedule();
      });
    }
    this.#unfinished++;
  }

  /** What was begun has come to an offer. */
  offered(): void {
    this.#unfinished--;
  }

  /** What was offered was not stored. */
  failed(): void {
    this.#unfinished++;
  }

  /** Whether a person is told of the last one: of the first few, and then ever less often. */
  get tells(): boolean {
    const count = this.#unfinished;
    return count <= FREE || Number.isInteger(Math.log2(count));
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#waiting.shift()?.();
      if (this.#waiting.length > 0) this.#schedule();
    }, INTERVAL);
  }
}
