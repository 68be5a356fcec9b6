import { cString, fileCalls, occasionalCalls } from "../../system/c_library.ts";
import {
  MAX_TIME,
  NANOS_PER_SECOND,
  type Timestamp,
  timestampOf,
} from "../wire/timestamp.ts";

/** What stat(2) tells. */
export interface FileStatus {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
  readonly isFifo: boolean;
  readonly isSocket: boolean;
  /** Whether it is a disk, or the like. */
  readonly isBlockDevice: boolean;
  /** In bytes. */
  readonly size: number;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  /** When it was last changed: exact with FFI, else to the millisecond. */
  readonly mtime: Timestamp;
  /** All twelve bits of the mode: set-user-id, set-group-id and sticky, too. */
  readonly bits: number;
  /** The user id of its owner; undefined where the system has none. */
  readonly owner: number | undefined;
  /** How many names it has. */
  readonly links: number;
  /** Identifies the file on this machine, together with `inode`. */
  readonly device: number;
  readonly inode: number | bigint;
}

/** Whether there is a directory at `path`; links are followed. */
export function isDirectory(path: string): boolean {
  try {
    return statusAt(path, { follow: true }).isDirectory;
  } catch {
    return false;
  }
}

/** The path without links on the way. Throws what the system throws. */
export function realPath(path: string): string {
  const library = occasionalCalls();
  const name = cString(path);
  const real = new Uint8Array(MAX_REAL_PATH);
  if (name !== undefined && library?.realpath(name, real)) {
    return new TextDecoder().decode(real.subarray(0, real.indexOf(0)));
  }
  // Deno throws the error
  return Deno.realPathSync(path);
}

/** PATH_MAX of Linux. */
const MAX_REAL_PATH = 4096;

/** Throws what Deno throws if it may not open what is at `path`, as below /dev, /proc and /sys. */
export async function checkReach(path: string): Promise<void> {
  try {
    using _ = await Deno.open(path);
  } catch (error) {
    if ((error as Error).name === "NotCapable") throw error;
    // Other errors show when it is used
  }
}

// Linux's numbers (linux/fcntl.h, linux/stat.h)
/** In place of a directory's descriptor: the working directory. */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;
const S_IFMT = 0o170000;
const S_IFIFO = 0o010000;
const S_IFDIR = 0o040000;
const S_IFBLK = 0o060000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFSOCK = 0o140000;

/** Bytes of a struct statx, which has the same layout on all machines. */
const STATX_SIZE = 256;

const buffer = new Uint8Array(STATX_SIZE);
const fields = new DataView(buffer.buffer);

/**
 * Reads the status of what is at `path`. Throws what the system throws.
 *
 * @param options.follow whether links are followed
 */
export function statusAt(
  path: string,
  options: { follow?: boolean } = {},
): FileStatus {
  const { follow = false } = options;
  const name = cString(path);
  const flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
  // Deno throws the error
  return name && statx(AT_FDCWD, name, flags) ||
    statusOf(follow ? Deno.statSync(path) : Deno.lstatSync(path));
}

/** Whether {@linkcode statx} can be called. */
export function hasStatx(): boolean {
  return fileCalls()?.statx != null;
}

/** Calls statx(2). @returns undefined where it failed, as errno says, or is not there */
export function statx(
  directory: number,
  name: Uint8Array<ArrayBuffer>,
  flags: number,
): FileStatus | undefined {
  const result = fileCalls()
    ?.statx?.(directory, name, flags, STATX_BASIC_STATS, buffer);
  return result === 0 ? statusIn(fields) : undefined;
}

/** Decodes a struct statx. */
function statusIn(fields: DataView): FileStatus {
  const littleEndian = true;
  const u32 = (at: number) => fields.getUint32(at, littleEndian);
  const mode = fields.getUint16(28, littleEndian);
  const kind = mode & S_IFMT;
  const seconds = fields.getBigInt64(112, littleEndian);
  return {
    isFile: kind === S_IFREG,
    isDirectory: kind === S_IFDIR,
    isSymlink: kind === S_IFLNK,
    isFifo: kind === S_IFIFO,
    isSocket: kind === S_IFSOCK,
    isBlockDevice: kind === S_IFBLK,
    size: Number(fields.getBigUint64(40, littleEndian)),
    mode: mode & 0o777,
    bits: mode & 0o7777,
    owner: u32(20),
    mtime: nearest(seconds * NANOS_PER_SECOND + BigInt(u32(120))),
    links: u32(16),
    device: deviceOf(u32(136), u32(140)),
    inode: fields.getBigUint64(32, littleEndian),
  };
}

/** The number of a device as in stat(2) and in Deno (makedev(3)). */
function deviceOf(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 2 ** 8 +
    (minor >>> 8) * 2 ** 20 + (major >>> 12) * 2 ** 44;
}

/** Converts what Deno tells. */
export function statusOf(info: Deno.FileInfo): FileStatus {
  const { isFile, isDirectory, isSymlink, size, dev, ino } = info;
  return {
    isFile,
    isDirectory,
    isSymlink,
    isFifo: info.isFifo === true,
    isSocket: info.isSocket === true,
    isBlockDevice: info.isBlockDevice === true,
    size,
    mode: (info.mode ?? 0) & 0o777,
    bits: (info.mode ?? 0) & 0o7777,
    owner: info.uid ?? undefined,
    // A Date that cannot hold the time has NaN
    mtime: timestampOf(info.mtime?.getTime() || 0),
    links: info.nlink ?? 1,
    device: dev,
    inode: ino ?? 0,
  };
}

/** The nearest time that can be sent. */
function nearest(time: Timestamp): Timestamp {
  return time > MAX_TIME ? MAX_TIME : time < -MAX_TIME ? -MAX_TIME : time;
}
