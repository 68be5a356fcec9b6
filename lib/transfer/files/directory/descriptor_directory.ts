import {
  cString,
  type DirectoryCalls,
  directoryCalls,
  occasionalCalls,
  readingCalls,
  writingCalls,
} from "../../../system/c_library.ts";
import {
  NANOS_PER_SECOND,
  nanosWithin,
  type Timestamp,
} from "../../wire/timestamp.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  type FileStatus,
  hasStatx,
  statx,
} from "../file_status.ts";
import { codeOf, SystemError } from "../system_error.ts";
import {
  type Access,
  type Directory,
  type DirectoryEntries,
  moveByLink,
  type OpenFile,
} from "./directory.ts";

// Linux's numbers (asm-generic/fcntl.h, linux/fcntl.h)
const O_RDONLY = 0;
const O_RDWR = 2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NOCTTY = 0o400;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const ARM = Deno.build.arch === "aarch64";
// Others in arch/arm64/include/uapi/asm/fcntl.h
const O_DIRECTORY = ARM ? 0o40000 : 0o200000;
const O_NOFOLLOW = ARM ? 0o100000 : 0o400000;
const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;
const RENAME_NOREPLACE = 1;
const LOCK_EX_NB = 2 | 4;
/**
 * How often a lock is tried, and how many milliseconds apart: a process that was
 * killed may hold it for a moment more, or one that was started meanwhile and has
 * not yet closed what it inherited.
 */
const LOCK_TRIES = 10;
const LOCK_INTERVAL = 20;
const SEEK_SET = 0;
const SEEK_END = 2;
/** For futimens(2): the time stays as it is (linux/stat.h). */
const UTIME_OMIT = (1n << 30n) - 2n;

/** Follows no link under the last name, does not wait for a pipe's other end, takes no controlling terminal. */
const SAFELY = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

/** Bytes that getdents64(2) and readlink(2) may give at once. */
const NAMES_SIZE = 1 << 16;
const names = new Uint8Array(NAMES_SIZE);
const nameFields = new DataView(names.buffer);
/** Where the length is in a struct linux_dirent64. */
const DIRENT_LENGTH_AT = 16;
/** Where the name begins in a struct linux_dirent64. */
const DIRENT_NAME_AT = 19;
const EMPTY_PATH = cString("")!;
const CURRENT_DIRECTORY = cString(".")!;
/** Two struct timespec: the last access, which stays, and the last change. */
const times = BigInt64Array.of(0n, UTIME_OMIT, 0n, 0n);

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Functions of the C library; those that every directory needs are there, as `isPossible` says. */
type Calls = {
  [Name in keyof DirectoryCalls]: NonNullable<DirectoryCalls[Name]>;
};
const calls = () => directoryCalls() as Calls;
const writing = () => writingCalls()!;
const reading = () => readingCalls()!;
const occasional = () => occasionalCalls()!;

/** A directory that is open as a descriptor. */
export class DescriptorDirectory implements Directory {
  readonly path: string;
  #descriptor: number;

  /** Use {@linkcode DescriptorDirectory.open}. */
  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  /** Whether the C library can be called and has what is needed. */
  static get isPossible(): boolean {
    const library = directoryCalls();
    // A library that has statx(2) has renameat2(2)
    return library !== undefined && library.getdents64 !== null && hasStatx();
  }

  static open(path: string): DescriptorDirectory {
    const descriptor = openDirectoryAt(AT_FDCWD, nameOf(path), 0);
    return new DescriptorDirectory(path, descriptor);
  }

  openDirectory(name: string): DescriptorDirectory {
    const descriptor = openDirectoryAt(
      this.#descriptor,
      nameOf(name),
      O_NOFOLLOW,
    );
    return new DescriptorDirectory(`${this.path}/${name}`, descriptor);
  }

  makeDirectory(name: string, mode: number): void {
    checkResult(writing().mkdirat(this.#descriptor, nameOf(name), mode));
  }

  status(name: string): FileStatus | undefined {
    const found = statx(this.#descriptor, nameOf(name), AT_SYMLINK_NOFOLLOW);
    if (found !== undefined) return found;
    const error = lastError();
    if (error.code === "ENOENT") return undefined;
    throw error;
  }

  ownStatus(): FileStatus {
    return statusOfDescriptor(this.#descriptor);
  }

  entries(): DirectoryEntries {
    const { getdents64, close } = calls();
    // The position is kept with the descriptor, so a new one is opened
    const descriptor = openAt(
      this.#descriptor,
      CURRENT_DIRECTORY,
      O_RDONLY | O_DIRECTORY | O_CLOEXEC,
    );
    const found: DirectoryEntries = { names: [], others: [] };
    try {
      for (;;) {
        const length = Number(
          getdents64(descriptor, names, BigInt(NAMES_SIZE)),
        );
        if (length < 0) throw lastError();
        if (length === 0) return found;
        addNames(length, found);
      }
    } finally {
      close(descriptor);
    }
  }

  createFile(name: string): OpenFile {
    return this.#openFile(name, O_RDWR | O_CREAT | O_EXCL | SAFELY);
  }

  openFile(name: string, access: Access): OpenFile {
    return this.#openFile(
      name,
      (access === "read" ? O_RDONLY : O_RDWR) | SAFELY,
    );
  }

  symlink(target: string, name: string): void {
    checkResult(
      occasional().symlinkat(nameOf(target), this.#descriptor, nameOf(name)),
    );
  }

  readLink(name: string): string | undefined {
    const length = Number(
      reading().readlinkat(
        this.#descriptor,
        nameOf(name),
        names,
        BigInt(NAMES_SIZE),
      ),
    );
    if (length < 0) throw lastError();
    return decoded(names.subarray(0, length));
  }

  rename(
    name: string,
    to: Directory,
    toName: string,
    { replace }: { replace: boolean },
  ): void {
    if (!(to instanceof DescriptorDirectory)) throw new SystemError("EXDEV");
    const { renameat2 } = writing();
    const [from, into] = [nameOf(name), nameOf(toName)];
    const flags = replace ? 0 : RENAME_NOREPLACE;
    const target = to.#descriptor;
    if (renameat2(this.#descriptor, from, target, into, flags) === 0) return;
    const error = lastError();
    // The file system, the system or a sandbox does not know the flag
    if (replace || !["EINVAL", "ENOSYS", "EPERM"].includes(error.code)) {
      throw error;
    }
    moveByLink(this, name, to, toName, {
      link: () =>
        checkResult(
          occasional().linkat(
            this.#descriptor,
            from,
            to.#descriptor,
            into,
            0,
          ),
        ),
    });
  }

  unlink(name: string): void {
    checkResult(writing().unlinkat(this.#descriptor, nameOf(name), 0));
  }

  removeDirectory(name: string): void {
    const flags = AT_REMOVEDIR;
    checkResult(writing().unlinkat(this.#descriptor, nameOf(name), flags));
  }

  chmod(mode: number): void {
    checkResult(writing().fchmod(this.#descriptor, mode));
  }

  chmodAt(name: string, mode: number): void {
    const { fchmodat } = occasional();
    if (this.status(name)?.isSymlink) throw new SystemError("ELOOP");
    checkResult(fchmodat(this.#descriptor, nameOf(name), mode, 0));
  }

  setTime(mtime: Timestamp): void {
    checkResult(writing().futimens(this.#descriptor, timesOf(mtime)));
  }

  setTimeAt(name: string, mtime: Timestamp): void {
    checkResult(
      occasional().utimensat(
        this.#descriptor,
        nameOf(name),
        timesOf(mtime),
        AT_SYMLINK_NOFOLLOW,
      ),
    );
  }

  async sync(): Promise<void> {
    // One that may not be read cannot be synced; the files have been
    await writing().fsyncLater(this.#descriptor);
  }

  close(): void {
    if (this.#descriptor >= 0) calls().close(this.#descriptor);
    this.#descriptor = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #openFile(name: string, flags: number): OpenFile {
    return new DescriptorFile(openAt(this.#descriptor, nameOf(name), flags));
  }
}

/** Opens what is at a path, in which links are followed, for reading. Throws what the system throws. */
export function openPath(path: string): OpenFile {
  return new DescriptorFile(openAt(AT_FDCWD, nameOf(path), READS));
}

/** Opens a named pipe for reading once it has a writer, for which another thread waits. */
export async function openPipe(path: string): Promise<OpenFile> {
  const { openLater } = reading();
  const name = nameOf(path);
  const descriptor = await openLater(name, READS);
  // The memory stays until here
  name.fill(0);
  // errno is of the other thread: the same error comes again
  return descriptor < 0
    ? openPath(path)
    : new DescriptorFile(descriptor, { waits: true });
}

const READS = O_RDONLY | O_NOCTTY | O_CLOEXEC;

/** A file that is open as a descriptor. */
class DescriptorFile implements OpenFile {
  #descriptor: number;
  /** From how many bytes on a read is done on another thread. */
  readonly #minLater: number;
  /** Calls on other threads that use the descriptor. */
  #underWay = 0;
  #closed = false;

  /** @param options.waits whether it may have to be waited for what can be read */
  constructor(descriptor: number, { waits = false } = {}) {
    this.#descriptor = descriptor;
    this.#minLater = waits ? 0 : MIN_LATER;
  }

  status(): FileStatus {
    return statusOfDescriptor(this.#open);
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (into.length < this.#minLater) return this.readSync(into);
    const { readLater } = reading();
    const count = Number(
      await this.#later((open) =>
        readLater(open, unshared(into), BigInt(into.length))
      ),
    );
    // errno is of the other thread: the same error comes again
    if (count < 0) return this.readSync(into);
    return count === 0 ? null : count;
  }

  readSync(into: Uint8Array): number | null {
    const { read } = reading();
    const length = BigInt(into.length);
    const count = Number(read(this.#open, unshared(into), length));
    if (count < 0) throw lastError();
    return count === 0 ? null : count;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { writeLater } = writing();
    for (let at = 0; at < bytes.length;) {
      const rest = bytes.subarray(at);
      if (rest.length < MIN_LATER) return this.writeSync(rest);
      const count = Number(
        await this.#later((open) =>
          writeLater(open, unshared(rest), BigInt(rest.length))
        ),
      );
      at += count > 0 ? count : this.#writeSome(rest);
    }
  }

  writeSync(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      at += this.#writeSome(at === 0 ? bytes : bytes.subarray(at));
    }
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async seek(position: number): Promise<void> {
    const { lseek } = reading();
    if (lseek(this.#open, BigInt(position), SEEK_SET) < 0) {
      throw lastError();
    }
  }

  length(): number {
    const { lseek } = reading();
    const length = lseek(this.#open, 0n, SEEK_END);
    if (length < 0 || lseek(this.#open, 0n, SEEK_SET) < 0) throw lastError();
    return Number(length);
  }

  truncate(length: number): void {
    checkResult(occasional().ftruncate(this.#open, BigInt(length)));
  }

  chmod(mode: number): void {
    checkResult(writing().fchmod(this.#open, mode));
  }

  setTime(mtime: Timestamp): void {
    checkResult(writing().futimens(this.#open, timesOf(mtime)));
  }

  async sync(): Promise<void> {
    const { fsyncLater } = writing();
    // The system gives the error once, and errno is of the other thread
    if (await this.#later(fsyncLater) < 0) throw new SystemError("EIO");
  }

  async lock(): Promise<boolean> {
    for (let tries = 1;; tries++) {
      if (writing().flock(this.#open, LOCK_EX_NB) === 0) return true;
      // A file system without locks gives another error
      if (lastError().code !== "EAGAIN") return true;
      if (tries === LOCK_TRIES) return false;
      await new Promise((resolve) => setTimeout(resolve, LOCK_INTERVAL));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeWhenIdle();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #open(): number {
    // The descriptor may be another file's
    if (this.#closed) throw new SystemError("EBADF");
    return this.#descriptor;
  }

  async #later<T>(call: (descriptor: number) => Promise<T>): Promise<T> {
    const descriptor = this.#open;
    this.#underWay++;
    try {
      return await call(descriptor);
    } finally {
      this.#underWay--;
      this.#closeWhenIdle();
    }
  }

  #closeWhenIdle(): void {
    if (!this.#closed || this.#underWay > 0 || this.#descriptor < 0) return;
    calls().close(this.#descriptor);
    this.#descriptor = -1;
  }

  #writeSome(bytes: Uint8Array): number {
    const { write } = writing();
    const length = BigInt(bytes.length);
    const count = Number(write(this.#open, unshared(bytes), length));
    if (count < 0) throw lastError();
    if (count === 0) throw new SystemError("EIO");
    return count;
  }
}

/** Bytes from which a read or write is done on another thread: starting that takes longer than fewer bytes do. */
const MIN_LATER = 1 << 12;

/** The type that FFI takes; no bytes here are shared between threads. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

function nameOf(name: string): Uint8Array<ArrayBuffer> {
  const bytes = cString(name);
  if (bytes === undefined) throw new SystemError("EINVAL");
  return bytes;
}

function openAt(
  directory: number,
  name: Uint8Array,
  flags: number,
): number {
  const descriptor = calls().openat(directory, unshared(name), flags, 0o600);
  if (descriptor < 0) throw lastError();
  return descriptor;
}

function openDirectoryAt(
  directory: number,
  name: Uint8Array,
  flags: number,
): number {
  const all = O_DIRECTORY | O_CLOEXEC | flags;
  try {
    return openAt(directory, name, O_RDONLY | all);
  } catch (error) {
    // It may be written but not read
    if (codeOf(error) !== "EACCES") throw error;
    return openAt(directory, name, O_PATH | all);
  }
}

function statusOfDescriptor(descriptor: number): FileStatus {
  const status = statx(descriptor, EMPTY_PATH, AT_EMPTY_PATH);
  if (status === undefined) throw lastError();
  return status;
}

/** Adds the names of the entries in the first `length` bytes of the buffer. */
function addNames(length: number, found: DirectoryEntries): void {
  let end: number;
  for (let at = 0; at < length; at = end) {
    end = at + nameFields.getUint16(at + DIRENT_LENGTH_AT, true);
    const start = at + DIRENT_NAME_AT;
    const bytes = names.subarray(start, names.indexOf(0, start));
    const name = decoded(bytes);
    if (name === undefined) found.others.push(new TextDecoder().decode(bytes));
    else if (name !== "." && name !== "..") found.names.push(name);
  }
}

/** @returns the two times for futimens(2), until the next call */
function timesOf(mtime: Timestamp): BigInt64Array<ArrayBuffer> {
  const nanos = nanosWithin(mtime, NANOS_PER_SECOND);
  times[2] = (mtime - nanos) / NANOS_PER_SECOND;
  times[3] = nanos;
  return times;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8Decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** @throws {SystemError} if a call has failed */
function checkResult(result: number): void {
  if (result < 0) throw lastError();
}

const errno = new Int32Array(1);

/** The error in errno; to be read before the next call. */
function lastError(): SystemError {
  calls().memcpy(errno, calls().__errno_location(), 4n);
  return new SystemError(errno[0] ?? 0);
}
