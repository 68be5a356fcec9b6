// deno-lint-ignore-file no-import-prefix -- `deno install` from a URL reads no import map
import { parseArgs } from "jsr:@std/cli@1.0.20/parse-args";
import { Failure } from "../../base/failure.ts";
import { UsageError, verdictOf } from "../messages.ts";
import {
  type ControllerName,
  CONTROLLERS,
  DEFAULT_CONTROLLER,
  isControllerName,
} from "../../protocol/congestion/controllers.ts";
import { type Shell, SHELLS } from "./completions.ts";
import { DEFAULT_PORT, type WantedSecurity } from "../../session/options.ts";
import { type CodeOption, takeCode, wantedSecurity } from "./code_option.ts";
import {
  MEGABITS,
  type NumberRange,
  PACKET_BYTES,
  parseNumber,
  PORT,
  SECONDS,
} from "./numbers.ts";
import {
  ALL,
  dashed,
  type FlagName,
  formsOf,
  type Option,
  takesWord,
  type ValueName,
} from "./options.ts";

/** What `send` and `receive` have in common. Times in milliseconds. */
export interface CommonOptions {
  readonly trace: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Whether to say at the end what limited the transfer. */
  readonly verbose: boolean;
  /** The file to draw the transfer's course into. */
  readonly report: string | undefined;
  /** Silence that ends a connection. */
  readonly timeout: number;
  /** The address to bind; undefined: every one. */
  readonly bind: string | undefined;
  /** The largest IP packet, in bytes; undefined: what the path takes. */
  readonly mtu: number | undefined;
  /** Sending rate at most, in bytes per millisecond. */
  readonly maxRate: number | undefined;
  /** Who may take part, and who may read along. */
  readonly security: WantedSecurity;
  /** How the sending rate is found. */
  readonly congestion: ControllerName;
  /** Whether a person who could be asked is not. */
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

const DEFAULT_TIMEOUT = 30_000;

/** What was given, by the names of the options. */
type Options =
  & Record<FlagName, boolean>
  & Partial<Record<ValueName, string>>
  & { readonly _: readonly string[]; readonly code: CodeOption };

/**
 * Reads a command line.
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
    const { code, rest } = takeCode(args, environmentCode);
    return commandOf({ ...parseOptions(rest), code });
  } catch (error) {
    const isUsage = error instanceof UsageError || error instanceof Failure;
    if (!isUsage) throw error;
    const help = known === undefined ? "ferry --help" : `ferry ${known} --help`;
    throw new UsageError(`${verdictOf(error).message}; see ${help}`, {
      cause: error,
    });
  }
}

function parseOptions(args: string[]): Omit<Options, "code"> {
  checkForm(args);
  return parseArgs(args, {
    boolean: namesOf(({ value }) => value === undefined),
    string: [...namesOf(takesWord), "_"],
    alias: Object.fromEntries(
      ALL.flatMap(({ name, short }) =>
        short === undefined ? [] : [[short, name]]
      ),
    ),
    unknown: (arg, key) => {
      if (key === undefined) return true;
      throw usage(`Unknown option ${arg.replace(/=.*/s, "")}`);
    },
  }) as unknown as Omit<Options, "code">;
}

function namesOf(choose: (option: Option) => boolean): string[] {
  return ALL.filter(choose).map(({ name }) => name);
}

/** Names what the parser takes for something else: `--trace=x`, `--bind=`, `--bind ""`, `--_`, `--o`. */
function checkForm(args: string[]): void {
  const end = args.indexOf("--");
  const words = end < 0 ? args : args.slice(0, end);
  for (const [at, word] of words.entries()) {
    const [, form, value] = /^([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (/^--?[A-Za-z]*_|^--.$/.test(form)) {
      throw usage(`Unknown option ${form}`);
    }
    const option = ALL.find((option) => formsOf(option).includes(form));
    if (option === undefined) continue;
    if (value !== undefined && option.value === undefined) {
      throw usage(`${form} takes no value`);
    }
    if ((value ?? words[at + 1]) === "" && takesWord(option)) {
      throw usage(`${form} needs a value`);
    }
  }
}

/** @throws {UsageError} if an option is there that only another command takes */
function checkOptions(options: Options, command: Option["only"]): void {
  for (const { name, only = command } of ALL) {
    if (only !== command && options[name as keyof Options]) {
      throw usage(`${dashed(name)} is for ferry ${only}`);
    }
  }
}

function commandOf(options: Options): Command {
  const [name, ...rest] = options._.map(String);
  if (options.help) return { name: "help", topic: topicOf(name) };
  if (options.version) return { name: "version" };
  switch (name) {
    case undefined:
      throw usage("Say ferry send or ferry receive");
    case "help":
      return { name: "help", topic: topicOf(rest[0]) };
    case "completions":
      return { name: "completions", shell: shellOf(rest[0]) };
    case "receive":
      return receiveCommand(options, rest);
    case "send":
      return sendCommand(options, rest);
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
  throw usage(`Say for which shell: ferry completions ${SHELLS.join("|")}`);
}

function receiveCommand(options: Options, words: string[]): ReceiveCommand {
  checkOptions(options, "receive");
  const [port, ...more] = words;
  if (more.length > 0) {
    throw usage(`receive takes one port, and ${more[0]} is too much`);
  }
  const output = valueOf(options, "o");
  const directory = valueOf(options, "d");
  if (output !== undefined && directory !== undefined) {
    throw usage("Give either -o FILE or -d DIR, not both");
  }
  return {
    name: "receive",
    port: port === undefined ? DEFAULT_PORT : parseNumber("PORT", port, PORT),
    output,
    directory,
    force: options.force,
    keep: keeps(options),
    wait: numberOf(options, "wait", SECONDS, 1000),
    ...commonOptions(options),
  };
}

/** What is taken one after another needs a place for names. */
function keeps({ keep, d, wait, report }: Options): boolean {
  if (!keep) return false;
  if (d === undefined) throw usage("--keep needs -d DIR");
  if (wait !== undefined) {
    throw usage("--keep waits without end, so not --wait");
  }
  if (report !== undefined) {
    throw usage("--report draws one transfer, so not with --keep");
  }
  return true;
}

function sendCommand(options: Options, words: string[]): SendCommand {
  checkOptions(options, "send");
  const [host, ...rest] = words;
  if (host === undefined) throw usage("Say where to send to: ferry send HOST");
  const hasPort = rest.length > 0 && /^[0-9]+$/.test(rest[0]);
  const paths = hasPort ? rest.slice(1) : rest;
  if (paths.includes("")) throw usage("The PATH is empty");
  if (paths.length > 1 && paths.includes("-")) {
    throw usage("Standard input cannot be sent together with files");
  }
  return {
    name: "send",
    host: hostName(host),
    port: hasPort ? parseNumber("PORT", rest[0], PORT) : DEFAULT_PORT,
    paths: paths[0] === "-" ? [] : paths,
    resume: options.resume,
    ...commonOptions(options),
  };
}

function commonOptions(options: Options): CommonOptions {
  const bind = valueOf(options, "bind");
  return {
    trace: options.trace,
    json: options.json,
    quiet: options.quiet,
    verbose: options.verbose,
    report: reportFile(valueOf(options, "report")),
    timeout: numberOf(options, "timeout", SECONDS, 1000) ?? DEFAULT_TIMEOUT,
    bind: bind === undefined ? undefined : unbracketed(bind),
    mtu: numberOf(options, "mtu", PACKET_BYTES, 1),
    maxRate: numberOf(options, "rate", MEGABITS, 1e6 / 8 / 1000),
    security: wantedSecurity(options.plain, options.code),
    congestion: controllerOf(options),
    yes: options.yes,
  };
}

function controllerOf(options: Options): ControllerName {
  const name = valueOf(options, "congestion") ?? DEFAULT_CONTROLLER;
  if (isControllerName(name)) return name;
  const names = Object.keys(CONTROLLERS).join(" or ");
  throw usage(`--congestion takes ${names}, not "${name}"`);
}

/** A name that is no picture's is rather one of a file to be sent. */
function reportFile(path: string | undefined): string | undefined {
  if (path !== undefined && !path.endsWith(".svg")) {
    throw usage(`--report takes the name of an SVG file, not "${path}"`);
  }
  return path;
}

/** The option's value; undefined unless it was given. */
function valueOf(
  options: Options,
  name: ValueName,
): string | undefined {
  const value = options[name];
  if (value === "") throw usage(`${dashed(name)} needs a value`);
  return value;
}

/** The option's value times `factor`; undefined unless it was given. */
function numberOf(
  options: Options,
  name: ValueName,
  range: NumberRange,
  factor: number,
): number | undefined {
  const value = valueOf(options, name);
  if (value === undefined) return undefined;
  return factor * parseNumber(dashed(name), value, range);
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
    throw usage(`"${word}" is no host`);
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
