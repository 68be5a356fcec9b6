import { UsageError } from "../messages.ts";

/** What a number on the command line has to be. */
export interface NumberRange {
  /** What it counts, as it is said to a person. */
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
}

export const PORT: NumberRange = {
  unit: "a whole number",
  min: 1,
  max: 65_535,
  whole: true,
};

/** Up to what a timer can wait for. */
export const SECONDS: NumberRange = {
  unit: "seconds",
  min: 0.1,
  max: 2_000_000,
  whole: false,
};

/** From what every IPv6 link carries (RFC 8200, section 5) to the largest packet. */
export const PACKET_BYTES: NumberRange = {
  unit: "whole bytes",
  min: 1280,
  max: 65_535,
  whole: true,
};

export const MEGABITS: NumberRange = {
  unit: "Mbit/s",
  min: 0.01,
  max: 1_000_000,
  whole: false,
};

/**
 * Reads a number from the command line.
 *
 * @param name what it is there for: an option, or a noun
 * @throws {UsageError} unless `text` is a number within `range`
 */
export function parseNumber(
  name: string,
  text: string,
  range: NumberRange,
): number {
  const form = range.whole ? /^[0-9]+$/ : /^[0-9]+(\.[0-9]+)?$|^\.[0-9]+$/;
  const value = form.test(text) ? Number(text) : NaN;
  if (value >= range.min && value <= range.max) return value;
  throw new UsageError(
    `${name} takes ${range.unit} from ${range.min} to ${range.max}, not "${text}"`,
  );
}
