import { cString, type FileCalls, fileCalls } from "../../system/c_library.ts";

/**
 * To Linux a name is bytes, of which only UTF-8 can be sent. Deno leaves other
 * names out, or changes them; the C library tells them, where FFI is allowed.
 */

/** Linux's numbers (asm-generic/fcntl.h): O_RDONLY, O_NONBLOCK and O_CLOEXEC. */
const OPEN_FLAGS = 0o2004000;
/** Where a struct linux_dirent64 has its length and its name (getdents64(2)). */
const LENGTH_AT = 16;
const NAME_AT = 19;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ROOM = 1 << 16;
const buffer = new Uint8Array(ROOM);
const view = new DataView(buffer.buffer);

/** The names in a directory, in no order. */
export interface Names {
  /** Those that are UTF-8. */
  readonly names: string[];
  /** All others, as they may be shown. */
  readonly others: string[];
}

/** What is in a directory. Throws what the system throws. */
export function namesIn(directory: string): Names {
  const library = fileCalls();
  const listed = library && askForNames(library, directory);
  if (listed !== undefined) return listed;
  const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
  return { names, others: [] };
}

/** What a link leads to; undefined if that is not UTF-8. Throws what the system throws. */
export function targetOf(link: string): string | undefined {
  const path = cString(link);
  const library = fileCalls();
  if (library !== undefined && path !== undefined) {
    const length = Number(library.readlink(path, buffer, BigInt(ROOM)));
    if (length >= 0) return decoded(buffer.subarray(0, length));
  }
  return Deno.readLinkSync(link);
}

function askForNames(library: FileCalls, directory: string): Names | undefined {
  const path = cString(directory);
  const { open, close, getdents64 } = library;
  if (getdents64 === null || path === undefined) return undefined;
  const descriptor = open(path, OPEN_FLAGS);
  if (descriptor < 0) return undefined;
  const listed: Names = { names: [], others: [] };
  let length: number;
  do {
    length = Number(getdents64(descriptor, buffer, BigInt(ROOM)));
    addNames(length, listed);
  } while (length > 0);
  close(descriptor);
  return length < 0 ? undefined : listed;
}

/** Adds the names of the entries in the first `length` bytes of the buffer. */
function addNames(length: number, { names, others }: Names): void {
  let end: number;
  for (let at = 0; at < length; at = end) {
    end = at + view.getUint16(at + LENGTH_AT, true);
    const start = at + NAME_AT;
    const bytes = buffer.subarray(start, buffer.indexOf(0, start));
    const name = decoded(bytes);
    if (name === undefined) others.push(new TextDecoder().decode(bytes));
    else if (name !== "." && name !== "..") names.push(name);
  }
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
