import { clearTimeout, setTimeout } from "node:timers";
import type { Secrets, SecretsSource } from "./handshake.ts";
import { KeyShare } from "./key_share.ts";
import { cpaceInputs, type Security } from "../security.ts";

/** Secrets that are generated ahead. */
const POOL_SIZE = 16;
/**
 * Milliseconds between two secrets generated ahead; spread out so that a
 * transfer does not stall.
 */
const REFILL_INTERVAL = 20;

/**
 * Fresh secrets for each handshake of a server, the next few generated ahead in
 * idle time. The generator of a code is computed once. One instance serves all
 * connections.
 */
export class ServerSecrets implements SecretsSource, Disposable {
  readonly mode: Security["mode"];
  /** Settles when the code's dependencies are loaded. */
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
    // Its awaiters report the failure
    this.ready.catch(() => {});
  }

  /**
   * Secrets for one handshake; callable once {@linkcode ready} has resolved.
   */
  next(): Secrets {
    const secrets = this.#pool.shift() ?? this.#make();
    this.#refill();
    return secrets;
  }

  /** Stops generating ahead; {@linkcode next} still works. */
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

  /** Generates one after another until the pool is full. */
  #refill(): void {
    const full = this.#pool.length >= POOL_SIZE || this.mode === "plain";
    if (full || this.#disposed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pool.push(this.#make());
      this.#refill();
    }, REFILL_INTERVAL);
    // It keeps no process alive
    this.#timer.unref();
  }
}
