import { Failure } from "../base/failure.ts";

/** Milliseconds without progress after which a transfer gives way to who has no place. */
const LIMIT = 10_000;

/** What can be ended. */
interface Abortable {
  abort(failure: Error): void;
}

/**
 * Watches transfers of senders whom no code vouches for, so that who holds a
 * place and sends nothing does not keep others out: where all places are taken,
 * the one that has stood still for longest gives way. Where there is room, a
 * sender may take its time.
 */
export class Stalls {
  readonly #watched = new Set<Stall>();

  /** A transfer begins. Times in milliseconds, of a clock that never goes back. */
  watch(transfer: Abortable, now: number): Stall {
    const stall = new Stall(transfer, now, () => this.#watched.delete(stall));
    this.#watched.add(stall);
    return stall;
  }

  /**
   * Ends the transfer that has made no progress for longest, if that is long.
   *
   * @returns whether there was one
   */
  makeRoom(now: number): boolean {
    const [longest] = [...this.#watched].sort((a, b) => a.since - b.since);
    if (longest === undefined || now - longest.since < LIMIT) return false;
    longest.end();
    longest.transfer.abort(
      new Failure(
        "silence",
        `The sender had sent nothing for ${
          LIMIT / 1000
        } s, and gave way to another`,
      ),
    );
    return true;
  }
}

/** For how long one transfer has made no progress. */
export class Stall {
  readonly transfer: Abortable;
  /** When it last made progress. */
  since: number;
  /** It is not watched any more. */
  readonly end: () => void;

  /** Use {@linkcode Stalls.watch}. */
  constructor(transfer: Abortable, now: number, end: () => void) {
    this.transfer = transfer;
    this.since = now;
    this.end = end;
  }

  progressed(now: number): void {
    this.since = now;
  }
}
