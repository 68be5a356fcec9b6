import { Failure } from "../../base/failure.ts";

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
 * sender may take its time. An offer that a person decides on keeps its place,
 * unless others from the same address wait for an answer, too.
 */
export class Stalls {
  readonly #watched = new Set<Stall>();

  /**
   * An offer was made. Times in milliseconds, of a clock that never goes back.
   *
   * @param source the sender's address, without its port
   */
  watch(transfer: Abortable, source: string, now: number): Stall {
    const end = () => this.#watched.delete(stall);
    const stall = new Stall(transfer, { source, now, end });
    this.#watched.add(stall);
    return stall;
  }

  /**
   * Ends the transfer that has made no progress for longest, if that is long.
   *
   * @returns whether there was one
   */
  makeRoom(now: number): boolean {
    const [longest] = [...this.#watched].filter((one) => this.#givesWay(one))
      .sort((a, b) => a.since - b.since);
    if (longest === undefined || now - longest.since < LIMIT) return false;
    longest.end();
    longest.transfer.abort(
      new Failure({ code: "stalled", seconds: LIMIT / 1000 }),
    );
    return true;
  }

  #givesWay(one: Stall): boolean {
    if (one.accepted) return true;
    return [...this.#watched].some((other) =>
      other !== one && !other.accepted && other.source === one.source
    );
  }
}

/** For how long one transfer has made no progress. */
export class Stall {
  readonly transfer: Abortable;
  readonly source: string;
  /** It is not watched any more. */
  readonly end: () => void;
  /** When it last made progress. */
  since: number;
  /** Whether nobody has to decide on it any more. */
  accepted = false;

  /** Use {@linkcode Stalls.watch}. */
  constructor(
    transfer: Abortable,
    { source, now, end }: { source: string; now: number; end: () => void },
  ) {
    this.transfer = transfer;
    this.source = source;
    this.since = now;
    this.end = end;
  }

  accept(now: number): void {
    this.accepted = true;
    this.since = now;
  }

  progressed(now: number): void {
    this.since = now;
  }
}
