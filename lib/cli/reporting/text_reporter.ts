import { displayName } from "../../base/display_text.ts";
import type {
  Listening,
  Progress,
  SessionEvent,
} from "../../session/events.ts";
import { formatBytes } from "../format.ts";
import { DEFAULT_PORT } from "../../session/options.ts";
import { titleOf } from "../../transfer/wire/messages.ts";
import {
  failureWords,
  isNotice,
  isOmission,
  noticeWords,
} from "../messages.ts";
import { combinedProgress, progressLine } from "../terminal/progress_line.ts";
import { questionLines } from "../terminal/questions.ts";
import type { StatusLine } from "../terminal/status_line.ts";
import { explanationLines } from "./bottleneck.ts";
import { type CliEvent, type Reporter, traceLine } from "./reporter.ts";
import { summaryLine } from "./summary.ts";

/** What is shown to a person, and how. */
export interface TextStyle {
  /** Whether standard error is a terminal, so that somebody watches. */
  readonly terminal: boolean;
  /** Whether there may be colour. */
  readonly colour: boolean;
  /** Whether only errors are shown. */
  readonly quiet: boolean;
  /** Whether what explains a transfer is shown, too. */
  readonly verbose: boolean;
  /** Whether a trace is printed, through which no progress line could be seen. */
  readonly trace: boolean;
  /** How wide the terminal is now, in columns. */
  readonly columns: () => number;
}

/** Columns left free: a full last one would make some terminals begin a new line, as would the ^C of a Ctrl-C. */
const MARGIN = 3;
/** Milliseconds between two drawings of the progress line. */
const REDRAW_INTERVAL = 100;
/** Addresses for which a command is shown. */
const MAX_ADDRESSES = 3;
const PROMPTS = { offer: "Save it? [y/N] ", receiver: "Send it there? [y/N] " };

/** Writes events as lines for a person on standard error. */
export class TextReporter implements Reporter {
  readonly progressInterval: number;
  readonly #screen: StatusLine;
  readonly #style: TextStyle;
  /** How far each of several transfers has come, by its peer. */
  readonly #several = new Map<string, Progress>();

  constructor(screen: StatusLine, style: TextStyle) {
    this.#screen = screen;
    this.#style = style;
    const drawn = style.terminal && !style.quiet && !style.trace;
    this.progressInterval = drawn ? REDRAW_INTERVAL : Infinity;
  }

  on(event: CliEvent): void {
    const { quiet, terminal, verbose } = this.#style;
    const transfer = "transfer" in event ? event.transfer : undefined;
    if (event.type === "done" || event.type === "failed") {
      if (transfer !== undefined) this.#several.delete(transfer);
    }
    switch (event.type) {
      case "progress":
        return this.#draw(event, transfer);
      case "trace":
        return this.#screen.output.gather(traceLine(event.datagram));
      case "question":
        for (const line of questionLines(event)) this.#screen.line(line);
        return this.#screen.ask(PROMPTS[event.about]);
      case "answer":
        return this.#screen.answered(event.accepted !== undefined);
      case "error":
        // What a terminal shows of a Ctrl-C makes way, too
        return this.#screen.line(event.message, terminal);
    }
    const prefix = transfer === undefined ? "" : `${transfer}: `;
    const talkative = terminal && !quiet;
    for (const line of linesOf(event, { quiet, talkative, verbose })) {
      this.#screen.line(prefix + line);
    }
  }

  close(): void {
    this.#screen.output.flush();
  }

  #draw(progress: Progress, transfer: string | undefined): void {
    let shown = progress;
    if (transfer !== undefined) {
      this.#several.set(transfer, progress);
      shown = combinedProgress([...this.#several.values()]);
    }
    this.#screen.status(progressLine(shown, {
      columns: this.#style.columns() - MARGIN,
      colour: this.#style.colour,
    }));
  }
}

/** The lines that are shown of an event. */
function linesOf(
  event: CliEvent,
  { quiet, talkative, verbose }: {
    quiet: boolean;
    talkative: boolean;
    verbose: boolean;
  },
): string[] {
  if (event.type === "failed") return [failureWords(event.failure.detail)];
  if (event.type === "listening") {
    // A code that nobody is told is of no use
    const shown = talkative || event.newCode !== undefined;
    return shown ? listeningLines(event) : [];
  }
  if (quiet && !isOmission(event)) return [];
  if (isNotice(event)) return [noticeWords(event)];
  switch (event.type) {
    case "waiting":
      return talkative ? [`Waiting for ${event.address}…`] : [];
    case "asking":
      return talkative ? [`Waiting for ${event.address} to accept it…`] : [];
    case "agreed":
      // A person who is asked sees the words then
      return [
        ...event.words === undefined || event.asks ? [] : [
          `Encrypted; if both sides say ${
            event.words.join(" ")
          }, nobody is in between`,
        ],
        ...verbose && event.cipher !== undefined
          ? [`Encryption is computed by ${event.cipher}`]
          : [],
      ];
    case "offer":
      return talkative ? offerLines(event) : [];
    case "done":
      return [summaryLine(event)];
    case "explanation":
      return explanationLines(event);
    default:
      return [];
  }
}

function listeningLines({ port, addresses, newCode }: Listening): string[] {
  const word = port === DEFAULT_PORT ? "" : ` ${port}`;
  const code = newCode === undefined ? "" : `FERRY_CODE=${newCode} `;
  const hosts = addresses.length > 0 ? addresses : ["HOST"];
  return [
    `Waiting on port ${port}; on the other machine, run`,
    ...hosts.slice(0, MAX_ADDRESSES).map((host) =>
      `  ${code}ferry send ${host}${word} FILE`
    ),
  ];
}

function offerLines({ offer, target }: SessionEvent<"offer">): string[] {
  if (target === undefined) return [];
  const size = offer.size === undefined ? "" : `, ${formatBytes(offer.size)}`;
  const title = titleOf(offer);
  const place = displayName(target);
  const what = title === undefined
    ? `A stream without a name, saved as ${place}`
    : title === target || target === `./${title}`
    ? place
    : `${displayName(title)}, saved ${
      offer.kind === "tree" ? "in" : "as"
    } ${place}`;
  return [`Receiving ${what}${size}`];
}
