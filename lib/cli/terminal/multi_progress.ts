import type { Progress } from "../../session/listener.ts";
import { formatCount } from "../../session/format.ts";

/** The progress of several transfers as that of one. */
export class Board {
  readonly #all = new Map<unknown, Progress>();
  readonly #draw: (whole: Progress) => void;

  /** @param draw is called with the whole whenever there is news of a part */
  constructor(draw: (whole: Progress) => void) {
    this.#draw = draw;
  }

  /** This is how far `transfer` has come. */
  set(transfer: unknown, progress: Progress): void {
    this.#all.set(transfer, progress);
    this.#draw(wholeOf([...this.#all.values()]));
  }

  /** The transfer is over. */
  delete(transfer: unknown): void {
    this.#all.delete(transfer);
  }
}

/** What several transfers come to together. */
export function wholeOf(parts: readonly Progress[]): Progress {
  const sum = (value: (part: Progress) => number) =>
    parts.reduce((total, part) => total + value(part), 0);
  const isSized = parts.every(({ size }) => size !== undefined);
  return {
    bytes: sum(({ bytes }) => bytes),
    size: isSized ? sum(({ size = 0 }) => size) : undefined,
    entry: formatCount(parts.length, "transfer"),
    rate: sum(({ rate }) => rate),
    time: Math.max(...parts.map(({ time }) => time)),
    rtt: undefined,
    resent: sum(({ resent }) => resent) / parts.length,
  };
}
