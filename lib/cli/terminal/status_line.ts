import { displayText, widthOf } from "../../base/display_text.ts";
import type { Output } from "./output.ts";

export type TextOutput = Pick<Output, "write" | "gather" | "flush">;

/** How a line looks on a terminal that has colours: bold, or red. */
export type LineStyle = "command" | "failure";

const SGR: Record<LineStyle, string> = {
  command: "\x1b[1m",
  failure: "\x1b[31m",
};
const SGR_END = "\x1b[0m";

/** A terminal with fewer columns, or of unknown width, breaks lines itself. */
const MIN_COLUMNS = 20;

/**
 * A terminal's lines, and below them at most one more: a status that is redrawn,
 * or a question that waits for its answer.
 */
export class StatusLine {
  readonly output: TextOutput;
  /** Whether a status or a question is on the last line. */
  #drawn = false;

  /** The question on the last line. */
  #question: string | undefined;

  readonly #columns: () => number;
  readonly #redraws: boolean;

  /**
   * @param columns how wide the terminal is, if it is one: lines are then broken between words
   * @param redraws whether what is on the last line can make way
   */
  constructor(
    output: TextOutput,
    columns: () => number = () => 0,
    redraws = true,
  ) {
    this.output = output;
    this.#columns = columns;
    this.#redraws = redraws;
  }

  /** Draws `text`, which may have colours, as the last line. */
  status(text: string): void {
    if (this.#question !== undefined) return;
    this.output.write(`\r${text}\x1b[K`);
    this.#drawn = true;
  }

  /**
   * Writes a line, in the place of a status if there is one.
   *
   * @param options.clears whether there is something to make way even if no status was drawn
   */
  line(
    text: string,
    { clears = this.#drawn, style }: {
      clears?: boolean;
      style?: LineStyle | undefined;
    } = {},
  ): void {
    const clear = !this.#redraws ? "" : clears ? "\r\x1b[K" : "";
    // A question that stays where it is ends its line
    const end = !this.#redraws && this.#drawn ? "\n" : "";
    this.#drawn = false;
    const lines = broken(displayText(text), this.#columns());
    const shown = style === undefined ? lines : SGR[style] + lines + SGR_END;
    this.output.write(`${clear}${end}${shown}\n${this.#question ?? ""}`);
    this.#drawn = this.#question !== undefined;
  }

  /** Shows a question; other lines then appear above it. */
  ask(text: string): void {
    this.output.write(
      `${this.#drawn && this.#redraws ? "\r\x1b[K" : ""}${text}`,
    );
    this.#question = text;
    this.#drawn = true;
  }

  /** @param typed whether the answer has ended the question's line; else that makes way */
  answered(typed: boolean): void {
    this.#question = undefined;
    if (typed) this.#drawn = false;
  }
}

/** Begins a continuation line. */
const INDENT = "  ";
/** A SHA-256 in hexadecimal stays whole, to be copied. */
const DIGEST = /^[0-9a-f]{64}\b/;
/** Where a line may be broken: not between a number and its unit. */
const BREAK = /(?<!\d) | (?!(?:[kMGTP]?B(?:\/s)?|m?s)\b)/;

/**
 * Breaks a line between words, and words that are longer than a line. What
 * follows is indented, so that no part of a text, which may have a peer's words
 * in it, looks like a line of its own. A line that is indented itself is to be
 * copied, and stays whole.
 */
export function broken(line: string, columns: number): string {
  if (columns < MIN_COLUMNS || line.startsWith(" ")) return line;
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(BREAK).flatMap((word) => cut(word, columns))) {
    const longer = current === "" ? word : `${current} ${word}`;
    if (current !== "" && widthOf(longer) > columns) {
      lines.push(current);
      current = INDENT + word;
    } else {
      current = longer;
    }
  }
  return [...lines, current].join("\n");
}

/** A word in parts that fit into a line. */
function cut(word: string, columns: number): string[] {
  const room = columns - INDENT.length;
  if (widthOf(word) <= room || DIGEST.test(word)) return [word];
  const parts: string[] = [];
  let part = "";
  let left = room;
  for (const character of word) {
    const width = widthOf(character);
    if (width > left) {
      parts.push(part);
      part = "";
      left = room;
    }
    part += character;
    left -= width;
  }
  return [...parts, part];
}

/** How wide the terminal is. */
export function columns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}
