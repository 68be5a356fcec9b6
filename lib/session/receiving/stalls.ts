import { Failure } from "../../base/failure.ts";

/** Milliseconds without progress after which a transfer may lose its place to another sender. */
const STALL_TIME = 10_000;

/** The channel of a transfer. */
interface Abortable {
  abort(failure: Error): void;
}

/**
 * Watches transfers of senders that no code vouches for, so that a sender that
 * sends nothing does not keep others out: where all places are taken, the
 * transfer that has made no progress for longest is aborted. Where there is room,
 * a sender may take its time. An offer that a person decides on keeps its place,
 * unless others from the same address wait for a decision, too.
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
    if (longest === undefined || now - longest.since < STALL_TIME) return false;
    longest.end();
    longest.transfer.abort(
      new Failure({ code: "stalled", seconds: STALL_TIME / 1000 }),
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

/** A transfer that is watched. */
export class Stall {
  readonly transfer: Abortable;
  readonly source: string;
  /** Ends the watch. */
  readonly end: () => void;
  /** When it last made progress. */
  since: number;
  /** Whether its offer was accepted. */
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
