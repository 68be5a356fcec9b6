import {
  type Failure,
  type KeepListener,
  receive,
  receiveAll,
} from "../mod.ts";
import { listenerOf } from "../session/listener.ts";
import { type Destination, standardOutput } from "../session/target.ts";
import { StdoutSink } from "../transfer/files/standard_streams.ts";
import type { ReceiveCommand } from "./args.ts";
import { verdictOf } from "./exit_status.ts";
import { checkReport, Observer } from "./observer.ts";
import type { Reporter } from "./reporter.ts";
import { traceLine } from "./trace_line.ts";

/**
 * Runs `ferry receive`.
 *
 * @param signal ends it
 * @throws {Failure} unless everything was stored
 */
export async function runReceive(
  command: ReceiveCommand,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  await checkReport(command.report);
  const trace = command.trace
    ? (event: Parameters<typeof traceLine>[0]) =>
      reporter.trace(traceLine(event))
    : undefined;
  const { directory } = command;
  if (command.keep && directory !== undefined) {
    const to = { directory, force: command.force };
    await receiveAll({
      ...command,
      to,
      on: keepListener(reporter),
      signal,
      trace,
      watch: (channel) =>
        new Observer(channel, command, reporter.transfer(channel.peer), false),
    });
  }
  await receive({
    ...command,
    to: destinationOf(command, reporter),
    on: reporter,
    signal,
    trace,
    watch: (channel) => new Observer(channel, command, reporter, false),
  });
}

/** Tells of each transfer apart. */
function keepListener(reporter: Reporter): KeepListener {
  return {
    listening: (where) => reporter.listening(where),
    notice: (text) => reporter.notice(text),
    transfer: (peer) => {
      const one = reporter.transfer(peer);
      const failed = (failure: Failure) => one.failed(verdictOf(failure));
      return { ...listenerOf(one), failed };
    },
  };
}

function destinationOf(
  { output, directory, force }: ReceiveCommand,
  reporter: Reporter,
): Destination {
  if (output !== undefined && output !== "-") return { file: output, force };
  const toStdout = output === "-" ||
    directory === undefined && !Deno.stdout.isTerminal();
  if (!toStdout) return { directory: directory ?? ".", force };
  if (StdoutSink.goesNowhere()) {
    reporter.notice(
      "Standard output is closed or thrown away, so nothing of what comes will be kept; -o FILE keeps it",
    );
  }
  return standardOutput();
}
