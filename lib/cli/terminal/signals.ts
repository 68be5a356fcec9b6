import { setTimeout } from "node:timers";
import { Failure } from "../../base/failure.ts";
import { exitStatusOf } from "../exit_status.ts";

const SIGNALS: [Deno.Signal, number][] = [
  ["SIGINT", 2],
  ["SIGTERM", 15],
  ["SIGHUP", 1],
];

/** Milliseconds in which things end in order, if they do at all: all they wait for has shorter limits. */
const MAX_ENDING = 9000;

/**
 * Listens for the signals that ask a process to end. The first one aborts the
 * signal that is returned, with a {@linkcode Failure}, so that things end in
 * order, for which there is a limit; the second ends the process at once.
 *
 * @param limit in milliseconds
 */
export function listenForInterruption(limit = MAX_ENDING): AbortSignal {
  const controller = new AbortController();
  for (const [name, number] of SIGNALS) {
    const onSignal = () => {
      const failure = new Failure({ code: "interrupted", signal: number });
      const exit = () => Deno.exit(exitStatusOf(failure.detail));
      if (controller.signal.aborted) exit();
      setTimeout(exit, limit).unref();
      controller.abort(failure);
    };
    try {
      Deno.addSignalListener(name, onSignal);
    } catch {
      // This system does not have it
    }
  }
  return controller.signal;
}

/**
 * Makes a write beyond the limit on the size of files (`ulimit -f`) fail with
 * EFBIG, as on a full disk, instead of ending the process without a message to
 * the other side (setrlimit(2), RLIMIT_FSIZE).
 */
export function surviveFileSizeLimit(): void {
  try {
    Deno.addSignalListener("SIGXFSZ", () => {});
  } catch {
    // This system does not have it
  }
}
