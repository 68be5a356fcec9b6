import { dirname } from "node:path";
import { displayText } from "../../base/display_text.ts";
import type { Channel } from "../../endpoint/channel.ts";
import type { TraceEvent } from "../../mod.ts";
import type { Watcher } from "../../session/options.ts";
import { checkReach, isDirectory } from "../../transfer/files/file_status.ts";
import { writeFailure } from "../../transfer/files/failures.ts";
import { DEFAULT_CONTROLLER } from "../../protocol/congestion/controllers.ts";
import type { ReceiveCommand, SendCommand } from "../arguments/args.ts";
import { VERSION } from "../arguments/help.ts";
import { explain, limitedBy } from "./bottleneck.ts";
import { errorReportOf, UsageError } from "../messages.ts";
import { Sampler } from "./sampler.ts";
import { Qlog } from "./qlog.ts";
import { drawReport } from "./report.ts";
import type { Reporter } from "./reporter.ts";
import { details, headline } from "./summary.ts";

type ObservedCommand = SendCommand | ReceiveCommand;

/** What observes the transfers of a command: for the options of a session. */
export interface Observer extends Disposable {
  readonly trace: ((event: TraceEvent) => void) | undefined;
  watch(channel: Channel): Watcher;
}

/**
 * Observes what a command transfers, for `--trace`, `--verbose` and `--report`.
 *
 * @throws {Failure} or {UsageError} if the report cannot be written
 */
export async function observe(
  command: ObservedCommand,
  reporter: Reporter,
): Promise<Observer> {
  const { trace, report } = command;
  if (report !== undefined) await checkReport(report);
  const qlog = isQlog(report)
    ? openQlog(report, command.name === "send", reporter)
    : undefined;
  const onDatagram = (datagram: TraceEvent) => {
    qlog?.trace(datagram);
    if (trace) reporter.on({ type: "trace", datagram });
  };
  return {
    trace: trace || qlog !== undefined ? onDatagram : undefined,
    watch: (channel) => {
      qlog?.watch(channel);
      return watcherOf(channel, command, reporter);
    },
    [Symbol.dispose]: () => qlog?.close(),
  };
}

/** Watches a transfer, where that is wanted, to tell at its end how it went. */
function watcherOf(
  channel: Channel,
  command: ObservedCommand,
  reporter: Reporter,
): Watcher {
  const { verbose, report, keep } = command;
  const picture = isQlog(report) ? undefined : report;
  const sends = command.name === "send";
  const isWatched = verbose || picture !== undefined;
  const sampler = isWatched ? new Sampler(channel, sends) : undefined;
  const tell = async (title: string, ...notes: string[]) => {
    const series = sampler?.stop();
    if (series === undefined || series.samples().length === 0) return;
    const explanation = explain(series, sends);
    if (verbose) {
      const transfer = keep ? channel.peer : undefined;
      reporter.on({ type: "explanation", transfer, ...explanation });
    }
    if (picture === undefined) return;
    const { peer } = channel;
    const drawing = drawReport(series, sends, {
      title: displayText(title),
      notes: [
        limitedBy(explanation.whole),
        ...notes,
        circumstances(command, peer),
      ],
    });
    try {
      await Deno.writeTextFile(picture, drawing);
    } catch {
      reporter.on({ type: "report-not-written", path: picture });
    }
  };
  return {
    start: () => sampler?.start(),
    done: (summary) => tell(headline(summary), details(summary)),
    failed: (error) => tell(errorReportOf(error).message),
  };
}

/** What a picture that is looked at later does not show. */
function circumstances(command: ObservedCommand, peer: string): string {
  const { name, congestion = DEFAULT_CONTROLLER, security } = command;
  const time = new Date().toISOString().replace(/T(.*)\..*/, " $1 UTC");
  return [
    `${name === "send" ? "To" : "From"} ${peer}`,
    time,
    `ferry ${VERSION}`,
    ...name === "send" ? [congestion] : [],
    security.mode === "plain" ? "not encrypted" : "encrypted",
  ].join(", ");
}

/** Whether a report is a qlog rather than a picture. */
function isQlog(path: string | undefined): path is string {
  return path?.endsWith(".qlog") ?? false;
}

function openQlog(path: string, sends: boolean, reporter: Reporter): Qlog {
  const onFailure = () => reporter.on({ type: "report-not-written", path });
  try {
    const file = Deno.openSync(path, {
      write: true,
      create: true,
      truncate: true,
    });
    return new Qlog(file, { sends, onFailure });
  } catch (error) {
    throw writeFailure(path, error).with({ atStart: true });
  }
}

/** Refuses a report for which there is no place, before anything is sent. */
async function checkReport(path: string): Promise<void> {
  const directory = dirname(path);
  if (!isDirectory(directory)) {
    throw new UsageError(
      `Cannot write the report ${path}: there is no directory ${directory}`,
    );
  }
  await checkReach(directory).catch((error) => {
    throw writeFailure(path, error).with({ atStart: true });
  });
}
