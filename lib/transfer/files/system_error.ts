/** Linux's error numbers (asm-generic/errno-base.h, errno.h), the same on x86-64 and aarch64. */
const ERRNO_NAMES: Record<number, string> = {
  1: "EPERM",
  2: "ENOENT",
  4: "EINTR",
  5: "EIO",
  9: "EBADF",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  16: "EBUSY",
  17: "EEXIST",
  18: "EXDEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  27: "EFBIG",
  28: "ENOSPC",
  29: "ESPIPE",
  30: "EROFS",
  31: "EMLINK",
  32: "EPIPE",
  36: "ENAMETOOLONG",
  38: "ENOSYS",
  39: "ENOTEMPTY",
  40: "ELOOP",
  75: "EOVERFLOW",
  84: "EILSEQ",
  95: "EOPNOTSUPP",
  116: "ESTALE",
  122: "EDQUOT",
};

/** An error that the system reported. */
export class SystemError extends Error {
  override name = "SystemError";
  /** As in errno(3), `ENOENT` for instance. */
  readonly code: string;

  /** @param code a name, or a number of Linux */
  constructor(code: string | number) {
    const name = typeof code === "string"
      ? code
      : ERRNO_NAMES[code] ?? `E${code}`;
    super(name);
    this.code = name;
  }
}

/** The code of an error; empty if it has none. */
export function codeOf(error: unknown): string {
  return (error as { code?: string } | null)?.code ?? "";
}
