/**
 * Where Linux distributions install the C library; the permissions of the
 * executable list the same paths.
 */
const LIBC_PATHS = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6",
  "/usr/lib/libc.so.6",
];

const SOCKET_CALLS = {
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  recvmmsg: {
    parameters: ["i32", "buffer", "u32", "i32", "pointer"],
    result: "i32",
  },
  memmove: { parameters: ["buffer", "buffer", "usize"], result: "u64" },
} as const;

const TERMINAL_CALLS = {
  tcflush: { parameters: ["i32", "i32"], result: "i32" },
} as const;

/** Some systems' C library does not know it yet. */
const FILE_CALLS = {
  statx: {
    parameters: ["i32", "buffer", "i32", "u32", "buffer"],
    result: "i32",
    optional: true,
  },
} as const;

/**
 * Calls relative to an open directory, whose path may meanwhile mean another:
 * those always needed, those for writing and reading, and those rarely needed.
 */
const DIRECTORY_CALLS = {
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "pointer" },
  // Some systems' C library does not know it yet
  getdents64: {
    parameters: ["i32", "buffer", "usize"],
    result: "isize",
    optional: true,
  },
} as const;

const WRITING_CALLS = {
  mkdirat: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  // Runs on another thread, as it may block
  writeLater: {
    name: "write",
    parameters: ["i32", "buffer", "usize"],
    result: "isize",
    nonblocking: true,
  },
  fsyncLater: {
    name: "fsync",
    parameters: ["i32"],
    result: "i32",
    nonblocking: true,
  },
  renameat2: {
    parameters: ["i32", "buffer", "i32", "buffer", "u32"],
    result: "i32",
  },
} as const;

const READING_CALLS = {
  // A named pipe opens once it has a writer
  openLater: {
    name: "open",
    parameters: ["buffer", "i32"],
    result: "i32",
    nonblocking: true,
  },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  readLater: {
    name: "read",
    parameters: ["i32", "buffer", "usize"],
    result: "isize",
    nonblocking: true,
  },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  readlinkat: {
    parameters: ["i32", "buffer", "buffer", "usize"],
    result: "isize",
  },
} as const;

const OCCASIONAL_CALLS = {
  // The runtime resolves no path below /dev and /proc
  realpath: { parameters: ["buffer", "buffer"], result: "pointer" },
  symlinkat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  linkat: {
    parameters: ["i32", "buffer", "i32", "buffer", "i32"],
    result: "i32",
  },
  fchmodat: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  geteuid: { parameters: [], result: "u32" },
} as const;

type Calls<S extends Deno.ForeignLibraryInterface> = Deno.DynamicLibrary<
  S
>["symbols"];
/** A set of calls; `undefined` where FFI is not allowed. */
type Lazily<S extends Deno.ForeignLibraryInterface> = () =>
  | Calls<S>
  | undefined;

/** Functions of the C library by their manual pages. */
export type SocketCalls = Calls<typeof SOCKET_CALLS>;
export type DirectoryCalls = Calls<typeof DIRECTORY_CALLS>;

export const socketCalls: Lazily<typeof SOCKET_CALLS> = lazily(SOCKET_CALLS);
export const fileCalls: Lazily<typeof FILE_CALLS> = lazily(FILE_CALLS);
export const directoryCalls: Lazily<typeof DIRECTORY_CALLS> = lazily(
  DIRECTORY_CALLS,
);
export const terminalCalls: Lazily<typeof TERMINAL_CALLS> = lazily(
  TERMINAL_CALLS,
);
export const writingCalls: Lazily<typeof WRITING_CALLS> = lazily(WRITING_CALLS);
export const readingCalls: Lazily<typeof READING_CALLS> = lazily(READING_CALLS);
export const occasionalCalls: Lazily<typeof OCCASIONAL_CALLS> = lazily(
  OCCASIONAL_CALLS,
);

/**
 * Opens the library at the first call with these functions only: each takes
 * time to bind, and the first datagram needs few.
 */
function lazily<const S extends Deno.ForeignLibraryInterface>(
  symbols: S,
): Lazily<S> {
  let calls: Calls<S> | null | undefined;
  return () => {
    if (calls === undefined) calls = openLibrary(symbols) ?? null;
    return calls ?? undefined;
  };
}

function openLibrary<const S extends Deno.ForeignLibraryInterface>(
  symbols: S,
): Calls<S> | undefined {
  for (const path of LIBC_PATHS) {
    // A query, since dlopen would prompt for the permission
    const { state } = Deno.permissions.querySync({ name: "ffi", path });
    if (state !== "granted") continue;
    try {
      return Deno.dlopen(path, symbols).symbols;
    } catch {
      // It is elsewhere, or of another kind
    }
  }
  return undefined;
}

/** The address of bytes in memory. Only buffers of a kilobyte or more keep theirs. */
export function addressOf(
  bytes: Uint8Array<ArrayBuffer>,
  { memmove }: SocketCalls,
): bigint {
  return BigInt(memmove(bytes, bytes, 0n));
}

const encoder = new TextEncoder();

/** A NUL-terminated string; `undefined` if `text` contains a NUL. */
export function cString(text: string): Uint8Array<ArrayBuffer> | undefined {
  return text.includes("\0") ? undefined : encoder.encode(`${text}\0`);
}
