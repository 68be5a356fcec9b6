import { displayJson } from "../../base/display_text.ts";
import type {
  Agreement,
  Listening,
  Progress,
  Summary,
} from "../../session/listener.ts";
import type { Offer } from "../../transfer/wire/messages.ts";
import { millisecondsOf } from "../../transfer/wire/timestamp.ts";
import type { Verdict } from "../exit_status.ts";
import type { Explanation, Span } from "./bottleneck.ts";
import type { Question } from "../terminal/questions.ts";
import type { Reporter } from "./reporter.ts";
import type { TextOutput } from "../terminal/status_line.ts";
import { overallRate } from "./summary.ts";

/** Milliseconds between two progress events. */
const INTERVAL = 500;

/** Tells a program on standard error: one JSON object a line. `README.md` lists the events. */
export class JsonReporter implements Reporter {
  readonly progressInterval: number | undefined;
  #output: TextOutput;
  #quiet: boolean;
  #peer: string | undefined;

  /**
   * @param options.quiet whether only errors are told
   * @param options.peer whose transfer this tells of, where there are several
   */
  constructor(output: TextOutput, options: { quiet: boolean; peer?: string }) {
    this.#output = output;
    this.#peer = options.peer;
    this.#quiet = options.quiet;
    if (!options.quiet) this.progressInterval = INTERVAL;
  }

  listening({ port, addresses, newCode: code }: Listening): void {
    const fields = { port, addresses, code };
    // A code that nobody is told is of no use
    if (code === undefined) this.#event("listening", fields);
    else this.#write("listening", fields);
  }

  waiting(address: string): void {
    this.#event("waiting", { address });
  }

  asking(peer: string): void {
    this.#event("asking", { address: peer });
  }

  connected(peer: string): void {
    this.#event("connected", { peer });
  }

  agreed({ mode, words }: Agreement): void {
    this.#event("agreed", { mode, words });
  }

  offered(offer: Offer, target: string | undefined): void {
    const { name, size, mode, tree } = offer;
    const mtime = offer.mtime === undefined
      ? undefined
      : millisecondsOf(offer.mtime);
    const entries = tree?.count;
    this.#event("offer", { name, size, mode, mtime, entries, target });
  }

  question({ about, request }: Question): void {
    if (about === "receiver") {
      const { peer, words, title } = request;
      this.#write("question", { about, address: peer, words, name: title });
      return;
    }
    const { peer, words, names, entries, files, size, target } = request;
    const fields = { words, names, entries, files, size, target };
    this.#write("question", { about, address: peer, ...fields });
  }

  answered({ about }: Question, accepted: boolean | undefined): void {
    const withdrawn = accepted === undefined ? true : undefined;
    this.#write("answer", { about, accepted, withdrawn });
  }

  progress(progress: Progress): void {
    const { bytes, size, entry, rate, time, rtt, resent } = progress;
    this.#event("progress", {
      bytes,
      size,
      entry,
      seconds: seconds(time),
      rate: Math.round(rate * 1000),
      rtt: rtt === undefined ? undefined : round(rtt, 3),
      resent: round(resent, 6),
    });
  }

  notice(message: string): void {
    this.#event("notice", { message });
  }

  trace(line: string): void {
    this.#output.gather(displayJson({ event: "trace", line }));
  }

  done(summary: Summary): void {
    const { name, files, bytes, kept, sha256, time } = summary;
    this.#event("done", {
      name,
      files,
      bytes,
      kept: kept || undefined,
      sha256,
      seconds: seconds(time),
      rate: Math.round(overallRate(summary) * 1000),
      datagrams: summary.datagramsSent,
      retransmissions: summary.retransmissions,
      duplicates: summary.duplicates,
    });
  }

  explained({ whole, course }: Explanation): void {
    this.#event("explanation", {
      ...spanFields(whole),
      course: course.map(spanFields),
    });
  }

  failed({ reason, message, status }: Verdict): void {
    this.#write("error", { reason, message, status });
  }

  close(): void {
    this.#output.flush();
  }

  transfer(peer: string): JsonReporter {
    return new JsonReporter(this.#output, { quiet: this.#quiet, peer });
  }

  #event(event: string, fields: Record<string, unknown>): void {
    if (!this.#quiet) this.#write(event, fields);
  }

  #write(event: string, fields: Record<string, unknown>): void {
    const peer = this.#peer;
    this.#output.write(`${displayJson({ event, peer, ...fields })}\n`);
  }
}

function spanFields({ time, rate, rtt, repeated, held, cpu }: Span) {
  return {
    seconds: seconds(time),
    rate: Math.round(rate * 1000),
    rtt: rtt === undefined ? undefined : round(rtt, 3),
    repeated: round(repeated, 6),
    cpu: round(cpu, 3),
    held: Object.fromEntries(
      held.map(({ by, share }) => [by, round(share, 4)]),
    ),
  };
}

function seconds(time: number): number {
  return round(time / 1000, 3);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
