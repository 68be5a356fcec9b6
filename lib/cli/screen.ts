import { oneLine } from "../transfer/untrusted.ts";

/** Where text goes. */
export interface TextOutput {
  write(text: string): void;
  gather(line: string): void;
  flush(): void;
}

/** Lines for a person, and below them at most one that is drawn again and again. */
export class Screen {
  readonly output: TextOutput;
  /** Whether a status is on the terminal's last line. */
  #drawn = false;

  constructor(output: TextOutput) {
    this.output = output;
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
    this.output.write(`${clear}${oneLine(text)}\n`);
  }
}
