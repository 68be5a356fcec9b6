import { clearTimeout, setTimeout } from "node:timers";
import type { Secrets, SecretsSource } from "./handshake.ts";
import { KeyShare } from "./key_share.ts";
import { cpaceInputs, type Security } from "../security.ts";

/** Secrets that are kept ready. */
const POOL_SIZE = 16;
/** Milliseconds from one that is made ahead to the next: a share of the time that nobody notices. */
const REFILL_INTERVAL = 20;

/**
 * What a server brings to its handshakes: new shares for each, the first few of
 * them made ahead, while nobody waits. What follows from the code alone is
 * computed once. One for all connections of a server.
 */
export class ServerSecrets implements SecretsSource, Disposable {
  readonly mode: Security["mode"];
  /** What a code takes is loaded. */
  readonly ready: Promise<void>;
  readonly #pool: Secrets[] = [];
  #make: () => Secrets = () => {
    throw new TypeError("Not ready yet");
  };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  constructor(security: Security) {
    this.mode = security.mode;
    this.ready = this.#prepare(security);
    // Whoever needs it hears of it
    this.ready.catch(() => {});
  }

  /** Secrets for one handshake; there once {@linkcode ready} has resolved. */
  next(): Secrets {
    const secrets = this.#pool.shift() ?? this.#make();
    this.#refill();
    return secrets;
  }

  /** Makes no more ahead; {@linkcode next} still gives some. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#disposed = true;
  }

  async #prepare(security: Security): Promise<void> {
    const { mode } = security;
    if (mode === "plain") {
      this.#make = () => ({ mode });
      return;
    }
    if (mode === "encrypted") {
      this.#make = () => ({ mode, keyShare: KeyShare.generate() });
    } else {
      const { CpaceSides } = await import("../code/cpace.ts");
      const sides = new CpaceSides(cpaceInputs(security.code));
      this.#make = () => ({
        mode,
        keyShare: KeyShare.generate(),
        cpace: sides.next(),
      });
    }
    this.#refill();
  }

  /** Makes one after another until the pool is full. */
  #refill(): void {
    const full = this.#pool.length >= POOL_SIZE || this.mode === "plain";
    if (full || this.#disposed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pool.push(this.#make());
      this.#refill();
    }, REFILL_INTERVAL);
    // Keeps no process alive
    this.#timer.unref();
  }
}
