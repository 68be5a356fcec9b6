import { dirname } from "node:path";
import { displayText } from "../../base/display_text.ts";
import type { Channel } from "../../endpoint/channel.ts";
import type { Watcher } from "../../session/options.ts";
import type { Summary } from "../../session/events.ts";
import { checkReach, isDirectory } from "../../transfer/files/file_status.ts";
import { writeFailure } from "../../transfer/files/failures.ts";
import { DEFAULT_CONTROLLER } from "../../protocol/congestion/controllers.ts";
import type { CommonOptions } from "../arguments/args.ts";
import { VERSION } from "../arguments/help.ts";
import { explain, limitedBy } from "./bottleneck.ts";
import { errorReportOf, UsageError } from "../messages.ts";
import { Sampler } from "./sampler.ts";
import { isQlog } from "./qlog.ts";
import { drawReport } from "./report.ts";
import type { Reporter } from "./reporter.ts";
import { details, headline } from "./summary.ts";

type ObserverOptions = Pick<
  CommonOptions,
  "verbose" | "report" | "congestion" | "security"
>;

/** Watches a transfer, where that is wanted, to tell at its end how it went: `--verbose` and `--report`. */
export class Observer implements Watcher {
  readonly #channel: Pick<Channel, "peer">;
  readonly #options: ObserverOptions;
  readonly #reporter: Reporter;
  readonly #sends: boolean;
  readonly #transfer: string | undefined;
  readonly #sampler: Sampler | undefined;

  /**
   * @param options.sends whether the content goes out rather than comes in
   * @param options.transfer where there are several: the peer of this one
   */
  constructor(
    channel: Channel,
    options: ObserverOptions,
    reporter: Reporter,
    { sends = false, transfer }: {
      sends?: boolean;
      transfer?: string | undefined;
    },
  ) {
    this.#channel = channel;
    this.#options = options;
    this.#reporter = reporter;
    this.#sends = sends;
    this.#transfer = transfer;
    if (
      options.verbose || options.report !== undefined && !isQlog(options.report)
    ) {
      this.#sampler = new Sampler(channel, sends);
    }
  }

  /** The handshake is complete. */
  start(): void {
    this.#sampler?.start();
  }

  /** The transfer is done: tells what was asked for. */
  async done(summary: Summary): Promise<void> {
    await this.#tell(headline(summary), details(summary));
  }

  /** The transfer has failed: tells what was asked for. */
  async failed(error: unknown): Promise<void> {
    await this.#tell(errorReportOf(error).message);
  }

  /** What a picture that is looked at later does not show. */
  #circumstances(): string {
    const { congestion = DEFAULT_CONTROLLER, security } = this.#options;
    const time = new Date().toISOString().replace(/T(.*)\..*/, " $1 UTC");
    return [
      `${this.#sends ? "To" : "From"} ${this.#channel.peer}`,
      time,
      `ferry ${VERSION}`,
      ...this.#sends ? [congestion] : [],
      security?.mode === "plain" ? "not encrypted" : "encrypted",
    ].join(", ");
  }

  async #tell(title: string, ...notes: string[]): Promise<void> {
    const series = this.#sampler?.stop();
    if (series === undefined || series.samples().length === 0) return;
    const { verbose, report } = this.#options;
    const explanation = explain(series, this.#sends);
    if (verbose) {
      const transfer = this.#transfer;
      this.#reporter.on({ type: "explanation", transfer, ...explanation });
    }
    if (report === undefined || isQlog(report)) return;
    const drawing = drawReport(series, this.#sends, {
      title: displayText(title),
      notes: [limitedBy(explanation.whole), ...notes, this.#circumstances()],
    });
    try {
      await Deno.writeTextFile(report, drawing);
    } catch {
      this.#reporter.on({ type: "report-not-written", path: report });
    }
  }
}

/**
 * Refuses a report for which there is no place, before anything is sent.
 *
 * @throws {Failure} if it cannot be written
 */
export async function checkReport(path: string | undefined): Promise<void> {
  if (path === undefined) return;
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
