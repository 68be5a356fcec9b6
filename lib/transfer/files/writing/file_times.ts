import {
  dividedBy,
  millisecondsOf,
  NANOS_PER_SECOND,
  type Timestamp,
} from "../../wire/timestamp.ts";

/** Linux's number (linux/stat.h). */
const UTIME_OMIT = (1n << 30n) - 2n;

const times = BigInt64Array.of(0n, UTIME_OMIT, 0n, 0n);

/**
 * Two struct timespec, of seconds and nanoseconds each: the last access, which
 * stays as it is, and the last change; until the next call.
 */
export function timesOf(mtime: Timestamp): BigInt64Array<ArrayBuffer> {
  [times[2], times[3]] = dividedBy(NANOS_PER_SECOND, mtime);
  return times;
}

/** A time in milliseconds that Deno takes: before 1970, whole seconds. */
export function roughly(time: Timestamp): number {
  const milliseconds = millisecondsOf(time);
  return milliseconds < 0
    ? Math.floor(milliseconds / 1000) * 1000
    : milliseconds;
}
