import { parseArgs } from "node:util";
import { Failure } from "../../base/failure.ts";
import { normalCode } from "../../secure/code/code.ts";
import { MEET_PORT } from "../../session/meeting/meeting_point.ts";
import { DEFAULT_PORT, type WantedSecurity } from "../../session/options.ts";
import { VCS_PATTERNS } from "../../transfer/files/reading/exclusion.ts";
import { errorReportOf, UsageError } from "../messages.ts";
import { type Shell, SHELLS } from "./completions.ts";
import {
  ALL,
  COMMAND_NAMES,
  type CommandName,
  COMMANDS,
  dashed,
  formsOf,
  type Option,
  type OptionName,
  optionsOf,
  takesWord,
  type Values,
} from "./options.ts";
import { closest } from "./suggestion.ts";
import { hostName, port, usage } from "./values.ts";

/** What `send` and `receive` have in common. */
export interface CommonOptions extends Values {
  readonly port: number;
  readonly security: WantedSecurity;
}

export interface ReceiveCommand extends CommonOptions {
  readonly name: "receive";
}

export interface SendCommand extends CommonOptions {
  readonly name: "send";
  /** Undefined where the receiver is looked for. */
  readonly host: string | undefined;
  /** The files and directories to send; none: standard input. */
  readonly paths: readonly string[];
  /** Patterns of what is not sent. */
  readonly exclude: readonly string[];
}

export interface MeetCommand extends Values {
  readonly name: "meet";
  readonly port: number;
}

export type Command =
  | ReceiveCommand
  | SendCommand
  | MeetCommand
  | { readonly name: "help"; readonly topic: Topic }
  | { readonly name: "completions"; readonly shell: Shell }
  | { readonly name: "version" };

export type Topic = "ferry" | CommandName | "man";

/** What the environment holds that counts as options. */
export interface Environment {
  /** FERRY_CODE. */
  readonly code?: string | undefined;
  /** FERRY_TOKEN. */
  readonly token?: string | undefined;
}

/** The words and options of a command line. */
interface Given {
  readonly words: readonly string[];
  /** What each option was given; undefined where it was given nothing. */
  readonly options: ReadonlyMap<Option, readonly (string | undefined)[]>;
}

/** The same of a command whose options are checked, without its name. */
interface Checked {
  readonly words: readonly string[];
  readonly values: Values;
  readonly environment: Environment;
}

function isCommandName(word: string | undefined): word is CommandName {
  return COMMAND_NAMES.some((name) => name === word);
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
    return commandOf(wordsAndOptions(args), environment);
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

function wordsAndOptions(args: string[]): Given {
  const words: string[] = [];
  const options = new Map<Option, (string | undefined)[]>();
  // The tokens show what was wrong; the parser's own errors are in its words
  const { tokens } = parseArgs({
    args,
    strict: false,
    tokens: true,
    options: Object.fromEntries(ALL.flatMap((option) => {
      const { name, short, alias = name } = option;
      const type = takesWord(option) ? "string" : "boolean";
      return [[alias, { type }], [name, { type, ...short && { short } }]];
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
    options.set(option, [...options.get(option) ?? [], value]);
  }
  return { words, options };
}

/** Names the option that was probably meant, of the command that was given. */
function didYouMean(form: string, args: readonly string[]): string {
  const command = args.find(isCommandName);
  const options = command === undefined ? ALL : optionsOf(command);
  const meant = closest(form, options.flatMap(formsOf));
  return meant === undefined ? "" : `: did you mean ${meant}?`;
}

function commandOf(given: Given, environment: Environment): Command {
  const [name, ...words] = given.words;
  const asks = (asked: OptionName) =>
    [...given.options.keys()].some(({ name }) => name === asked);
  const checked = (command: CommandName): Checked => {
    const values = valuesOf(given, command, environment);
    return { words, values, environment };
  };
  if (asks("help")) return { name: "help", topic: topicOf(name) };
  if (asks("version")) return { name: "version" };
  switch (name) {
    case undefined:
      throw usage(
        "Nothing to do: ferry receive [PORT] waits for files, and ferry send HOST PATH... sends them",
      );
    case "help":
      return { name, topic: asks("man") ? "man" : topicOf(words[0]) };
    case "completions":
      return { name, shell: shellOf(words[0]) };
    case "receive":
      return receiveCommand(checked(name));
    case "send":
      return sendCommand(checked(name));
    case "meet":
      return meetCommand(checked(name));
    default: {
      const meant = closest(name, Object.keys(COMMANDS));
      const hint = meant === undefined
        ? "there are send, receive and meet"
        : `did you mean ${meant}?`;
      throw usage(`Unknown command ${name}: ${hint}`);
    }
  }
}

function topicOf(word: string | undefined): Topic {
  return isCommandName(word) ? word : "ferry";
}

function shellOf(word: string | undefined): Shell {
  const shell = SHELLS.find((name) => name === word);
  if (shell !== undefined) return shell;
  throw usage(`Specify a shell: ferry completions ${SHELLS.join("|")}`);
}

/** @throws {UsageError} if `command` does not take an option, or not with its value, or not together with another one */
function valuesOf(
  { options }: Given,
  command: CommandName,
  environment: Environment,
): Values {
  const taken = optionsOf(command);
  const values: Values = Object.fromEntries(
    Array.from(options, ([option, given]) => {
      const { name, only = "send and receive" } = option;
      if (taken.includes(option)) return [name, valueOf(option, given)];
      throw usage(`${dashed(name)} is for ferry ${only}`);
    }),
  );
  for (const [one, other, message, only = command] of CONFLICTS) {
    const both = values[one] !== undefined && values[other] !== undefined;
    if (both && only === command) throw usage(message);
  }
  const { meet, token = environment.token } = values;
  return { ...values, token, meet: meet && { ...meet, token } };
}

function valueOf(
  { name, value, several, parse = (text) => text }: Option,
  given: readonly (string | undefined)[],
): unknown {
  if (several) return given;
  const last = given.at(-1);
  if (last === undefined) return value === undefined ? true : undefined;
  return parse(last, dashed(name));
}

const CODE_NEEDED =
  "--near and --meet need a code, and a code encryption: leave --plain out";
/** Options that exclude each other, and what is said of that; if need be, of which command. */
const CONFLICTS: readonly [OptionName, OptionName, string, CommandName?][] = [
  ["output", "dir", "Give either -o FILE or -d DIR, not both"],
  [
    "keep",
    "output",
    "--keep takes several transfers, which -o FILE has no room for: use -d DIR",
  ],
  [
    "keep",
    "report",
    "--report draws a single transfer and cannot be used with --keep",
  ],
  [
    "keep",
    "meet",
    "--meet brings one sender to each code, so it cannot be used with --keep",
  ],
  ["rename", "force", "Give either --force or --rename, not both"],
  [
    "rename",
    "output",
    "--output says the name: leave --rename out, or give -d DIR",
  ],
  ["near", "meet", "Give either --near or --meet, not both"],
  ["near", "port", "--near finds the port, too: leave --port out"],
  ["meet", "port", "With --meet there is no port to send to", "send"],
  ["near", "plain", CODE_NEEDED],
  ["meet", "plain", CODE_NEEDED, "send"],
];

function receiveCommand(command: Checked): ReceiveCommand {
  const { words, values } = command;
  const path = words.find((word) => !isNumber(word));
  if (path !== undefined) {
    throw usage(
      `Unexpected argument ${path}: ferry receive takes a port; to save in a directory, use -d DIR, and as a file, -o FILE`,
    );
  }
  const security = securityOf(command);
  if (values.meet !== undefined && security.mode !== "code") {
    throw new Failure({ code: "meet-needs-code" });
  }
  return {
    name: "receive",
    ...values,
    ...values.keep && { dir: values.dir ?? "." },
    port: onlyPort("receive", command, DEFAULT_PORT),
    security,
  };
}

function sendCommand(command: Checked): SendCommand {
  const { words, values } = command;
  const finds = values.near === true || values.meet !== undefined;
  const host = finds ? undefined : words[0];
  const rest = finds ? words : words.slice(1);
  if (host === undefined && !finds) {
    throw usage("The HOST to send to is missing: ferry send HOST [PATH...]");
  }
  const [first] = words;
  if (first !== undefined) checkHostIsNoCode(values, first);
  const hasPort = !finds && isNumber(rest[0]);
  const paths = hasPort ? rest.slice(1) : rest;
  if (paths.includes("")) throw usage("The PATH must not be empty");
  if (paths.length > 1 && paths.includes("-")) {
    throw usage("Standard input cannot be sent together with files");
  }
  const vcs = values["exclude-vcs"] ? VCS_PATTERNS : [];
  return {
    name: "send",
    ...values,
    host: host === undefined ? undefined : hostName(host),
    port: portOf(values, hasPort ? rest[0] : undefined, DEFAULT_PORT),
    paths: paths[0] === "-" ? [] : paths,
    exclude: [...vcs, ...values.exclude ?? []],
    // Only the code says which receiver is the wanted one
    security: securityOf(command, { needsCode: finds }),
  };
}

function meetCommand(command: Checked): MeetCommand {
  const port = onlyPort("meet", command, MEET_PORT);
  return { name: "meet", ...command.values, port };
}

/** After `--code 13-bubble-fossil`, which takes its value only with a `=`, the code stands where the HOST belongs, or a PATH. */
function checkHostIsNoCode(values: Values, host: string): void {
  const isCode = /^[0-9]+(-[a-z]+){2,}$/.test(host);
  if (isCode && "code" in values && values.code === undefined) {
    throw usage(`The code follows --code directly: --code=${host}`);
  }
}

/** The environment's code counts unless another one is given; `--code` alone asks for a code. */
function securityOf(
  { values, environment }: Checked,
  { needsCode = false } = {},
): WantedSecurity {
  const { plain, code = environment.code } = values;
  if (code === undefined && !("code" in values) && !needsCode) {
    return { mode: plain ? "plain" : "encrypted" };
  }
  if (plain) {
    throw usage(
      "A code needs encryption: give either --plain or a code (--code, FERRY_CODE), not both",
    );
  }
  return { mode: "code", code: code === undefined ? code : normalCode(code) };
}

/** The port of a command that takes no other words. */
function onlyPort(
  name: CommandName,
  { words: [word, unexpected], values }: Checked,
  otherwise: number,
): number {
  if (unexpected !== undefined) {
    throw usage(`Unexpected argument ${unexpected}: ${name} takes one port`);
  }
  return portOf(values, word, otherwise);
}

/** The port is a word, or the value of an option. */
function portOf(
  values: Values,
  word: string | undefined,
  otherwise: number,
): number {
  if (word !== undefined && values.port !== undefined) {
    throw usage(`The port is given twice: ${word} and ${values.port}`);
  }
  return word === undefined ? values.port ?? otherwise : port(word, "PORT");
}

function isNumber(word = ""): boolean {
  return /^[0-9]+$/.test(word);
}
