import { clearTimeout, setTimeout } from "node:timers";
import type { Security } from "../security.ts";
import { type Secrets, secretsMaker, type SecretsSource } from "./secrets.ts";

/** Secrets that are generated ahead. */
const POOL_SIZE = 16;
/**
 * Milliseconds between two secrets generated ahead; spread out so that a
 * transfer does not stall.
 */
const REFILL_INTERVAL = 20;

/**
 * Fresh secrets for each handshake of a server, the next few generated ahead in
 * idle time. One instance serves all connections.
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
    this.ready = secretsMaker(security, true).then((make) => {
      this.#make = make;
      this.#refill();
    });
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
