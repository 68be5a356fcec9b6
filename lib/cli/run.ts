import {
  type Command,
  type CommonOptions,
  parseCommand,
} from "./arguments/args.ts";
import { completionsFor } from "./arguments/completions.ts";
import { ErrorOutput } from "./terminal/error_output.ts";
import { EXIT_DONE } from "./exit_status.ts";
import { errorReportOf } from "./messages.ts";
import { helpText, VERSION } from "./arguments/help.ts";
import {
  listenForInterruption,
  surviveFileSizeLimit,
} from "./terminal/signals.ts";
import { JsonReporter } from "./reporting/json_reporter.ts";
import type { Reporter } from "./reporting/reporter.ts";
import { columns, StatusLine } from "./terminal/status_line.ts";
import { runSend } from "./send.ts";
import { TextReporter } from "./reporting/text_reporter.ts";

/**
 * Runs a command line. Every error becomes one line on standard error and an
 * exit status.
 *
 * @param args as in `Deno.args`
 * @returns the exit status
 */
export async function run(args: string[]): Promise<number> {
  const json = args.includes("--json");
  let reporter = reporterFor({
    json,
    quiet: false,
    trace: false,
    verbose: false,
  });
  const fail = (error: unknown) => {
    const report = errorReportOf(error);
    reporter.on({ type: "error", ...report });
    reporter.close();
    return report.status;
  };
  for (const type of ["error", "unhandledrejection"] as const) {
    globalThis.addEventListener(type, (event) => {
      event.preventDefault();
      Deno.exit(fail(event instanceof ErrorEvent ? event.error : event.reason));
    });
  }
  try {
    const command = parseCommand(args, environmentCode());
    if (command.name === "send" || command.name === "receive") {
      reporter = reporterFor(command);
    }
    await execute(command, reporter);
    reporter.close();
    return EXIT_DONE;
  } catch (error) {
    return fail(error);
  }
}

async function execute(command: Command, reporter: Reporter): Promise<void> {
  switch (command.name) {
    case "help": {
      if (command.topic !== "man") return print(helpText(command.topic));
      const { manualPage } = await import("./arguments/man.ts");
      return print(manualPage());
    }
    case "completions":
      return print(completionsFor(command.shell));
    case "version":
      return print(`ferry ${VERSION}\n`);
    case "send":
      return await runSend(command, reporter, listenForInterruption());
    case "receive": {
      // Not loaded for a sender, which starts sooner without it
      const { runReceive } = await import("./receive.ts");
      surviveFileSizeLimit();
      return await runReceive(command, reporter, listenForInterruption());
    }
  }
}

function reporterFor(
  { json, quiet, trace, verbose }: Pick<
    CommonOptions,
    "json" | "quiet" | "trace" | "verbose"
  >,
): Reporter {
  const output = new ErrorOutput();
  if (json) return new JsonReporter(output, { quiet });
  const terminal = Deno.stderr.isTerminal();
  const colour = terminal && !Deno.noColor;
  const style = { terminal, colour, quiet, verbose, trace, columns };
  return new TextReporter(
    new StatusLine(output, terminal ? columns : undefined),
    style,
  );
}

/** The code that the environment holds; undefined if none, or where it may not be read. */
function environmentCode(): string | undefined {
  const permission = { name: "env", variable: "FERRY_CODE" } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") return;
  return Deno.env.get(permission.variable) || undefined;
}

function print(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) {
      at += Deno.stdout.writeSync(bytes.subarray(at));
    }
  } catch {
    // The reader has closed standard output
  }
}
