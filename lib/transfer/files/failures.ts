import { Failure, systemProblem } from "../../base/failure.ts";

/**
 * The failure to write `path` that an error amounts to.
 *
 * @param path undefined for standard output
 */
export function writeFailure(
  path: string | undefined,
  error: unknown,
): Failure {
  if (error instanceof Failure) return error;
  const problem = systemProblem(error);
  const unwritable = path === undefined ? { problem } : { path, problem };
  switch (problem.errno) {
    case "EEXIST":
      return new Failure({ code: "exists", path: path ?? "" });
    case "EISDIR":
      return new Failure({ code: "is-directory", path: path ?? "" });
    case "EROFS":
      return new Failure({ code: "read-only", ...unwritable });
    case "EACCES":
    case "EPERM":
      return new Failure({ code: "not-permitted", ...unwritable });
    case "ENOSPC":
    case "EDQUOT":
      return new Failure({ code: "disk-full", ...unwritable });
    case "EPIPE":
      return new Failure({ code: "output-closed", ...unwritable });
    default:
      return new Failure({ code: "cannot-write", ...unwritable });
  }
}

/** The failure to begin to read `path` that an error amounts to. */
export function readFailure(path: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const problem = systemProblem(error);
  return new Failure({ code: "cannot-read", path, problem });
}
