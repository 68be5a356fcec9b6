import { Failure } from "../../base/failure.ts";

/** Milliseconds without progress after which a transfer may lose its place to another sender. */
const STALL_TIME = 10_000;

/** The channel of a transfer. */
interface Abortable {
  abort(failure: Error): void;
}

/** The transfers of a receiver that are watched. */
export type Stalls = Set<Stall>;

/**
 * Watches a transfer of a sender that no code vouches for, until it is disposed
 * of, so that a sender that sends nothing does not keep others out. An offer that
 * a person decides on keeps its place, unless others from the same address wait
 * for a decision, too. Times in milliseconds, of a clock that never goes back.
 */
export class Stall implements Disposable {
  readonly #all: Stalls;
  readonly transfer: Abortable;
  /** The sender's address, without its port. */
  readonly source: string;
  /** When it last made progress. */
  since: number;
  /** Whether its offer was accepted. */
  #accepted = false;

  /** @param transfer one whose offer was made at `now` */
  constructor(all: Stalls, transfer: Abortable, source: string, now: number) {
    this.#all = all;
    this.transfer = transfer;
    this.source = source;
    this.since = now;
    all.add(this);
  }

  accept(now: number): void {
    this.#accepted = true;
    this.since = now;
  }

  progressed(now: number): void {
    this.since = now;
  }

  /** Whether it may lose its place. */
  get givesWay(): boolean {
    return this.#accepted ||
      [...this.#all].some((other) =>
        other !== this && !other.#accepted && other.source === this.source
      );
  }

  [Symbol.dispose](): void {
    this.#all.delete(this);
  }
}

/**
 * Where all places are taken, ends the transfer that has made no progress for
 * longest, if that is long.
 *
 * @returns whether there was one
 */
export function makeRoom(all: Stalls, now: number): boolean {
  const [longest] = [...all].filter(({ givesWay }) => givesWay)
    .sort((a, b) => a.since - b.since);
  if (longest === undefined || now - longest.since < STALL_TIME) return false;
  longest[Symbol.dispose]();
  longest.transfer.abort(
    new Failure({ code: "stalled", seconds: STALL_TIME / 1000 }),
  );
  return true;
}
