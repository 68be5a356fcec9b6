import { firstOf } from "../base/async.ts";
import { type Consent, receive, serve, type SessionEvent } from "../mod.ts";
import { type Destination, standardOutput } from "../session/destination.ts";
import { isOutputNull } from "../transfer/files/standard_streams.ts";
import type { ReceiveCommand } from "./arguments/args.ts";
import { observe } from "./reporting/observer.ts";
import { Questions } from "./terminal/questions.ts";
import type { Reporter } from "./reporting/reporter.ts";
import { IdleTimer, QuietTimer } from "./terminal/waiting.ts";
import { Terminal } from "./terminal/terminal.ts";

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
  using observer = await observe(command, reporter);
  const { dir, keep } = command;
  using quiet = new QuietTimer(reporter);
  using idle = new IdleTimer(keep ? command.wait : undefined);
  const options = {
    ...command,
    maxRate: command.rate,
    on: (event: SessionEvent) => {
      quiet.on(event);
      idle.on(event);
      reporter.on(event);
    },
    progressInterval: reporter.progressInterval,
    signal: firstOf([signal, idle.over]),
    trace: observer.trace,
    watch: observer.watch,
  };
  if (keep && dir !== undefined) {
    const to = inDirectory(dir, command);
    const consent = consentOf(command, to, reporter);
    const { finished } = await serve({ ...options, consent, to });
    await finished;
    signal.throwIfAborted();
    return idle.throwIfInVain();
  }
  const to = destinationOf(command, reporter);
  await receive({ ...options, consent: consentOf(command, to, reporter), to });
}

function destinationOf(
  command: ReceiveCommand,
  reporter: Reporter,
): Destination {
  const { output, dir, force = false } = command;
  if (output !== undefined && output !== "-") return { file: output, force };
  const toStdout = output === "-" ||
    dir === undefined && !Deno.stdout.isTerminal();
  if (!toStdout) return inDirectory(dir, command);
  if (isOutputNull()) {
    reporter.on({ type: "output-discarded" });
  }
  return standardOutput();
}

function inDirectory(
  directory = ".",
  { force = false, rename = false }: ReceiveCommand,
) {
  return { directory, force, rename };
}

/**
 * Who decides on what is offered without a code under a name of the sender's choice:
 * a person, if there is a terminal.
 */
function consentOf(
  { yes, security }: ReceiveCommand,
  to: Destination,
  reporter: Reporter,
): Consent | undefined {
  if (yes) return "yes";
  if (security?.mode === "code" || !("directory" in to)) return undefined;
  const terminal = Terminal.open(false);
  if (terminal === undefined) return undefined;
  const questions = new Questions(terminal, reporter);
  return (request, withdrawn) =>
    questions.ask({ about: "offer", request }, withdrawn);
}
