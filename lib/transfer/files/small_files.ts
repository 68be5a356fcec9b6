import { cString, type FileCalls, fileCalls } from "../../system/c_library.ts";
import type { FileEntry } from "../entries.ts";
import { setTime, timesOf } from "./file_times.ts";
import { lstat, moveWithoutReplacing, partPath } from "./part_file.ts";

/**
 * Small files are read and written whole. What costs then is the system calls,
 * of which Deno makes several for each that is needed, to look at the path; so
 * the C library makes them, where FFI is allowed. Where something is wrong, Deno
 * does it all again, and says what.
 */

/** Linux's numbers (asm-generic/fcntl.h): O_RDONLY, O_NONBLOCK and O_CLOEXEC; */
const READ_FLAGS = 0o2004000;
/** O_WRONLY, O_CREAT, O_EXCL and O_CLOEXEC. */
const MAKE_FLAGS = 0o2000301;
const AT_FDCWD = -100;
const RENAME_NOREPLACE = 1;

/** Reads a file into `into`, as much as there is room for. @returns how many bytes. Throws what the system throws. */
export function readSmallFile(path: string, into: Uint8Array): number {
  const library = fileCalls();
  const length = library && read(library, path, into);
  return length ?? readSlowly(path, into);
}

/**
 * Makes the file `path` of a tree; until it is whole, it has another name. Throws
 * what the system throws, and {@linkcode StorageFailure} `exists`.
 *
 * @param options.free whether nothing is there, or is to be replaced
 */
export function writeSmallFile(
  path: string,
  entry: FileEntry,
  bytes: Uint8Array,
  options: { free: boolean },
): void {
  const part = partPath(path);
  const library = fileCalls();
  const { free } = options;
  if (library && write(library, { path, part, free }, entry, bytes)) return;
  writeSlowly({ path, part, free }, entry, bytes);
}

/** @returns how many bytes; undefined if something is wrong */
function read(
  { open, read, close }: FileCalls,
  path: string,
  into: Uint8Array,
): number | undefined {
  const name = cString(path);
  if (name === undefined) return undefined;
  const descriptor = open(name, READ_FLAGS);
  if (descriptor < 0) return undefined;
  const length = allOf(into, (rest) => {
    return Number(read(descriptor, rest, BigInt(rest.length)));
  });
  close(descriptor);
  return length;
}

function readSlowly(path: string, into: Uint8Array): number {
  using file = Deno.openSync(path);
  return allOf(into, (rest) => file.readSync(rest) ?? 0) ?? 0;
}

/** Where a file goes. */
interface Place {
  readonly path: string;
  /** What it is called until it is whole. */
  readonly part: string;
  /** Whether nothing is at `path`, or is to be replaced. */
  readonly free: boolean;
}

/** @returns whether all is well; else nothing has changed */
function write(
  library: FileCalls,
  place: Place,
  { mode, mtime }: FileEntry,
  bytes: Uint8Array,
): boolean {
  const [path, part] = [cString(place.path), cString(place.part)];
  if (path === undefined || part === undefined) return false;
  const { make, write, fchmod, futimens, close, unlink } = library;
  const descriptor = make(part, MAKE_FLAGS, 0o600);
  if (descriptor < 0) return false;
  const length = allOf(bytes, (rest) => {
    return Number(write(descriptor, rest, BigInt(rest.length)));
  });
  const whole = length === bytes.length && fchmod(descriptor, mode) === 0 &&
    futimens(descriptor, timesOf(mtime)) === 0;
  const done = close(descriptor) === 0 && whole &&
    rename(library, part, path, place.free);
  if (!done) unlink(part);
  return done;
}

function rename(
  { rename, renameat2 }: FileCalls,
  from: Uint8Array,
  to: Uint8Array,
  replace: boolean,
): boolean {
  if (replace) return rename(from, to) === 0;
  return renameat2?.(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) === 0;
}

function writeSlowly(
  { path, part, free }: Place,
  { mode, mtime }: FileEntry,
  bytes: Uint8Array,
): void {
  using file = make(part);
  allOf(bytes, (rest) => file.writeSync(rest));
  Deno.chmodSync(part, mode);
  setTime(part, mtime);
  try {
    if (free) Deno.renameSync(part, path);
    else moveWithoutReplacing(part, path);
  } catch (error) {
    Deno.removeSync(part);
    throw error;
  }
}

/** Makes a new file for the moment; one that a crash left behind makes way. */
function make(part: string): Deno.FsFile {
  const options = { write: true, createNew: true, mode: 0o600 };
  try {
    return Deno.openSync(part, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    if (!lstat(part)?.isFile) throw error;
    Deno.removeSync(part);
    return Deno.openSync(part, options);
  }
}

/**
 * Has `move` read or write the bytes, as many at a time as it likes, until they
 * are through or it moves none.
 *
 * @returns how many; undefined if it says less than 0
 */
function allOf(
  bytes: Uint8Array,
  move: (rest: Uint8Array) => number,
): number | undefined {
  let at = 0;
  while (at < bytes.length) {
    const count = move(at === 0 ? bytes : bytes.subarray(at));
    if (count < 0) return undefined;
    if (count === 0) break;
    at += count;
  }
  return at;
}
