import { resolve } from "node:path";
import { displayName } from "../base/display_text.ts";
import { type Command, parseCommand } from "./arguments/args.ts";
import { completionsFor } from "./arguments/completions.ts";
import { Output } from "./terminal/output.ts";
import { EXIT_DONE } from "./exit_status.ts";
import { errorReportOf } from "./messages.ts";
import { helpText, VERSION } from "./arguments/help.ts";
import type { Values } from "./arguments/options.ts";
import {
  listenForInterruption,
  surviveFileSizeLimit,
} from "./terminal/signals.ts";
import { jsonReporter } from "./reporting/json_reporter.ts";
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
  let reporter = reporterFor({ json: args.includes("--json") });
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
    const command = parseCommand(args, {
      code: variable("FERRY_CODE"),
      token: variable("FERRY_TOKEN"),
    });
    if ("port" in command) {
      const keeps = command.name === "meet" || command.keep;
      reporter = reporterFor(command, { keeps, place: placeOf(command) });
    }
    reporter.on({ type: "start", version: VERSION, command: command.name });
    await execute(command, reporter);
    reporter.close({ interrupted: command.name === "meet" });
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
    case "meet": {
      const { hostMeeting } = await import("../session/meeting/host.ts");
      return await hostMeeting({
        ...command,
        relayRate: command["relay-rate"],
        relays: !command["no-relay"],
        signal: listenForInterruption(),
        on: (event) => reporter.on(event),
      });
    }
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
  { json, quiet = false, verbose = false, trace = false }: Values,
  { keeps = false, place }: {
    keeps?: boolean | undefined;
    place?: string | undefined;
  } = {},
): Reporter {
  const output = new Output(Deno.stderr);
  if (json) return jsonReporter(output, { quiet });
  const terminal = Deno.stderr.isTerminal();
  const redraws = terminal && variable("TERM") !== "dumb";
  const colour = redraws && !Deno.noColor;
  return new TextReporter(
    new StatusLine(output, terminal ? columns : undefined, redraws),
    {
      terminal,
      redraws,
      colour,
      unicode: isUnicode(),
      quiet,
      verbose,
      trace,
      columns,
      place,
      clock: keeps && !terminal ? () => new Date() : undefined,
    },
  );
}

/** Whether the locale has characters beyond ASCII; where it is not known, it has. */
function isUnicode(): boolean {
  const locale = variable("LC_ALL") ?? variable("LC_CTYPE") ?? variable("LANG");
  return locale === undefined || /utf-?8/i.test(locale);
}

/** A variable of the environment; undefined if it is empty or may not be read. */
function variable(name: string): string | undefined {
  const permission = { name: "env", variable: name } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") return;
  return Deno.env.get(name) || undefined;
}

/** Where a receiver saves, for a person: as which file or in which directory. */
function placeOf(command: Command): string | undefined {
  if (command.name !== "receive") return undefined;
  const { output, dir } = command;
  if (output === "-") return undefined;
  if (output !== undefined) return `as ${displayName(resolve(output))}`;
  if (dir !== undefined) return `in ${displayName(resolve(dir))}`;
  return Deno.stdout.isTerminal() ? `in ${displayName(Deno.cwd())}` : undefined;
}

function print(text: string): void {
  new Output(Deno.stdout).write(text);
}
