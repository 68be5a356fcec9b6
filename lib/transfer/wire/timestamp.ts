/**
 * When a file was last changed, in nanoseconds since 1970-01-01T00:00:00Z;
 * negative before that. A number would be exact for 104 days only.
 */
export type Timestamp = bigint;

export const NANOS_PER_SECOND = 1_000_000_000n;
export const NANOS_PER_MILLI = 1_000_000n;
/** How far from 1970 a time may be, in nanoseconds: as far as a Date. */
export const MAX_TIME = 8_640_000_000_000_000n * NANOS_PER_MILLI;

/** Milliseconds, a whole number, and nanoseconds after 1970 as a time. */
export function timestampOf(milliseconds: number, nanos = 0): Timestamp {
  return BigInt(milliseconds) * NANOS_PER_MILLI + BigInt(nanos);
}

/** A time in milliseconds since 1970, rounded down. */
export function millisecondsOf(time: Timestamp): number {
  const whole = Number(time / NANOS_PER_MILLI);
  return time < 0n && time % NANOS_PER_MILLI !== 0n ? whole - 1 : whole;
}

/** The nanoseconds of a time beyond the last whole `unit` of nanoseconds, not negative. */
export function nanosWithin(time: Timestamp, unit: bigint): bigint {
  const rest = time % unit;
  return rest < 0n ? rest + unit : rest;
}
