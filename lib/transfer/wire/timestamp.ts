/**
 * When a file was last changed, in nanoseconds since 1970-01-01T00:00:00Z;
 * negative before that. A number would be exact for 104 days only.
 */
export type Timestamp = bigint;

export const NANOS_PER_SECOND = 1_000_000_000n;
/** What a millisecond has of nanoseconds. */
export const NANOS_PER_MILLI = 1_000_000n;
/** How far from 1970 a time may be: as far as a Date can be. */
export const MAX_TIME = 8_640_000_000_000_000n * NANOS_PER_MILLI;

/** The time that is so many milliseconds, a whole number, and so many nanoseconds after 1970. */
export function timestampOf(milliseconds: number, nanos = 0): Timestamp {
  return BigInt(milliseconds) * NANOS_PER_MILLI + BigInt(nanos);
}

/** A time in milliseconds since 1970, rounded down. */
export function millisecondsOf(time: Timestamp): number {
  return Number(dividedBy(NANOS_PER_MILLI, time)[0]);
}

/** A time in units of so many nanoseconds, rounded down, and the nanoseconds from then on. */
export function dividedBy(
  unit: bigint,
  time: Timestamp,
): [whole: bigint, nanos: bigint] {
  const rest = time % unit;
  const nanos = rest < 0n ? rest + unit : rest;
  return [(time - nanos) / unit, nanos];
}
