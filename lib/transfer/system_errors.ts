import { StorageFailure, type StorageProblem } from "./content.ts";

const PROBLEMS: Record<string, StorageProblem> = {
  EEXIST: "exists",
  EISDIR: "directory",
  EROFS: "readonly",
  EACCES: "denied",
  EPERM: "denied",
  ENOSPC: "full",
  EDQUOT: "full",
  EPIPE: "closed",
};

const WORDS: Record<string, string> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "a part of the path is not a directory",
  EISDIR: "it is a directory",
  EACCES: "permission denied",
  EPERM: "the system does not permit it",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG:
    "the file is too large for the file system, or for the limit on files (ulimit -f)",
  EPIPE: "it was closed by whoever read it",
  EIO: "the device reports an error",
  ELOOP: "it is a link, and no link is followed there",
  ENOTEMPTY: "a directory there is not empty",
  EMFILE: "too many files are open",
  EINVAL: "the system does not take that",
  EILSEQ: "the file system does not take such a name",
};

/** What a person is told of an error that the system reported. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "NotCapable") return explainPermission(error.message);
  return WORDS[codeOf(error)] ?? error.message.replace(/ \(os error.*/s, "");
}

/** What a person is told of what the runtime does not permit. */
function explainPermission(message: string): string {
  // Not even with leave to read and write everything
  return message.includes("--allow-all")
    ? "ferry's runtime opens nothing below /dev, /proc and /sys; use another place, a pipe or a redirection"
    : `ferry's runtime ${message.replace(/^R/, "r")}`;
}

/** The failure to write `path` that an error of the system amounts to. */
export function storageFailure(path: string, error: unknown): StorageFailure {
  if (error instanceof StorageFailure) return error;
  return new StorageFailure(
    PROBLEMS[codeOf(error)] ?? "unusable",
    `Cannot write ${path}: ${explain(error)}`,
  );
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | null)?.code ?? "";
}
