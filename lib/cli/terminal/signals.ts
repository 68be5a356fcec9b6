import { Interrupted } from "../exit_status.ts";

const SIGNALS: [Deno.Signal, number][] = [
  ["SIGINT", 2],
  ["SIGTERM", 15],
  ["SIGHUP", 1],
];

/**
 * Listens for the signals that ask a process to end. The first one aborts the
 * signal that is returned, with an {@linkcode Interrupted}, so that things end
 * in order; the second ends the process at once.
 */
export function listenForInterruption(): AbortSignal {
  const controller = new AbortController();
  for (const [name, number] of SIGNALS) {
    const onSignal = () => {
      const interrupted = new Interrupted(number);
      if (controller.signal.aborted) Deno.exit(interrupted.status);
      controller.abort(interrupted);
    };
    try {
      Deno.addSignalListener(name, onSignal);
    } catch {
      // This system does not have it
    }
  }
  return controller.signal;
}
