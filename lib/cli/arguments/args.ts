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
  MEET_PORT,
  type MeetingPoint,
} from "../../session/meeting/meeting_point.ts";
import {
  DEFAULT_PORT,
  type SessionOptions,
  type WantedSecurity,
} from "../../session/options.ts";
import { VCS_PATTERNS } from "../../transfer/files/reading/exclusion.ts";
import { errorReportOf, UsageError } from "../messages.ts";
import { COMMANDS, type Shell, SHELLS } from "./completions.ts";
import {
  ALL,
  type CommandName,
  dashed,
  type FlagName,
  formsOf,
  optionsOf,
  takesWord,
  type ValueName,
} from "./options.ts";
import { closest } from "./suggestion.ts";

/** What `send` and `receive` have in common. Times in milliseconds. */
export interface CommonOptions extends
  Pick<
    SessionOptions,
    | "timeout"
    | "bind"
    | "mtu"
    | "maxRate"
    | "security"
    | "congestion"
    | "meet"
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
  /** How long to wait for the other side, in milliseconds. */
  readonly wait: number | undefined;
}

/** `ferry receive`. */
export interface ReceiveCommand extends CommonOptions {
  readonly name: "receive";
  readonly port: number;
  /** The file to write, `-` for standard output. */
  readonly output: string | undefined;
  readonly directory: string | undefined;
  readonly force: boolean;
  /** Whether what has a name that is taken gets another one. */
  readonly rename: boolean;
  /** Whether to take one transfer after another, into `directory`. */
  readonly keep: boolean;
  /** Whether the router is asked to open its port. */
  readonly map: boolean;
}

/** `ferry send`. */
export interface SendCommand extends CommonOptions {
  readonly name: "send";
  /** Undefined where the receiver is looked for. */
  readonly host: string | undefined;
  readonly port: number;
  /** Whether the receiver is looked for on the local network. */
  readonly near: boolean;
  /** The files and directories to send; none: standard input. */
  readonly paths: readonly string[];
  /** Whether what the receiver has of a stream is left out. */
  readonly resume: boolean;
  /** Patterns of what is not sent. */
  readonly exclude: readonly string[];
}

/** `ferry meet`. */
export interface MeetCommand {
  readonly name: "meet";
  readonly port: number;
  readonly bind: string | undefined;
  readonly token: string | undefined;
  /** Bytes per second. */
  readonly relayRate: number | undefined;
  readonly relays: boolean;
  readonly places: number | undefined;
  readonly pairs: number | undefined;
  readonly joins: number | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** What a command line asks for. */
export type Command =
  | ReceiveCommand
  | SendCommand
  | MeetCommand
  | { readonly name: "help"; readonly topic: Topic }
  | { readonly name: "completions"; readonly shell: Shell }
  | { readonly name: "version" };

/** What there is a help text for. */
export type Topic = "ferry" | CommandName | "man";

/** The words and options of a command line. */
interface Given {
  readonly words: readonly string[];
  /** Options by their names; without a value if they take none. */
  readonly options: ReadonlyMap<string, string | undefined>;
  /** All values of options that may be given several times. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly environment: Environment;
}

/** What the environment holds that counts as options. */
export interface Environment {
  /** FERRY_CODE. */
  readonly code?: string | undefined;
  /** FERRY_TOKEN. */
  readonly token?: string | undefined;
}

function isCommandName(word: string | undefined): word is CommandName {
  return word === "send" || word === "receive" || word === "meet";
}

/**
 * Parses a command line.
 *
 * @param args as in `Deno.args`
 * @throws {UsageError} if it makes no sense
 */
export function parseCommand(
  args: string[],
  environment: Environment = {},
): Command {
  const known = args.find(isCommandName);
  try {
    return commandOf({ ...wordsAndOptions(args), environment });
  } catch (error) {
    const isUsage = error instanceof UsageError || error instanceof Failure;
    if (!isUsage) throw error;
    const help = known === undefined ? "ferry --help" : `ferry ${known} --help`;
    const { message } = errorReportOf(error);
    throw usage(
      `${message}${message.endsWith("?") ? " See" : "; see"} ${help}`,
    );
  }
}

function wordsAndOptions(args: string[]): Omit<Given, "environment"> {
  const words: string[] = [];
  const options = new Map<string, string | undefined>();
  const lists = new Map<string, string[]>();
  // The tokens show what was wrong; the parser's own errors are in its words
  const { tokens } = parseArgs({
    args,
    strict: false,
    tokens: true,
    options: Object.fromEntries(ALL.flatMap((option) => {
      const type: "string" | "boolean" = takesWord(option)
        ? "string"
        : "boolean";
      const { name, short, alias } = option;
      const named = short === undefined ? { type } : { type, short };
      return alias === undefined
        ? [[name, named]]
        : [[name, named], [alias, { type }]];
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
    if (option === undefined) {
      throw usage(`Unknown option ${form}${didYouMean(form, args)}`);
    }
    if (takesWord(option)) {
      const isOption = !inlineValue && /^-./.test(value ?? "");
      if (!value || isOption) throw usage(`${form} needs a value`);
    } else if (option.value === undefined && value !== undefined) {
      throw usage(`${form} takes no value`);
    }
    options.set(option.name, value);
    if (option.several && value !== undefined) {
      lists.set(option.name, [...lists.get(option.name) ?? [], value]);
    }
  }
  return { words, options, lists };
}

function commandOf(given: Given): Command {
  const [name, ...words] = given.words;
  if (has(given, "help")) return { name: "help", topic: topicOf(name) };
  if (has(given, "version")) return { name: "version" };
  switch (name) {
    case undefined:
      throw usage(
        "Nothing to do: ferry receive [PORT] waits for files, and ferry send HOST PATH... sends them",
      );
    case "help":
      return {
        name: "help",
        topic: has(given, "man") ? "man" : topicOf(words[0]),
      };
    case "completions":
      return { name: "completions", shell: shellOf(words[0]) };
    case "receive":
      checkOptions(given, name);
      return receiveCommand(given, words);
    case "send":
      checkOptions(given, name);
      return sendCommand(given, words);
    case "meet":
      checkOptions(given, name);
      return meetCommand(given, words);
    default: {
      const meant = closest(name, Object.keys(COMMANDS));
      const hint = meant === undefined
        ? "there are send, receive and meet"
        : `did you mean ${meant}?`;
      throw usage(`Unknown command ${name}: ${hint}`);
    }
  }
}

/** Names the option that was probably meant, of the command that was given. */
function didYouMean(form: string, args: readonly string[]): string {
  const command = args.find(isCommandName);
  const options = command === undefined ? ALL : optionsOf(command);
  const meant = closest(form, options.flatMap(formsOf));
  return meant === undefined ? "" : `: did you mean ${meant}?`;
}

function topicOf(word: string | undefined): Topic {
  return isCommandName(word) ? word : "ferry";
}

function shellOf(word: string | undefined): Shell {
  const shell = SHELLS.find((name) => name === word);
  if (shell !== undefined) return shell;
  throw usage(`Specify a shell: ferry completions ${SHELLS.join("|")}`);
}

/** @throws {UsageError} if an option was given that only another command takes */
function checkOptions(given: Given, command: CommandName): void {
  const taken = optionsOf(command);
  for (const option of ALL) {
    const { name, only } = option;
    if (taken.includes(option) || !given.options.has(name)) continue;
    throw usage(`${dashed(name)} is for ferry ${only ?? "send and receive"}`);
  }
}

function receiveCommand(given: Given, words: string[]): ReceiveCommand {
  const [port, unexpected] = words;
  const path = words.find((word) => !/^[0-9]+$/.test(word));
  if (path !== undefined) {
    throw usage(
      `Unexpected argument ${path}: ferry receive takes a port; to save in a directory, use -d DIR, and as a file, -o FILE`,
    );
  }
  if (unexpected !== undefined) {
    throw usage(`Unexpected argument ${unexpected}: receive takes one port`);
  }
  const output = valueOf(given, "output");
  const directory = valueOf(given, "dir");
  if (output !== undefined && directory !== undefined) {
    throw usage("Give either -o FILE or -d DIR, not both");
  }
  const keep = has(given, "keep");
  if (keep) checkKeep(given);
  const meet = meetOf(given);
  const common = commonOptions(given);
  if (meet !== undefined && common.security?.mode !== "code") {
    throw new Failure({ code: "meet-needs-code" });
  }
  return {
    name: "receive",
    port: portOf(given, port),
    output,
    directory: keep ? directory ?? "." : directory,
    force: has(given, "force"),
    rename: renameOf(given),
    keep,
    map: has(given, "map"),
    meet,
    ...common,
  };
}

/** @throws {UsageError} if there is nothing that could be renamed */
function renameOf(given: Given): boolean {
  const rename = has(given, "rename");
  if (rename && has(given, "force")) {
    throw usage("Give either --force or --rename, not both");
  }
  if (rename && given.options.has("output")) {
    throw usage("--output says the name: leave --rename out, or give -d DIR");
  }
  return rename;
}

function checkKeep(given: Given): void {
  const mistakes: readonly [boolean, string][] = [
    [
      given.options.has("output"),
      "--keep takes several transfers, which -o FILE has no room for: use -d DIR",
    ],
    [
      given.options.has("report"),
      "--report draws a single transfer and cannot be used with --keep",
    ],
    [
      given.options.has("meet"),
      "--meet brings one sender to each code, so it cannot be used with --keep",
    ],
  ];
  for (const [mistaken, message] of mistakes) {
    if (mistaken) throw usage(message);
  }
}

function sendCommand(given: Given, words: string[]): SendCommand {
  const near = has(given, "near");
  const meet = meetOf(given);
  if (near && meet !== undefined) {
    throw usage("Give either --near or --meet, not both");
  }
  const finds = near || meet !== undefined;
  const host = finds ? undefined : words[0];
  const rest = finds ? words : words.slice(1);
  if (host === undefined && !finds) {
    throw usage("The HOST to send to is missing: ferry send HOST [PATH...]");
  }
  const first = words[0];
  if (first !== undefined) checkHostIsNoCode(given, first);
  if (finds && given.options.has("port")) {
    throw usage(
      near
        ? "--near finds the port, too: leave --port out"
        : "With --meet there is no port to send to",
    );
  }
  const hasPort = !finds && /^[0-9]+$/.test(rest[0] ?? "");
  const paths = hasPort ? rest.slice(1) : rest;
  if (paths.includes("")) throw usage("The PATH must not be empty");
  if (paths.length > 1 && paths.includes("-")) {
    throw usage("Standard input cannot be sent together with files");
  }
  const common = commonOptions(given);
  return {
    name: "send",
    host: host === undefined ? undefined : hostName(host),
    port: portOf(given, hasPort ? rest[0] : undefined),
    near,
    meet,
    paths: paths[0] === "-" ? [] : paths,
    resume: has(given, "resume"),
    exclude: [
      ...has(given, "exclude-vcs") ? VCS_PATTERNS : [],
      ...given.lists.get("exclude") ?? [],
    ],
    ...common,
    ...finds && { security: codeNeeded(securityOf(given)) },
  };
}

function meetCommand(given: Given, words: string[]): MeetCommand {
  const [port, unexpected] = words;
  if (unexpected !== undefined) {
    throw usage(`Unexpected argument ${unexpected}: meet takes one port`);
  }
  const bind = valueOf(given, "bind");
  return {
    name: "meet",
    port: portOf(given, port, MEET_PORT),
    bind: bind === undefined ? undefined : unbracketed(bind),
    token: tokenOf(given),
    relayRate: numberOf(given, "relay-rate"),
    relays: !has(given, "no-relay"),
    places: numberOf(given, "places"),
    pairs: numberOf(given, "pairs"),
    joins: numberOf(given, "joins"),
    json: has(given, "json"),
    quiet: has(given, "quiet"),
  };
}

function tokenOf(given: Given): string | undefined {
  return valueOf(given, "token") ?? given.environment.token;
}

/** The host of `--meet`, with its port. */
function meetOf(given: Given): MeetingPoint | undefined {
  const text = valueOf(given, "meet");
  if (text === undefined) return undefined;
  const [, bracketed, plain, port] =
    /^(?:\[(.*)\]|([^:]*))(?::([0-9]+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? text;
  return {
    host: hostName(host),
    port: port === undefined
      ? MEET_PORT
      : parseNumber("The port of --meet", port, PORT),
    token: tokenOf(given),
  };
}

/** Only the code says which receiver is the wanted one. */
function codeNeeded(security: WantedSecurity): WantedSecurity {
  if (security.mode === "plain") {
    throw usage(
      "--near and --meet need a code, and a code encryption: leave --plain out",
    );
  }
  return security.mode === "code" ? security : { mode: "code" };
}

/** After `--code 13-bubble-fossil`, which takes its value only with a `=`, the code stands where the HOST belongs, or a PATH. */
function checkHostIsNoCode({ options }: Given, host: string): void {
  const isCode = /^[0-9]+(-[a-z]+){2,}$/.test(host);
  if (isCode && options.has("code") && options.get("code") === undefined) {
    throw usage(`The code follows --code directly: --code=${host}`);
  }
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
    wait: numberOf(given, "wait"),
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
  if (path !== undefined && !/\.(svg|qlog)$/.test(path)) {
    throw usage(`--report takes FILE.svg or FILE.qlog, not "${path}"`);
  }
  return path;
}

/** The environment's code counts unless another one is given; `--code` alone asks for a code. */
function securityOf({ options, environment }: Given): WantedSecurity {
  const plain = options.has("plain");
  const code = options.get("code") ?? environment.code;
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
  /** What a unit behind the number multiplies it by; without one, it is 1. */
  readonly units?: Readonly<Record<string, number>>;
  /** What the value is multiplied by in the end. */
  readonly factor?: number;
}

/** Up to what a timer can wait for. */
const SECONDS: NumberFormat = {
  unit: "seconds",
  min: 0.1,
  max: 2_000_000,
  units: { s: 1, m: 60, h: 3600, d: 86_400 },
  factor: 1000,
};
/** As a program that counts bits has them, and with a B as one that counts bytes. */
const RATE: NumberFormat = {
  unit: "Mbit/s",
  min: 0.01,
  max: 1_000_000,
  units: {
    ...{ k: 1e-3, M: 1, G: 1e3 },
    ...{ kbit: 1e-3, Mbit: 1, Gbit: 1e3 },
    ...{ kB: 8e-3, MB: 8, GB: 8e3 },
  },
  factor: 1e6 / 8,
};
const PORT = { unit: "a whole number", min: 1, max: 65_535, whole: true };
const NUMBERS = {
  timeout: SECONDS,
  wait: SECONDS,
  // From what every IPv6 link carries (RFC 8200, section 5) to the largest packet
  mtu: { unit: "whole bytes", min: 1280, max: 65_535, whole: true },
  rate: RATE,
  "relay-rate": RATE,
  places: { unit: "whole numbers", min: 1, max: 60_000, whole: true },
  pairs: { unit: "whole numbers", min: 1, max: 100_000, whole: true },
  joins: { unit: "whole numbers", min: 1, max: 1_000_000, whole: true },
} as const satisfies { [N in ValueName]?: NumberFormat };

function numberOf(
  given: Given,
  name: keyof typeof NUMBERS,
): number | undefined {
  const text = valueOf(given, name);
  if (text === undefined) return undefined;
  return parseNumber(dashed(name), text, NUMBERS[name]);
}

/** The port is a word, or the value of an option. */
function portOf(
  given: Given,
  word: string | undefined,
  otherwise = DEFAULT_PORT,
): number {
  const option = valueOf(given, "port");
  if (word !== undefined && option !== undefined) {
    throw usage(`The port is given twice: ${word} and ${option}`);
  }
  if (option !== undefined) return parseNumber("--port", option, PORT);
  return word === undefined ? otherwise : parseNumber("PORT", word, PORT);
}

function parseNumber(
  name: string,
  text: string,
  { unit, min, max, whole = false, units = {}, factor = 1 }: NumberFormat,
): number {
  const form = whole
    ? /^([0-9]+)$/
    : /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)([a-z]*)(?:\/s)?$/i;
  const [, number, suffix = ""] = form.exec(text) ?? [];
  const multiple = suffix === ""
    ? 1
    : Object.hasOwn(units, suffix)
    ? units[suffix]!
    : NaN;
  const value = number === undefined ? NaN : Number(number) * multiple;
  if (value >= min && value <= max) return factor * value;
  throw usage(`${name} takes ${unit} from ${min} to ${max}, not "${text}"`);
}

function hostName(word: string): string {
  const host = unbracketed(word);
  const [, user, machine] = /^([^@]*)@(.*)$/s.exec(word) ?? [];
  if (user !== undefined) {
    throw usage(
      `Unexpected "${user}@": ferry does not log in, and the HOST has no user: ferry send ${machine}`,
    );
  }
  const withPort = /^(\[.*\]|[^:]*):([0-9]+)$/.exec(word);
  if (withPort !== null) {
    throw usage(
      `The port is a separate word: ferry send ${withPort[1]} ${withPort[2]}`,
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
