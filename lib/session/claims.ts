import { Failure } from "../base/failure.ts";
import type { Channel } from "../endpoint/channel.ts";
import { StorageFailure } from "../transfer/content.ts";
import type { Owner } from "../transfer/files/writing/staging.ts";
import { titleOf } from "../transfer/wire/messages.ts";
import { within } from "../base/async.ts";
import { isSameOwner } from "./owner.ts";
import type { Target } from "./target.ts";

/** Time for what a sender that is gone has said last to arrive, in milliseconds. */
const SETTLING = 1000;
/** How often a sender is asked whether it is there, and for how long it is waited then, in milliseconds. */
const QUESTIONS = 4;
const ANSWER_TIME = 500;

/** What is needed to know of whoever sends. */
export type Sending = Pick<
  Channel,
  "abort" | "ping" | "closed" | "counters"
>;

/**
 * Who receives what, of several transfers at once. Where a sender was killed and
 * its command is given again, the receiver still waits for the first one: that
 * gives way, so that the second goes on where it stopped. But a sender that is
 * there keeps its place, and so does any against somebody else.
 */
export class Claims {
  readonly #claims = new Map<string, Claim>();

  /** A transfer begins. */
  of(channel: Sending): Claim {
    return new Claim(this.#claims, channel);
  }
}

/** The claim of one transfer. */
export class Claim {
  readonly #claims: Map<string, Claim>;
  readonly #channel: Sending;
  readonly #over = Promise.withResolvers<void>();
  #title: string | undefined;
  #owner: Owner = {};
  #ended = false;

  /** Use {@linkcode Claims.of}. */
  constructor(claims: Map<string, Claim>, channel: Sending) {
    this.#claims = claims;
    this.#channel = channel;
  }

  /** `target`, opened only for what no other transfer has claimed. */
  guard(target: Target): Target {
    return {
      ...target,
      open: async (offer, owner) => {
        const title = titleOf(offer);
        this.#owner = owner;
        // A stream gets a name that nothing else has
        if (title !== undefined) await this.#make(title, target.pathFor(offer));
        return await target.open(offer, owner);
      },
    };
  }

  /** The transfer has ended, and has let go of its files. */
  release(): void {
    this.#ended = true;
    if (this.#title !== undefined) this.#claims.delete(this.#title);
    this.#over.resolve();
  }

  async #make(title: string, path: string | undefined): Promise<void> {
    for (let other; (other = this.#claims.get(title)) !== undefined;) {
      const alive = !isSameOwner(this.#owner, other.#owner) ||
        await other.#isAlive();
      if (this.#claims.get(title) !== other) continue;
      if (alive) throw taken(path);
      const why = "The sender fell silent, and the same is sent anew";
      other.#channel.abort(new Failure("silence", why));
      await other.#over.promise;
    }
    if (this.#ended) throw new Failure("interrupted", "The transfer was ended");
    this.#title = title;
    this.#claims.set(title, this);
  }

  /** Whether its sender still says something. */
  async #isAlive(): Promise<boolean> {
    const { closed, counters } = this.#channel;
    if (await within(SETTLING, closed)) return false;
    const before = counters.datagramsReceived;
    for (let asked = 0; asked < QUESTIONS; asked++) {
      this.#channel.ping();
      if (await within(ANSWER_TIME, closed)) return false;
      if (counters.datagramsReceived > before) return true;
    }
    return false;
  }
}

function taken(path: string | undefined): StorageFailure {
  return new StorageFailure(
    "taken",
    `Cannot write ${path}: another sender sends it right now; wait until that has ended`,
  );
}
