import { cString, type FileCalls, fileCalls } from "../../system/c_library.ts";

/**
 * Small files are read whole. What costs then is the system calls,
 * of which Deno makes several for each that is needed, to look at the path; so
 * the C library makes them, where FFI is allowed. Where something is wrong, Deno
 * does it all again, and says what.
 */

/** Linux's numbers (asm-generic/fcntl.h): O_RDONLY, O_NONBLOCK and O_CLOEXEC. */
const READ_FLAGS = 0o2004000;
/** Reads a file into `into`, as much as there is room for. @returns how many bytes. Throws what the system throws. */
export function readSmallFile(path: string, into: Uint8Array): number {
  const library = fileCalls();
  const length = library && read(library, path, into);
  return length ?? readSlowly(path, into);
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
