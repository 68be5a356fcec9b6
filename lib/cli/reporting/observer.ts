import { dirname } from "node:path";
import { displayText } from "../../base/display_text.ts";
import { Failure } from "../../base/failure.ts";
import type { Channel } from "../../endpoint/channel.ts";
import type { Watcher } from "../../session/options.ts";
import type { Summary } from "../../session/listener.ts";
import { checkReach, isDirectory } from "../../transfer/files/file_status.ts";
import { storageFailure } from "../../transfer/system_errors.ts";
import type { CommonOptions } from "../arguments/args.ts";
import { explain, explanationLines } from "./bottleneck.ts";
import { verdictOf } from "../exit_status.ts";
import { Recorder } from "./sampler.ts";
import { drawReport } from "./report.ts";
import type { Reporter } from "./reporter.ts";
import { details, headline } from "./summary.ts";

/** Watches a transfer, where that is wanted, to tell at its end how it went: `--verbose` and `--report`. */
export class Observer implements Watcher {
  readonly #options: Pick<CommonOptions, "verbose" | "report">;
  readonly #reporter: Reporter;
  readonly #sends: boolean;
  readonly #recorder: Recorder | undefined;

  /** @param sends whether the content goes out rather than comes in */
  constructor(
    channel: Channel,
    options: Pick<CommonOptions, "verbose" | "report">,
    reporter: Reporter,
    sends: boolean,
  ) {
    this.#options = options;
    this.#reporter = reporter;
    this.#sends = sends;
    if (options.verbose || options.report !== undefined) {
      this.#recorder = new Recorder(channel, sends);
    }
  }

  /** The handshake is complete. */
  start(): void {
    this.#recorder?.start();
  }

  /** The transfer is done: tells what was asked for. */
  async done(summary: Summary): Promise<void> {
    await this.#tell(headline(summary), details(summary));
  }

  /** The transfer has failed: tells what was asked for. */
  async failed(error: unknown): Promise<void> {
    await this.#tell(verdictOf(error).message);
  }

  async #tell(title: string, ...notes: string[]): Promise<void> {
    const series = this.#recorder?.stop();
    if (series === undefined || series.samples().length === 0) return;
    const { verbose, report } = this.#options;
    const explanation = explain(series, this.#sends);
    if (verbose) this.#reporter.explained(explanation);
    if (report === undefined) return;
    const [limits] = explanationLines(explanation).toReversed();
    const drawing = drawReport(series, this.#sends, {
      title: displayText(title),
      notes: [limits, ...notes],
    });
    try {
      await Deno.writeTextFile(report, drawing);
    } catch {
      this.#reporter.notice(`The report could not be written to ${report}`);
    }
  }
}

/**
 * Refuses a report for which there is no place, before anything is sent.
 *
 * @throws {Failure} `input`
 */
export async function checkReport(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const directory = dirname(path);
  if (!isDirectory(directory)) {
    throw new Failure(
      "input",
      `Cannot write the report ${path}: there is no directory ${directory}`,
    );
  }
  await checkReach(directory).catch((error) => {
    const { message } = storageFailure(path, error);
    throw new Failure("input", message, { cause: error });
  });
}
