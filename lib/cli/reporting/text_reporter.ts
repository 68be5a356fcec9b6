import { displayName } from "../../base/display_text.ts";
import type {
  Listening,
  Progress,
  SessionEvent,
} from "../../session/events.ts";
import { MEET_PORT } from "../../session/meeting/meeting_point.ts";
import { DEFAULT_PORT } from "../../session/options.ts";
import { titleOf } from "../../transfer/wire/messages.ts";
import { formatBytes, formatSeconds } from "../format.ts";
import {
  failureWords,
  isNotice,
  isOmission,
  noticeWords,
  waitingWords,
} from "../messages.ts";
import { combinedProgress, progressLine } from "../terminal/progress_line.ts";
import { questionLines } from "../terminal/questions.ts";
import type { LineStyle, StatusLine } from "../terminal/status_line.ts";
import { explanationLines } from "./bottleneck.ts";
import {
  type CliEvent,
  type EventOf,
  type Reporter,
  traceLine,
} from "./reporter.ts";
import { summaryLines } from "./summary.ts";

/** What is shown to a person, and how. */
export interface TextStyle {
  /** Whether standard error is a terminal, so that somebody watches. */
  readonly terminal: boolean;
  /** Whether the terminal can redraw a line. */
  readonly redraws: boolean;
  readonly colour: boolean;
  /** Whether characters beyond ASCII may be used for a bar. */
  readonly unicode: boolean;
  readonly quiet: boolean;
  /** Whether what explains a transfer is shown, too. */
  readonly verbose: boolean;
  /** Whether a trace is printed, through which no progress line could be seen. */
  readonly trace: boolean;
  /** Where a receiver saves: `in /a/directory`, `as /a/file`; `undefined`: standard output, or a sender. */
  readonly place?: string | undefined;
  /** The time for lines of a receiver that runs for long where nobody watches. */
  readonly clock?: (() => Date) | undefined;
  /** How wide the terminal is now, in columns. */
  readonly columns: () => number;
}

/** A line, and how it looks on a terminal that has colours. */
interface ShownLine {
  readonly text: string;
  readonly style?: LineStyle;
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
  /** Whether a person types what is sent, on the line where progress would be. */
  #typing = false;

  constructor(screen: StatusLine, style: TextStyle) {
    this.#screen = screen;
    this.#style = style;
    const { redraws, quiet, trace } = style;
    const drawn = redraws && !quiet && !trace;
    this.progressInterval = drawn ? REDRAW_INTERVAL : Infinity;
  }

  on(event: CliEvent): void {
    const { transfer } = event;
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
        return this.#screen.line(`${this.#prefix()}${event.message}`, {
          clears: this.#style.redraws,
          style: this.#style.colour ? "failure" : undefined,
        });
      case "typing":
        this.#typing = true;
    }
    if (!isShown(event, this.#style)) return;
    const prefix = transfer === undefined ? "" : `${transfer}: `;
    for (const { text, style } of linesOf(event, this.#style)) {
      // What is indented is to be copied
      const isCopied = text.startsWith(" ");
      const begin = isCopied || this.#style.terminal ? "" : this.#prefix();
      this.#screen.line(isCopied ? text : begin + prefix + text, {
        style: this.#style.colour ? style : undefined,
      });
    }
  }

  close({ interrupted = false } = {}): void {
    // What a terminal shows of a Ctrl-C makes way
    if (interrupted && this.#style.redraws) this.#screen.status("");
    this.#screen.output.flush();
  }

  /** Says whose line it is, and where there is a clock, when. */
  #prefix(): string {
    const time = this.#style.clock?.();
    return time === undefined ? "ferry: " : `ferry: ${timestamp(time)} `;
  }

  #draw(progress: Progress, transfer: string | undefined): void {
    if (this.#typing) return;
    let shown = progress;
    if (transfer !== undefined) {
      this.#several.set(transfer, progress);
      shown = combinedProgress([...this.#several.values()]);
    }
    const { columns, colour, unicode } = this.#style;
    this.#screen.status(progressLine(shown, {
      columns: columns() - MARGIN,
      colour,
      unicode,
    }));
  }
}

/** Local time, as in `2026-11-25 09:07:08`, which is how Swedish has it. */
function timestamp(time: Date): string {
  return time.toLocaleString("sv");
}

type Types = readonly CliEvent["type"][];
/** Told only where somebody watches. */
const ON_TERMINALS: Types = ["searching", "asking", "sending", "offer"];
/** Told only with `--verbose`. */
const IF_VERBOSE: Types = ["found", "passed-over", "path"];

function isShown(
  event: CliEvent,
  { quiet, verbose, terminal }: TextStyle,
): boolean {
  const { type } = event;
  if (quiet) {
    // A code that nobody is told is of no use
    const hasNews = "newCode" in event && event.newCode !== undefined;
    return type === "failed" || hasNews || isOmission(event);
  }
  return (terminal || !ON_TERMINALS.includes(type)) &&
    (verbose || !IF_VERBOSE.includes(type));
}

function linesOf(event: CliEvent, style: TextStyle): ShownLine[] {
  if (isNotice(event)) return plain(noticeWords(event));
  switch (event.type) {
    case "failed":
      return [{ text: failureWords(event.failure.detail), style: "failure" }];
    case "listening":
      return listeningLines(event, style);
    case "mapped":
      return mappedLines(event);
    case "waiting":
      return plain(waitingWords(event));
    case "searching":
      return plain("Looking for the receiver on the local network…");
    case "found":
      return plain(`${event.address} has the number of the code`);
    case "passed-over":
      return plain(
        `${event.address} is not the one: ${failureWords(event.failure)}`,
      );
    case "asking":
      return plain(`Waiting for the person at ${event.address} to accept it`);
    case "meeting":
      return plain(...meetingLines(event));
    case "pair":
      return plain(pairLine(event));
    case "path":
      return plain(
        event.direct
          ? `Connected directly to ${event.peer}`
          : `Connected through ${event.through}`,
      );
    case "agreed":
      return plain(...agreementLines(event, style));
    case "sending":
      return plain(sendingLine(event));
    case "offer":
      return plain(...offerLines(event));
    case "done":
      return plain(...summaryLines(event, style));
    case "explanation":
      return plain(...explanationLines(event));
    default:
      return [];
  }
}

function plain(...lines: string[]): ShownLine[] {
  return lines.map((text) => ({ text }));
}

/** How to reach this receiver: commands for a person, one line for a log. */
function listeningLines(
  listening: Listening,
  { terminal, place }: TextStyle,
): ShownLine[] {
  const { port, addresses, newCode, wantsCode, meet } = listening;
  const saving = place === undefined
    ? []
    : plain(`What arrives is saved ${place}`);
  if (!terminal && newCode === undefined && meet === undefined) {
    const where = addresses.length > 0 ? ` (${addresses.join(", ")})` : "";
    const code = wantsCode ? ", with a code" : "";
    return plain(`Listening on UDP port ${port}${where}${code}`).concat(saving);
  }
  const hosts = addresses.length > 0 ? addresses : ["HOST"];
  const point = meet && placeOf(meet.host, meet.port);
  const [waits, ways] = point === undefined
    ? [`Listening on UDP port ${port}`, hosts.map((host) => at(host, port))]
    : [`Waiting at ${point}`, [`--meet ${point}`]];
  const known = wantsCode && newCode === undefined
    ? ", with the same code"
    : "";
  const near = (wantsCode || newCode !== undefined) && meet === undefined
    ? plain("On the same network, --near can replace the address")
    : [];
  return [
    ...plain(`${waits}. On the other machine, run${known}:`),
    ...ways.slice(0, MAX_ADDRESSES).map((way) => sendCommand(way, listening)),
    ...near,
    ...saving,
  ];
}

/** A command for the other machine, to be copied. */
function sendCommand(
  way: string,
  { newCode, wantsCode }: Pick<Listening, "newCode" | "wantsCode">,
): ShownLine {
  const code = newCode === undefined ? "" : `FERRY_CODE=${newCode} `;
  const option = newCode === undefined && wantsCode ? " --code" : "";
  const text = `  ${code}ferry send${option} ${way} FILE`;
  return { text, style: "command" };
}

/** A host and its port as `send` takes them. */
function at(host: string, port: number): string {
  return port === DEFAULT_PORT ? host : `${host} ${port}`;
}

/** Whether somebody may read along. A person who is asked sees the words then. */
function agreementLines(
  { mode, words, asks, cipher }: SessionEvent<"agreed">,
  { verbose }: TextStyle,
): string[] {
  const lines: string[] = [];
  if (mode === "plain") {
    lines.push(
      "Not encrypted: anyone on the way can read and change what is sent",
    );
  } else if (words !== undefined && !asks) {
    lines.push(`Encrypted. Both sides should show: ${words.join(" ")}`);
  }
  if (verbose && cipher !== undefined) lines.push(`Encryption by ${cipher}`);
  return lines;
}

function sendingLine({ peer, offer }: SessionEvent<"sending">): string {
  const { size } = offer;
  const title = titleOf(offer);
  const what = title === undefined ? "a stream" : displayName(title);
  const bytes = size === undefined ? "" : `, ${formatBytes(size)},`;
  return `Sending ${what}${bytes} to ${peer}`;
}

/** How to use a meeting point. */
function meetingLines({ port, addresses }: EventOf<"meeting">): string[] {
  const [host = "HOST"] = addresses;
  const place = placeOf(host, port);
  return [
    `Bringing senders and receivers together on port ${port}; on the others, run`,
    `  ferry receive --meet ${place} --code`,
  ];
}

/** A meeting point as it follows `--meet`. */
function placeOf(host: string, port = MEET_PORT): string {
  if (port === MEET_PORT) return host;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** What was relayed for a pair; each pair has one such line. */
function pairLine(
  { number, sender, receiver, bytes, time, met }: EventOf<"pair">,
): string {
  const outcome = met
    ? `${formatBytes(bytes)} relayed in ${formatSeconds(time)}`
    : "no answer";
  return `${number}: ${sender} to ${receiver}, ${outcome}`;
}

function mappedLines(mapped: SessionEvent<"mapped">): ShownLine[] {
  const { address, port } = mapped;
  const hint = isPrivate(address)
    ? plain(`${address} is not public: there is another router in front`)
    : [];
  return [
    ...plain("The router lets senders in until this ends. From outside, run:"),
    sendCommand(at(address, port), mapped),
    ...hint,
  ];
}

/** Whether an IPv4 address means nothing on the internet (RFC 1918, 6598, 3927). */
function isPrivate(address: string): boolean {
  return /^(10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/
    .test(address);
}

function offerLines({ offer, target }: SessionEvent<"offer">): string[] {
  if (target === undefined) return [];
  const size = offer.size === undefined ? "" : `, ${formatBytes(offer.size)}`;
  const title = titleOf(offer);
  const place = displayName(target);
  const what = title === undefined
    ? `a stream, saving it as ${place}`
    : title === target || target === `./${title}`
    ? place
    : `${displayName(title)}, saving it ${
      offer.kind === "tree" ? "in" : "as"
    } ${place}`;
  return [`Receiving ${what}${size}`];
}
