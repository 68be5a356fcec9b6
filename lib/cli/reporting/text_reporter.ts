import { displayName } from "../../base/display_text.ts";
import { formatBytes } from "../../session/format.ts";
import type {
  Agreement,
  Listening,
  Progress,
  Summary,
} from "../../session/listener.ts";
import { DEFAULT_PORT } from "../../session/options.ts";
import { type Offer, titleOf } from "../../transfer/wire/messages.ts";
import type { Verdict } from "../exit_status.ts";
import { type Explanation, explanationLines } from "./bottleneck.ts";
import { Board } from "../terminal/multi_progress.ts";
import { progressLine } from "../terminal/progress_line.ts";
import { type Question, questionLines } from "../terminal/questions.ts";
import type { Reporter } from "./reporter.ts";
import type { Screen } from "../terminal/status_line.ts";
import { summaryLine } from "./summary.ts";

/** What is said to a person, and how. */
export interface TextStyle {
  /** Whether a person watches: a terminal. */
  readonly terminal: boolean;
  /** Whether there may be colour. */
  readonly colour: boolean;
  /** Whether only errors are told. */
  readonly quiet: boolean;
  /** Whether a trace is being printed, through which no progress line could be seen. */
  readonly trace: boolean;
  /** How wide the terminal is now, in columns. */
  readonly columns: () => number;
}

/** Columns left free: a full last one would make some terminals begin a new line, as would the ^C of a Ctrl-C. */
const MARGIN = 3;
/** Milliseconds between two drawings of the progress line. */
const REDRAW = 100;
/** Addresses for which a command is shown. */
const MAX_ADDRESSES = 3;
/** What waits for an answer. */
const SAVE = "Save it? [y/N] ";
const SEND = "Send it there? [y/N] ";

/** Tells a person on standard error. */
export class TextReporter implements Reporter {
  readonly progressInterval: number | undefined;
  #screen: Screen;
  #style: TextStyle;
  /** Whether somebody watches and wants to hear of the course of things. */
  #talkative: boolean;
  /** What the lines begin with. */
  #prefix: string;
  /** Where this is one transfer of several: what draws the progress of all. */
  #board: Board | undefined;
  /** The transfers of which this tells apart. */
  #transfers: Board | undefined;

  constructor(
    screen: Screen,
    style: TextStyle,
    one: { readonly peer?: string; readonly board?: Board } = {},
  ) {
    this.#screen = screen;
    this.#prefix = one.peer === undefined ? "" : `${one.peer}: `;
    this.#board = one.board;
    this.#style = style;
    this.#talkative = style.terminal && !style.quiet;
    if (this.#talkative && !style.trace) this.progressInterval = REDRAW;
  }

  listening({ port, addresses, newCode }: Listening): void {
    // A code that nobody is told is of no use
    if (!this.#talkative && newCode === undefined) return;
    const word = port === DEFAULT_PORT ? "" : ` ${port}`;
    const code = newCode === undefined ? "" : `FERRY_CODE=${newCode} `;
    this.#line(`Waiting on port ${port}; on the other machine, run`);
    const hosts = addresses.length > 0 ? addresses : ["HOST"];
    for (const host of hosts.slice(0, MAX_ADDRESSES)) {
      this.#line(`  ${code}ferry send ${host}${word} FILE`);
    }
  }

  waiting(address: string): void {
    if (this.#talkative) this.#line(`Waiting for ${address}…`);
  }

  asking(peer: string): void {
    if (this.#talkative) this.#line(`Waiting for ${peer} to accept it…`);
  }

  connected(_peer: string): void {}

  agreed({ words, asks }: Agreement): void {
    // Who is asked is told of them then
    if (words === undefined || asks) return;
    this.notice(
      `Encrypted; if both sides say ${words.join(" ")}, nobody is in between`,
    );
  }

  offered(offer: Offer, target: string | undefined): void {
    if (!this.#talkative || target === undefined) return;
    const size = offer.size === undefined ? "" : `, ${formatBytes(offer.size)}`;
    const title = titleOf(offer);
    const place = displayName(target);
    const what = title === undefined
      ? `A stream without a name, saved as ${place}`
      : title === target || target === `./${title}`
      ? place
      : `${displayName(title)}, saved ${
        offer.tree === undefined ? "as" : "in"
      } ${place}`;
    this.#line(`Receiving ${what}${size}`);
  }

  question(question: Question): void {
    for (const line of questionLines(question)) this.#line(line);
    this.#screen.ask(question.about === "offer" ? SAVE : SEND);
  }

  answered(_question: Question, accepted: boolean | undefined): void {
    this.#screen.answered(accepted !== undefined);
  }

  progress(progress: Progress): void {
    if (this.#board === undefined) this.#draw(progress);
    else this.#board.set(this, progress);
  }

  #draw(progress: Progress): void {
    const line = progressLine(progress, {
      columns: this.#style.columns() - MARGIN,
      colour: this.#style.colour,
    });
    this.#screen.status(line);
  }

  notice(text: string): void {
    if (!this.#style.quiet) this.#line(text);
  }

  trace(line: string): void {
    this.#screen.output.gather(line);
  }

  done(summary: Summary): void {
    this.#board?.delete(this);
    if (!this.#style.quiet) this.#line(summaryLine(summary));
  }

  explained(explanation: Explanation): void {
    if (this.#style.quiet) return;
    for (const line of explanationLines(explanation)) this.#line(line);
  }

  failed({ message }: Verdict): void {
    this.#board?.delete(this);
    // What a terminal shows of a Ctrl-C makes way, too
    this.#line(message, this.#style.terminal);
  }

  close(): void {
    this.#screen.output.flush();
  }

  transfer(peer: string): TextReporter {
    this.#transfers ??= new Board((progress) => this.#draw(progress));
    const board = this.#transfers;
    return new TextReporter(this.#screen, this.#style, { peer, board });
  }

  #line(text: string, clears?: boolean): void {
    this.#screen.line(this.#prefix + text, clears);
  }
}
