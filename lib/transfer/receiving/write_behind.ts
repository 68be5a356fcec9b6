import { BLOCK_SIZE } from "../wire/frame.ts";

/** How long bytes wait for a block to fill before they are written anyway, in milliseconds. */
const MAX_WAIT = 10;

/**
 * Two blocks between a network and a disk: one is filled while the other is
 * written. Once a write has failed everything is discarded, so that the caller can
 * go on to read what is on its way.
 */
export class WriteBehind {
  /** Rejects when a write fails or `fail` is called; never resolves. */
  readonly failed: Promise<never>;
  #reject: (error: unknown) => void;
  #write: (bytes: Uint8Array) => Promise<void>;
  #filling = new Uint8Array(BLOCK_SIZE);
  #filled = 0;
  /** Bytes of the current block that the writer has taken. */
  #taken = 0;
  #spare = new Uint8Array(BLOCK_SIZE);
  #writing = false;
  /** Whether to write what was filled as soon as the writer is free. */
  #due = false;
  #broken = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #changed: (() => void) | undefined;

  /** @param write writes a block out; called again only when it has resolved */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.failed.catch(() => {});
    this.#reject = reject;
  }

  /** Room for the next bytes, at least one; waits for it. */
  async space(): Promise<Uint8Array> {
    while (this.#filled === BLOCK_SIZE) await this.#change();
    return this.#filling.subarray(this.#filled);
  }

  /** Marks the first `count` bytes of `space` as filled. */
  filled(count: number): void {
    if (this.#broken) return;
    this.#filled += count;
    if (this.#filled === BLOCK_SIZE) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), MAX_WAIT);
  }

  /**
   * Waits until everything has been written.
   *
   * @throws what `failed` rejects with
   */
  async flush(): Promise<void> {
    this.#start();
    while (this.#writing && !this.#broken) await this.#change();
    if (this.#broken) await this.failed;
  }

  /** Discards what has not been written. */
  fail(error: unknown): void {
    this.#broken = true;
    clearTimeout(this.#timer);
    this.#filled = this.#taken = 0;
    this.#reject(error);
    this.#changed?.();
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = this.#filled > this.#taken;
    if (this.#due && !this.#writing) this.#writeOut();
  }

  #writeOut(): void {
    const bytes = this.#filling.subarray(this.#taken, this.#filled);
    this.#taken = this.#filled;
    // The rest of the block may be being filled
    if (this.#filled === BLOCK_SIZE) {
      [this.#filling, this.#spare] = [this.#spare, this.#filling];
      this.#filled = this.#taken = 0;
    }
    this.#due = false;
    this.#writing = true;
    this.#write(bytes).then(() => {
      this.#writing = false;
      if (this.#due) this.#writeOut();
      this.#changed?.();
    }, (error) => {
      this.#writing = false;
      this.fail(error);
    });
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed = resolve);
  }
}
