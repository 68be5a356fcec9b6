import { oneLine } from "../transfer/untrusted.ts";

/** Where text goes. */
export interface TextOutput {
  write(text: string): void;
  gather(line: string): void;
  flush(): void;
}

/** A terminal with fewer columns, or one that does not say, is left to break lines itself. */
const MIN_COLUMNS = 20;

/** Lines for a person, and below them at most one that is drawn again and again. */
export class Screen {
  readonly output: TextOutput;
  /** Whether a status is on the terminal's last line. */
  #drawn = false;

  readonly #columns: () => number;

  /** @param columns how wide the terminal is, if it is one: lines are then broken between words */
  constructor(output: TextOutput, columns: () => number = () => 0) {
    this.output = output;
    this.#columns = columns;
  }

  /** Draws `text`, which may have colours, as the last line. */
  status(text: string): void {
    this.output.write(`\r${text}\x1b[K`);
    this.#drawn = true;
  }

  /**
   * Writes a line, in the place of a status if there is one.
   *
   * @param clears whether there is something to make way even if no status was drawn
   */
  line(text: string, clears = this.#drawn): void {
    const clear = clears ? "\r\x1b[K" : "";
    this.#drawn = false;
    const line = broken(oneLine(text), this.#columns());
    this.output.write(`${clear}${line}\n`);
  }
}

/** Breaks a line between words; one that is indented is to be copied, and stays whole. */
export function broken(line: string, columns: number): string {
  if (columns < MIN_COLUMNS || line.startsWith(" ")) return line;
  let room = columns;
  return line.split(" ").map((word, i) => {
    const fits = i === 0 || word.length < room;
    const before = i === 0 ? "" : fits ? " " : "\n";
    room = (fits ? room : columns) - word.length - (fits && i > 0 ? 1 : 0);
    return before + word;
  }).join("");
}
