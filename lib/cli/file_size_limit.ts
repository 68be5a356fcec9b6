/**
 * Has a write that goes beyond the limit on the size of files (`ulimit -f`) fail
 * with EFBIG, as on a disk that is full, instead of ending the process with no
 * word to the other side (setrlimit(2), RLIMIT_FSIZE).
 */
export function surviveFileSizeLimit(): void {
  try {
    Deno.addSignalListener("SIGXFSZ", () => {});
  } catch {
    // This system does not have it
  }
}
