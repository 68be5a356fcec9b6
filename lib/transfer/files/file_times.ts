import { lutimesSync } from "node:fs";
import { cString, fileCalls } from "../../system/c_library.ts";
import {
  dividedBy,
  millisecondsOf,
  NANOS_PER_SECOND,
  type Timestamp,
} from "../timestamp.ts";

/** Linux's numbers (linux/fcntl.h, linux/stat.h). */
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
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

/**
 * Sets when what is at `path` was last changed; of a link, of the link itself.
 * To the nanosecond with the C library, where FFI is allowed, else to the
 * millisecond. Throws what the system throws.
 */
export function setTime(path: string, mtime: Timestamp): void {
  const name = cString(path);
  const library = fileCalls();
  if (library !== undefined && name !== undefined) {
    const { utimensat } = library;
    const flags = AT_SYMLINK_NOFOLLOW;
    if (utimensat(AT_FDCWD, name, timesOf(mtime), flags) === 0) return;
  }
  // What was wrong there, this says
  lutimesSync(path, new Date(), new Date(roughly(mtime)));
}

/** A time in milliseconds that Deno takes: before 1970, whole seconds. */
export function roughly(time: Timestamp): number {
  const milliseconds = millisecondsOf(time);
  return milliseconds < 0
    ? Math.floor(milliseconds / 1000) * 1000
    : milliseconds;
}
