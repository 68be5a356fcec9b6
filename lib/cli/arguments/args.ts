import { parseArgs } from "node:util";
import { Failure } from "../../base/failure.ts";
import {
  type ControllerName,
  CONTROLLERS,
  DEFAULT_CONTROLLER,
  isControllerName,
} from "../../protocol/congestion/controllers.ts";
import { normalCode } from "../../secure/code/code.ts";
import {
  DEFAULT_PORT,
  type SessionOptions,
  type WantedSecurity,
} from "../../session/options.ts";
import { errorReportOf, UsageError } from "../messages.ts";
import { type Shell, SHELLS } from "./completions.ts";
import {
  ALL,
  dashed,
  type FlagName,
  formsOf,
  takesWord,
  type ValueName,
} from "./options.ts";

/** What `send` and `receive` have in common. Times in milliseconds. */
export interface CommonOptions extends
  Pick<
    SessionOptions,
    "timeout" | "bind" | "mtu" | "maxRate" | "security" | "congestion"
  > {
  readonly trace: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Whether to say at the end what limited the transfer. */
  readonly verbose: boolean;
  /** The file to draw the transfer's course into. */
  readonly report: string | undefined;
  /** Whether nobody is asked, even if somebody could be. */
  readonly yes: boolean;
}

/** `ferry receive`. */
export interface ReceiveCommand extends CommonOptions {
  readonly name: "receive";
  readonly port: number;
  /** The file to write, `-` for standard output. */
  readonly output: string | undefined;
  readonly directory: string | undefined;
  readonly force: boolean;
  /** Whether to take one transfer after another, into `directory`. */
  readonly keep: boolean;
  /** How long to wait for a sender, in milliseconds. */
  readonly wait: number | undefined;
}

/** `ferry send`. */
export interface SendCommand extends CommonOptions {
  readonly name: "send";
  readonly host: string;
  readonly port: number;
  /** The files and directories to send; none: standard input. */
  readonly paths: readonly string[];
  /** Whether what the receiver has of a stream is left out. */
  readonly resume: boolean;
}

/** What a command line asks for. */
export type Command =
  | ReceiveCommand
  | SendCommand
  | { readonly name: "help"; readonly topic: Topic }
  | { readonly name: "completions"; readonly shell: Shell }
  | { readonly name: "version" };

/** What there is a help text for. */
export type Topic = "ferry" | "send" | "receive";

/** The words and options of a command line. */
interface Given {
  readonly words: readonly string[];
  /** Options by their names; without a value if they take none. */
  readonly options: ReadonlyMap<string, string | undefined>;
  /** The code that the environment holds. */
  readonly environmentCode: string | undefined;
}

/**
 * Parses a command line.
 *
 * @param args as in `Deno.args`
 * @param environmentCode the code that the environment holds, if any
 * @throws {UsageError} if it makes no sense
 */
export function parseCommand(
  args: string[],
  environmentCode?: string,
): Command {
  const known = args.find((arg) => arg === "send" || arg === "receive");
  try {
    return commandOf({ ...wordsAndOptions(args), environmentCode });
  } catch (error) {
    const isUsage = error instanceof UsageError || error instanceof Failure;
    if (!isUsage) throw error;
    const help = known === undefined ? "ferry --help" : `ferry ${known} --help`;
    throw usage(`${errorReportOf(error).message}; see ${help}`);
  }
}

function wordsAndOptions(args: string[]): Omit<Given, "environmentCode"> {
  const words: string[] = [];
  const options = new Map<string, string | undefined>();
  // The tokens show what was wrong; the parser's own errors are in its words
  const { tokens } = parseArgs({
    args,
    strict: false,
    tokens: true,
    options: Object.fromEntries(ALL.map((option) => {
      const type = takesWord(option) ? "string" : "boolean";
      const { name, short = name.length === 1 ? name : undefined } = option;
      return [name, short === undefined ? { type } : { type, short }];
    })),
  });
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const { rawName: form, inlineValue } = token;
    // Of -o=x the parser takes =x for the value
    const value = form.startsWith("--")
      ? token.value
      : token.value?.replace(/^=/, "");
    if (form === "-=") {
      throw usage(`${args[token.index]!.slice(0, 2)} takes no value`);
    }
    const option = ALL.find((option) => formsOf(option).includes(form));
    if (option === undefined) throw usage(`Unknown option ${form}`);
    if (takesWord(option)) {
      const isOption = !inlineValue && /^-./.test(value ?? "");
      if (!value || isOption) throw usage(`${form} needs a value`);
    } else if (option.value === undefined && value !== undefined) {
      throw usage(`${form} takes no value`);
    }
    options.set(option.name, value);
  }
  return { words, options };
}

function commandOf(given: Given): Command {
  const [name, ...words] = given.words;
  if (has(given, "help")) return { name: "help", topic: topicOf(name) };
  if (has(given, "version")) return { name: "version" };
  switch (name) {
    case undefined:
      throw usage("Say ferry send or ferry receive");
    case "help":
      return { name: "help", topic: topicOf(words[0]) };
    case "completions":
      return { name: "completions", shell: shellOf(words[0]) };
    case "receive":
      checkOptions(given, name);
      return receiveCommand(given, words);
    case "send":
      checkOptions(given, name);
      return sendCommand(given, words);
    default:
      throw usage(`There is no command ${name}, only send and receive`);
  }
}

function topicOf(word: string | undefined): Topic {
  return word === "send" || word === "receive" ? word : "ferry";
}

function shellOf(word: string | undefined): Shell {
  const shell = SHELLS.find((name) => name === word);
  if (shell !== undefined) return shell;
  throw usage(`Specify a shell: ferry completions ${SHELLS.join("|")}`);
}

/** @throws {UsageError} if an option was given that only another command takes */
function checkOptions(given: Given, command: "send" | "receive"): void {
  for (const { name, only = command } of ALL) {
    if (only !== command && given.options.has(name)) {
      throw usage(`${dashed(name)} is for ferry ${only}`);
    }
  }
}

function receiveCommand(given: Given, words: string[]): ReceiveCommand {
  const [port, unexpected] = words;
  if (unexpected !== undefined) {
    throw usage(`receive takes one port; unexpected argument "${unexpected}"`);
  }
  const output = valueOf(given, "o");
  const directory = valueOf(given, "d");
  if (output !== undefined && directory !== undefined) {
    throw usage("Give either -o FILE or -d DIR, not both");
  }
  const keep = has(given, "keep");
  if (keep) checkKeep(given);
  return {
    name: "receive",
    port: portOf(port),
    output,
    directory,
    force: has(given, "force"),
    keep,
    wait: numberOf(given, "wait"),
    ...commonOptions(given),
  };
}

function checkKeep(given: Given): void {
  const mistakes: readonly [boolean, string][] = [
    [!given.options.has("d"), "--keep needs -d DIR"],
    [given.options.has("wait"), "--keep waits without end, so not --wait"],
    [
      given.options.has("report"),
      "--report draws one transfer, so not with --keep",
    ],
  ];
  for (const [mistaken, message] of mistakes) {
    if (mistaken) throw usage(message);
  }
}

function sendCommand(given: Given, words: string[]): SendCommand {
  const [host, ...rest] = words;
  if (host === undefined) throw usage("Say where to send to: ferry send HOST");
  const hasPort = /^[0-9]+$/.test(rest[0] ?? "");
  const paths = hasPort ? rest.slice(1) : rest;
  if (paths.includes("")) throw usage("The PATH is empty");
  if (paths.length > 1 && paths.includes("-")) {
    throw usage("Standard input cannot be sent together with files");
  }
  return {
    name: "send",
    host: hostName(host),
    port: portOf(hasPort ? rest[0] : undefined),
    paths: paths[0] === "-" ? [] : paths,
    resume: has(given, "resume"),
    ...commonOptions(given),
  };
}

function commonOptions(given: Given): CommonOptions {
  const bind = valueOf(given, "bind");
  return {
    trace: has(given, "trace"),
    json: has(given, "json"),
    quiet: has(given, "quiet"),
    verbose: has(given, "verbose"),
    report: reportFile(valueOf(given, "report")),
    timeout: numberOf(given, "timeout"),
    bind: bind === undefined ? undefined : unbracketed(bind),
    mtu: numberOf(given, "mtu"),
    maxRate: numberOf(given, "rate"),
    security: securityOf(given),
    congestion: controllerOf(given),
    yes: has(given, "yes"),
  };
}

function controllerOf(given: Given): ControllerName {
  const name = valueOf(given, "congestion") ?? DEFAULT_CONTROLLER;
  if (isControllerName(name)) return name;
  const names = Object.keys(CONTROLLERS).join(" or ");
  throw usage(`--congestion takes ${names}, not "${name}"`);
}

/** Any other name is rather that of a file to be sent. */
function reportFile(path: string | undefined): string | undefined {
  if (path !== undefined && !path.endsWith(".svg")) {
    throw usage(`--report takes the name of an SVG file, not "${path}"`);
  }
  return path;
}

/** The environment's code counts unless another one is given; `--code` alone asks for a code. */
function securityOf({ options, environmentCode }: Given): WantedSecurity {
  const plain = options.has("plain");
  const code = options.get("code") ?? environmentCode;
  if (code === undefined && !options.has("code")) {
    return { mode: plain ? "plain" : "encrypted" };
  }
  if (plain) {
    throw usage(
      "A code needs encryption: give either --plain or a code (--code, FERRY_CODE), not both",
    );
  }
  return { mode: "code", code: code === undefined ? code : normalCode(code) };
}

function has({ options }: Given, name: FlagName): boolean {
  return options.has(name);
}

function valueOf({ options }: Given, name: ValueName): string | undefined {
  return options.get(name);
}

/** What a number on the command line has to be, and how it counts. */
interface NumberFormat {
  /** What it counts, for a person. */
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
  readonly factor?: number;
}

/** Up to what a timer can wait for. */
const SECONDS = { unit: "seconds", min: 0.1, max: 2_000_000, factor: 1000 };
const PORT = { unit: "a whole number", min: 1, max: 65_535, whole: true };
const NUMBERS = {
  timeout: SECONDS,
  wait: SECONDS,
  // From what every IPv6 link carries (RFC 8200, section 5) to the largest packet
  mtu: { unit: "whole bytes", min: 1280, max: 65_535, whole: true },
  rate: { unit: "Mbit/s", min: 0.01, max: 1_000_000, factor: 1e6 / 8 / 1000 },
} as const satisfies { [N in ValueName]?: NumberFormat };

function numberOf(
  given: Given,
  name: keyof typeof NUMBERS,
): number | undefined {
  const text = valueOf(given, name);
  if (text === undefined) return undefined;
  return parseNumber(dashed(name), text, NUMBERS[name]);
}

function portOf(word: string | undefined): number {
  return word === undefined ? DEFAULT_PORT : parseNumber("PORT", word, PORT);
}

function parseNumber(
  name: string,
  text: string,
  { unit, min, max, whole = false, factor = 1 }: NumberFormat,
): number {
  const form = whole ? /^[0-9]+$/ : /^[0-9]+(\.[0-9]+)?$|^\.[0-9]+$/;
  const value = form.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return factor * value;
  throw usage(`${name} takes ${unit} from ${min} to ${max}, not "${text}"`);
}

function hostName(word: string): string {
  const host = unbracketed(word);
  const withPort = /^(\[.*\]|[^:]*):([0-9]+)$/.exec(word);
  if (withPort !== null) {
    throw usage(
      `The port is a word of its own: ferry send ${withPort[1]} ${withPort[2]}`,
    );
  }
  if (/^[0-9]+$/.test(host)) {
    throw usage(`The HOST is missing before ${host}: ferry send HOST ${host}`);
  }
  if (host === "" || /[\s/[\]]/.test(host)) {
    throw usage(`"${word}" is not a host name`);
  }
  return host;
}

/** An IPv6 address may stand in brackets. */
function unbracketed(word: string): string {
  return word.replace(/^\[(.*)\]$/s, "$1");
}

function usage(message: string): UsageError {
  return new UsageError(message);
}
