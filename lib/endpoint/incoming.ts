import { Failure } from "../base/failure.ts";
import { abortable } from "../base/async.ts";
import type { Channel } from "./channel.ts";

/** Milliseconds from the first datagram of a connection until it must be accepted. */
const ACCEPT_TIMEOUT = 10_000;

/** What an {@linkcode Incoming} needs of its endpoint. */
export interface IncomingDriver {
  /** Gives the connection a place. @returns whether there was one */
  accept(): boolean;
  /** The connection was accepted, or is gone. */
  onSettled(incoming: Incoming, accepted: boolean): void;
}

/**
 * A connection that a peer has opened, to be accepted or refused. If neither
 * happens within ten seconds it is aborted.
 */
export class Incoming {
  /**
   * Usable at once, to find out whether to accept: until then the peer may send
   * little, and is sent no more than it has sent until its address is validated.
   */
  readonly channel: Channel;
  readonly #driver: IncomingDriver;
  readonly #timer: ReturnType<typeof setTimeout>;
  #settled = false;

  constructor(channel: Channel, driver: IncomingDriver) {
    this.channel = channel;
    this.#driver = driver;
    const late = new Failure({
      code: "offer-timeout",
      peer: channel.peer,
      seconds: ACCEPT_TIMEOUT / 1000,
    });
    this.#timer = setTimeout(() => this.abort(late), ACCEPT_TIMEOUT);
    for (const broken of [channel.established, channel.closed]) {
      broken.catch(() => this.#settle(false));
    }
  }

  /**
   * Gives the connection one of the endpoint's places once the peer's address is
   * validated. Where there is none, the peer is told that the endpoint is busy.
   *
   * @throws {Failure} `busy`, or why the connection ended
   */
  async accept(): Promise<void> {
    await this.channel.established;
    if (!this.#settled && this.#driver.accept()) return this.#settle(true);
    const busy = new Failure({ code: "busy" });
    this.abort(busy);
    throw busy;
  }

  /**
   * Ends the connection once the peer's address is validated. Until then it keeps
   * its half-open place, or refusals would make room for more of a flood from
   * forged addresses.
   */
  refuse(reason: Error): void {
    this.channel.established.then(() => this.abort(reason), () => {});
  }

  /** Ends the connection at once. */
  abort(reason: Error): void {
    this.#settle(false);
    this.channel.abort(reason);
  }

  #settle(accepted: boolean): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#driver.onSettled(this, accepted);
  }
}

/** Incoming connections that are neither accepted nor refused, in order. */
export class IncomingQueue {
  readonly #undecided = new Set<Incoming>();
  /** Those of them that {@linkcode next} has not given yet. */
  readonly #waiting = new Set<Incoming>();
  #arrival = Promise.withResolvers<void>();

  add(incoming: Incoming): void {
    this.#undecided.add(incoming);
    this.#waiting.add(incoming);
    this.#arrival.resolve();
  }

  /** It was accepted, or is gone. */
  delete(incoming: Incoming): void {
    this.#undecided.delete(incoming);
    this.#waiting.delete(incoming);
  }

  /**
   * Waits for the next one.
   *
   * @throws the signal's reason, or the failure with which it is closed
   */
  async next(signal: AbortSignal | undefined): Promise<Incoming> {
    for (;;) {
      signal?.throwIfAborted();
      for (const incoming of this.#waiting) {
        this.#waiting.delete(incoming);
        return incoming;
      }
      this.#arrival = Promise.withResolvers<void>();
      await abortable(this.#arrival.promise, signal);
    }
  }

  /** Aborts all that are undecided. */
  close(failure: Failure): void {
    for (const incoming of [...this.#undecided]) incoming.abort(failure);
    this.#arrival.promise.catch(() => {});
    this.#arrival.reject(failure);
  }
}
