import { CONTROLLERS } from "../../protocol/congestion/controllers.ts";
import {
  address,
  congestionController,
  meetingPoint,
  type Parse,
  port,
  rate,
  reportFile,
  time,
  whole,
} from "./values.ts";

/** All commands, each with a line that explains it. */
export const COMMANDS = {
  send: "send files, directories or standard input",
  receive: "wait for a sender and save what it sends",
  meet: "bring senders and receivers together that cannot reach each other",
  help: "explain a command",
  completions: "print completions for a shell",
} as const;

/** The commands with many options. */
export const COMMAND_NAMES = ["send", "receive", "meet"] as const;

export type CommandName = typeof COMMAND_NAMES[number];

export interface Option {
  /** Without the dashes. */
  readonly name: string;
  /** One letter for the same. */
  readonly short?: string;
  /** Another name that is understood, too. */
  readonly alias?: string;
  /** The placeholder of its value; without it, the option takes none. */
  readonly value?: string;
  /** Whether the value may be left out; if given, it follows a =. */
  readonly optional?: boolean;
  /** Whether it may be given several times, and each value counts. */
  readonly several?: boolean;
  /** Makes the value of what is given; without it, that is the value. */
  readonly parse?: Parse<unknown>;
  /** How a shell completes the value. */
  readonly completes?: "file" | "directory" | readonly string[];
  /** The only command that takes it; without it, `send` and `receive` do. */
  readonly only?: CommandName | "help";
  /** Whether `meet` takes it, too. */
  readonly meet?: boolean;
  /** One line of the help. */
  readonly help: string;
}

/**
 * All options, in the order of the help: of `receive`, of `send`, of both. What
 * is parsed, explained (also by the man page) and completed comes from here.
 */
export const OPTIONS = [
  {
    name: "output",
    short: "o",
    value: "FILE",
    completes: "file",
    only: "receive",
    help: "save as FILE (-: standard output)",
  },
  {
    name: "dir",
    short: "d",
    alias: "directory",
    value: "DIR",
    completes: "directory",
    only: "receive",
    help: "save in DIR, under the name it is sent with",
  },
  {
    name: "force",
    short: "f",
    only: "receive",
    help: "replace files that exist already and differ",
  },
  {
    name: "rename",
    only: "receive",
    help: "keep what exists, and save under another name: NAME (2)",
  },
  {
    name: "keep",
    only: "receive",
    help: "take one transfer after another, and several at once",
  },
  {
    name: "wait",
    value: "TIME",
    parse: time,
    help: "give up if nobody answers for this long: 90, 30m, 2h",
  },
  {
    name: "resume",
    only: "send",
    help: "resume standard input, too: skip what has arrived before",
  },
  {
    name: "exclude",
    value: "PATTERN",
    several: true,
    only: "send",
    help: "leave out what matches, as in .gitignore; may be repeated",
  },
  {
    name: "exclude-vcs",
    only: "send",
    help: "leave out .git, .svn, .hg, CVS and the like, as tar does",
  },
  {
    name: "map",
    only: "receive",
    help: "ask the router to let senders in until this ends",
  },
  {
    name: "near",
    only: "send",
    help: "find the receiver with this code on the local network",
  },
  {
    name: "code",
    value: "CODE",
    optional: true,
    help: "require this code on both sides (or set FERRY_CODE)",
  },
  {
    name: "meet",
    value: "HOST",
    parse: meetingPoint,
    help: "find each other at a host that runs ferry meet: HOST[:PORT]",
  },
  {
    name: "token",
    value: "TOKEN",
    meet: true,
    help: "what ferry meet asks both sides for (or set FERRY_TOKEN)",
  },
  {
    name: "relay-rate",
    value: "MBIT",
    parse: rate,
    only: "meet",
    help: "relay at most this many Mbit/s in all; also 500k, 1G",
  },
  {
    name: "no-relay",
    only: "meet",
    help: "only introduce: relay no content",
  },
  {
    name: "places",
    value: "N",
    parse: whole("whole numbers", 1, 60_000),
    only: "meet",
    help: "receivers that may wait at a time (128)",
  },
  {
    name: "pairs",
    value: "N",
    parse: whole("whole numbers", 1, 100_000),
    only: "meet",
    help: "pairs of a sender and a receiver at a time (1024)",
  },
  {
    name: "joins",
    value: "N",
    parse: whole("whole numbers", 1, 1_000_000),
    only: "meet",
    help: "senders that one network may bring a minute (30)",
  },
  {
    name: "yes",
    help: "never ask: accept any offer, or any receiver",
  },
  { name: "plain", help: "do not encrypt; both sides must use it" },
  {
    name: "port",
    short: "p",
    value: "PORT",
    parse: port,
    meet: true,
    help: "the UDP port, or as a word of its own (5000; of meet 5050)",
  },
  {
    name: "timeout",
    value: "TIME",
    parse: time,
    help: "give up when the other side is silent for this long (30)",
  },
  {
    name: "rate",
    value: "MBIT",
    parse: rate,
    help: "send, or be sent to, no faster: Mbit/s, or 500k, 10M, 1G",
  },
  {
    name: "congestion",
    value: "NAME",
    parse: congestionController,
    completes: Object.keys(CONTROLLERS),
    help: "congestion control: bbr or cubic (bbr)",
  },
  {
    name: "bind",
    value: "ADDRESS",
    parse: address,
    meet: true,
    help: "use this address of this machine only",
  },
  {
    name: "mtu",
    value: "BYTES",
    // From what every IPv6 link carries (RFC 8200, section 5) to the largest packet
    parse: whole("whole bytes", 1280, 65_535),
    help: "largest IP packet, 1280 to 65535 (found by probing)",
  },
  {
    name: "verbose",
    short: "v",
    help: "show at the end what limited the transfer",
  },
  {
    name: "report",
    value: "FILE.svg",
    parse: reportFile,
    completes: "file",
    help: "draw how it went; FILE.qlog: log every packet",
  },
  { name: "quiet", short: "q", meet: true, help: "print errors only" },
  { name: "json", meet: true, help: "print events as JSON, one per line" },
  { name: "trace", help: "print a line for every datagram" },
  { name: "help", short: "h", meet: true, help: "print help" },
  { name: "version", meet: true, help: "print the version" },
  { name: "man", only: "help", help: "print the manual page, for man -l" },
] as const satisfies readonly Option[];

type Given = typeof OPTIONS[number];
export type OptionName = Given["name"];

type ValueOf<O> = O extends { several: true } ? readonly string[]
  : O extends { parse: Parse<infer Value> } ? Value
  : O extends { value: string } ? string
  : boolean;

/** The options that were given, by their names; those that take no value are true. */
export type Values = {
  readonly [O in Given as O["name"]]?: ValueOf<O> | undefined;
};

export const ALL: readonly Option[] = OPTIONS;

/** An option as it is written: `--force`. */
export function dashed(name: string): string {
  return `--${name}`;
}

/** All forms of an option, the one that is explained last. */
export function formsOf({ name, short, alias }: Option): string[] {
  return [
    ...short === undefined ? [] : [`-${short}`],
    ...alias === undefined ? [] : [dashed(alias)],
    dashed(name),
  ];
}

/** The options that a command takes. */
export function optionsOf(command: CommandName): readonly Option[] {
  return ALL.filter(({ only, meet = false }) =>
    only === command || only === undefined && (meet || command !== "meet")
  );
}

/** Whether the next word is the option's value. */
export function takesWord({ value, optional = false }: Option): boolean {
  return value !== undefined && !optional;
}

/** An option as it is explained: `-o, --output FILE`, `--code[=CODE]`. */
export function usageOf(option: Option): string {
  const { name, short, value, optional = false } = option;
  const form = short === undefined
    ? dashed(name)
    : `-${short}, ${dashed(name)}`;
  if (value === undefined) return form;
  return optional ? `${form}[=${value}]` : `${form} ${value}`;
}
