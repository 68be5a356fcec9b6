import {
  type ControllerName,
  CONTROLLERS,
  isControllerName,
} from "../../protocol/congestion/controllers.ts";
import {
  MEET_PORT,
  type MeetingPoint,
} from "../../session/meeting/meeting_point.ts";
import { UsageError } from "../messages.ts";

/**
 * Makes a value of a text.
 *
 * @param name what the text is the value of, as a person knows it
 * @throws {UsageError} if it cannot be one
 */
export type Parse<Value> = (text: string, name: string) => Value;

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

function numberParser(
  { unit, min, max, whole = false, units = {}, factor = 1 }: NumberFormat,
): Parse<number> {
  const form = whole
    ? /^([0-9]+)$/
    : /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)([a-z]*)(?:\/s)?$/i;
  const multiples = new Map([["", 1], ...Object.entries(units)]);
  return (text, name) => {
    const [, number = NaN, suffix = ""] = form.exec(text) ?? [];
    const value = Number(number) * (multiples.get(suffix) ?? NaN);
    if (value >= min && value <= max) return factor * value;
    throw usage(`${name} takes ${unit} from ${min} to ${max}, not "${text}"`);
  };
}

/** A whole number. */
export function whole(unit: string, min: number, max: number): Parse<number> {
  return numberParser({ unit, min, max, whole: true });
}

/** A time in milliseconds, up to what a timer can wait for. */
export const time = numberParser({
  unit: "seconds",
  min: 0.1,
  max: 2_000_000,
  units: { s: 1, m: 60, h: 3600, d: 86_400 },
  factor: 1000,
});

/** A rate in bytes per second: as a program that counts bits has it, and with a B as one that counts bytes. */
export const rate = numberParser({
  unit: "Mbit/s",
  min: 0.01,
  max: 1_000_000,
  units: {
    ...{ k: 1e-3, M: 1, G: 1e3 },
    ...{ kbit: 1e-3, Mbit: 1, Gbit: 1e3 },
    ...{ kB: 8e-3, MB: 8, GB: 8e3 },
  },
  factor: 1e6 / 8,
});

export const port = whole("a whole number", 1, 65_535);

export function congestionController(text: string): ControllerName {
  if (isControllerName(text)) return text;
  const names = Object.keys(CONTROLLERS).join(" or ");
  throw usage(`--congestion takes ${names}, not "${text}"`);
}

/** Any other name is rather that of a file to be sent. */
export function reportFile(path: string): string {
  if (/\.(svg|qlog)$/.test(path)) return path;
  throw usage(`--report takes FILE.svg or FILE.qlog, not "${path}"`);
}

/** The host of a meeting point, with or without its port. */
export function meetingPoint(text: string): MeetingPoint {
  const [, bracketed, plain, word] =
    /^(?:\[(.*)\]|([^:]*))(?::([0-9]+))?$/.exec(text) ?? [];
  return {
    host: hostName(bracketed ?? plain ?? text),
    port: word === undefined ? MEET_PORT : port(word, "The port of --meet"),
  };
}

export function hostName(word: string): string {
  const host = address(word);
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
export function address(word: string): string {
  return word.replace(/^\[(.*)\]$/s, "$1");
}

export function usage(message: string): UsageError {
  return new UsageError(message);
}
