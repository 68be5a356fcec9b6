import { CONTROLLERS } from "../../protocol/congestion/controllers.ts";

/** An option of the command line. */
export interface Option {
  /** Without the dashes; of one letter, it has only one dash. */
  readonly name: string;
  /** One letter for the same. */
  readonly short?: string;
  /** The placeholder of its value; without it, the option takes none. */
  readonly value?: string;
  /** Whether the value may be left out; if given, it follows a =. */
  readonly optional?: boolean;
  /** How a shell completes the value. */
  readonly completes?: "file" | "directory" | readonly string[];
  /** The only command that takes it. */
  readonly only?: "send" | "receive";
  /** One line of the help. */
  readonly help: string;
}

/**
 * All options, in the order of the help: of `receive`, of `send`, of both. What
 * is parsed, explained and completed comes from here.
 */
export const OPTIONS = [
  {
    name: "o",
    value: "FILE",
    completes: "file",
    only: "receive",
    help: "save it as FILE (-: standard output)",
  },
  {
    name: "d",
    value: "DIR",
    completes: "directory",
    only: "receive",
    help: "save it in DIR",
  },
  {
    name: "force",
    only: "receive",
    help: "replace a file that is there already",
  },
  {
    name: "keep",
    only: "receive",
    help: "take one transfer after another, several at once, into DIR",
  },
  {
    name: "wait",
    value: "SECONDS",
    only: "receive",
    help: "give up if nobody sends anything for so long",
  },
  {
    name: "resume",
    only: "send",
    help: "also for standard input: leave out what arrived before",
  },
  {
    name: "code",
    value: "CODE",
    optional: true,
    help: "let in, and send to, only who knows the code (FERRY_CODE)",
  },
  {
    name: "yes",
    help: "without a code, take or send without asking anybody",
  },
  { name: "plain", help: "do not encrypt; both sides have to want that" },
  {
    name: "timeout",
    value: "SECONDS",
    help: "silence that ends a connection (30)",
  },
  {
    name: "rate",
    value: "MBIT",
    help: "send at no more than this many Mbit/s",
  },
  {
    name: "congestion",
    value: "NAME",
    completes: Object.keys(CONTROLLERS),
    help: "how the rate is found: bbr, or cubic as TCP does it (bbr)",
  },
  {
    name: "bind",
    value: "ADDRESS",
    help: "use this address of this machine",
  },
  {
    name: "mtu",
    value: "BYTES",
    help: "the largest IP packet, 1280 to 65535 (what the path takes)",
  },
  {
    name: "verbose",
    short: "v",
    help: "say at the end what limited the transfer",
  },
  {
    name: "report",
    value: "FILE.svg",
    completes: "file",
    help: "draw rate, RTT, window and what was sent again over time",
  },
  { name: "quiet", short: "q", help: "say nothing but errors" },
  { name: "json", help: "say everything as JSON, one event a line" },
  { name: "trace", help: "print a line for each datagram" },
  { name: "help", short: "h", help: "print this" },
  { name: "version", help: "print the version" },
] as const satisfies readonly Option[];

type Given = typeof OPTIONS[number];
/** The name of an option that takes no value. */
export type FlagName = Exclude<Given, { value: string }>["name"];
/** The name of an option that takes one, always. */
export type ValueName = Exclude<
  Given,
  { name: FlagName } | { optional: true }
>["name"];

/** All options as one type. */
export const ALL: readonly Option[] = OPTIONS;

/** An option as it is written: `-o`, `--force`. */
export function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

/** All forms of an option. */
export function formsOf({ name, short }: Option): string[] {
  return short === undefined ? [dashed(name)] : [`-${short}`, dashed(name)];
}

/** The options that a command takes. */
export function optionsOf(command: "send" | "receive"): readonly Option[] {
  return ALL.filter(({ only = command }) => only === command);
}

/** Whether the next word is the option's value. */
export function takesWord({ value, optional = false }: Option): boolean {
  return value !== undefined && !optional;
}
