import {
  type Failure,
  type KeepListener,
  receive,
  receiveAll,
} from "../mod.ts";
import type { Consent } from "../session/consent.ts";
import { listenerOf } from "../session/listener.ts";
import { type Destination, standardOutput } from "../session/target.ts";
import { StdoutSink } from "../transfer/files/reading/standard_streams.ts";
import type { ReceiveCommand } from "./arguments/args.ts";
import { verdictOf } from "./exit_status.ts";
import { checkReport, Observer } from "./reporting/observer.ts";
import { Questions } from "./terminal/questions.ts";
import type { Reporter } from "./reporting/reporter.ts";
import { Terminal } from "./terminal/terminal.ts";
import { traceLine } from "./reporting/trace_line.ts";

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
  const consent = consentOf(command, reporter);
  if (command.keep && directory !== undefined) {
    const to = { directory, force: command.force };
    await receiveAll({
      ...command,
      to,
      consent,
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
    consent,
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

/** Who decides on what is offered without a code: a person, if there is a terminal. */
function consentOf(
  { yes }: ReceiveCommand,
  reporter: Reporter,
): Consent | undefined {
  if (yes) return "yes";
  const terminal = Terminal.open(false);
  if (terminal === undefined) return undefined;
  const questions = new Questions(terminal, reporter);
  return (request, withdrawn) =>
    questions.ask({ about: "offer", request }, withdrawn);
}
