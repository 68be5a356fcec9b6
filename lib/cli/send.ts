import type { ConfirmReceiver } from "../session/consent.ts";
import { send } from "../session/send.ts";
import { inputSource } from "../transfer/files/standard_streams.ts";
import type { SendCommand } from "./arguments/args.ts";
import { observe } from "./reporting/observer.ts";
import { askCode, Questions } from "./terminal/questions.ts";
import type { Reporter } from "./reporting/reporter.ts";
import { Terminal } from "./terminal/terminal.ts";

/**
 * Runs `ferry send`.
 *
 * @param signal ends it
 * @throws {Failure} unless the receiver has stored everything
 */
export async function runSend(
  command: SendCommand,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  using observer = await observe(command, reporter);
  const { host, paths, resume = false } = command;
  const fromStdin = paths.length === 0;
  const terminal = Terminal.open(fromStdin);
  if (fromStdin && Deno.stdin.isTerminal()) {
    reporter.on({ type: "typing" });
  }
  await send(host, {
    ...command,
    maxRate: command.rate,
    wait: command.wait ?? (waitsForever(command) ? Infinity : undefined),
    content: fromStdin ? inputSource({ resume }) : paths,
    on: (event) => reporter.on(event),
    progressInterval: reporter.progressInterval,
    signal,
    askCode: () => askCode(terminal, signal),
    confirm: confirmation(command, reporter, terminal),
    trace: observer.trace,
    watch: observer.watch,
  });
}

/** Asks whether to send without a code; undefined where nobody can be asked. */
function confirmation(
  { yes }: SendCommand,
  reporter: Reporter,
  terminal: Terminal | undefined,
): ConfirmReceiver | undefined {
  if (yes || terminal === undefined) return undefined;
  const questions = new Questions(terminal, reporter);
  return (request, withdrawn) =>
    questions.ask({ about: "receiver", request }, withdrawn);
}

/** Whether a person ends the wait for the receiver. Where it is looked for, it is there or not. */
function waitsForever({ near, meet }: SendCommand): boolean {
  return !near && meet === undefined && Deno.stderr.isTerminal();
}
