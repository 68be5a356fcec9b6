import { Failure } from "../../base/failure.ts";
import type { Channel } from "../../endpoint/channel.ts";
import type { Owner } from "../../transfer/files/writing/target.ts";
import { within } from "../../base/async.ts";
import { isSameOwner } from "./owner.ts";
import type { ResolvedDestination } from "../destination.ts";

/** How long a sender is waited for before its names are taken from it, in milliseconds. */
export interface LockTimes {
  /** For what a sender that was killed sent last to arrive. */
  readonly settle: number;
  /** For the answer to a ping. */
  readonly ping: number;
}

const DEFAULT_TIMES: LockTimes = { settle: 1000, ping: 500 };
/** Pings before a sender is considered gone. */
const PINGS = 4;

/** What a lock needs to know of the connection of its holder. */
export type LockingChannel = Pick<
  Channel,
  "abort" | "ping" | "closed" | "counters"
>;

/** The locks of a receiver's transfers, by the names that they hold. */
export type NameHolders = Map<string, NameLock>;

/**
 * The names that one of several transfers at once holds, so that no other writes
 * under them. Where a sender was killed and its command is given again, the
 * receiver still waits for the first one: that one is aborted, so that the second
 * can resume it. A sender that still answers keeps its names, and so does any
 * against another owner.
 */
export class NameLock implements Disposable {
  readonly #holders: NameHolders;
  readonly #channel: LockingChannel;
  readonly #times: LockTimes;
  readonly #over = Promise.withResolvers<void>();
  #names: readonly string[] = [];
  #owner: Owner = {};
  #ended = false;

  /** The lock of a transfer that begins; it holds no names yet. */
  constructor(
    holders: NameHolders,
    channel: LockingChannel,
    times = DEFAULT_TIMES,
  ) {
    this.#holders = holders;
    this.#channel = channel;
    this.#times = times;
  }

  /** The destination, opened only for names that no other transfer holds. */
  guard(destination: ResolvedDestination): ResolvedDestination {
    return {
      ...destination,
      open: async (offer, owner, mayExist) => {
        // A stream gets a name that nothing else has
        const { sharesNames } = destination;
        const taken = destination.pathFor(offer);
        await this.#lock(offer.names, owner, taken).catch((error) => {
          if (!sharesNames || error.code !== "in-use") throw error;
        });
        return await destination.open(offer, owner, mayExist);
      },
    };
  }

  /** The transfer has ended, and has closed its files. */
  [Symbol.dispose](): void {
    this.#ended = true;
    for (const name of this.#names) this.#holders.delete(name);
    this.#names = [];
    this.#over.resolve();
  }

  async #lock(
    names: readonly string[],
    owner: Owner,
    path: string | undefined,
  ): Promise<void> {
    for (;;) {
      const holder = names.map((name) => this.#holders.get(name))
        .find((other) => other !== undefined);
      if (holder === undefined) break;
      const keeps = !isSameOwner(owner, holder.#owner) ||
        await holder.#isAlive();
      if (holder.#ended) continue;
      if (keeps) throw new Failure({ code: "in-use", path });
      holder.#channel.abort(new Failure({ code: "superseded" }));
      await holder.#over.promise;
    }
    if (this.#ended) throw new Failure({ code: "interrupted" });
    this.#names = names;
    this.#owner = owner;
    for (const name of names) this.#holders.set(name, this);
  }

  async #isAlive(): Promise<boolean> {
    const { closed, counters } = this.#channel;
    const { settle, ping } = this.#times;
    if (await within(settle, closed)) return false;
    const before = counters.datagramsReceived;
    for (let pings = 0; pings < PINGS; pings++) {
      this.#channel.ping();
      if (await within(ping, closed)) return false;
      if (counters.datagramsReceived > before) return true;
    }
    return false;
  }
}
