import { displayJson } from "../../base/display_text.ts";
import { type Offer, titleOf } from "../../transfer/wire/messages.ts";
import { millisecondsOf } from "../../transfer/wire/timestamp.ts";
import {
  errorReportOf,
  isNotice,
  isOmission,
  noticeWords,
} from "../messages.ts";
import type { TextOutput } from "../terminal/status_line.ts";
import type { Span } from "./bottleneck.ts";
import {
  type CliEvent,
  type ErrorReport,
  type EventOf,
  type Question,
  type Reporter,
  traceLine,
} from "./reporter.ts";
import { overallRate } from "./summary.ts";

/** Writes events on standard error, one JSON object a line. `README.md` lists them. */
export function jsonReporter(
  output: TextOutput,
  { quiet }: { quiet: boolean },
): Reporter {
  return {
    progressInterval: quiet ? Infinity : 500,
    on: (event) => {
      const line = displayJson(jsonOf(event));
      if (event.type === "trace") output.gather(line);
      else if (!quiet || isNeeded(event)) output.write(`${line}\n`);
    },
    close: () => output.flush(),
  };
}

/** Whether it is reported even if only errors are: some waits for a person, some is not there. */
function isNeeded(event: CliEvent): boolean {
  return event.type === "error" || event.type === "failed" ||
    isOmission(event) ||
    event.type === "question" || event.type === "answer" ||
    // A code that nobody is told is of no use
    event.type === "listening" && event.newCode !== undefined;
}

type Fields = Record<string, unknown>;

/** An event as its JSON object; fields that are undefined are left out of it. */
function jsonOf(event: CliEvent): Fields {
  const { type, transfer: peer, ...data } = event;
  if (isNotice(event)) {
    const message = noticeWords(event);
    return { event: "notice", peer, code: type, ...data, message };
  }
  return { event: type, peer, ...(fieldsOf(event) ?? data) };
}

/** What is not simply the event's data; `undefined` if it is. */
function fieldsOf(event: CliEvent): Fields | undefined {
  switch (event.type) {
    case "listening": {
      const { newCode: code, meet } = event;
      return { ...pick(event, "port", "addresses"), code, meet: meet?.host };
    }
    case "mapped":
      return pick(event, "address", "port", "protocol", "gateway", "lifetime");
    case "pair":
      return {
        ...pick(event, "number", "sender", "receiver", "bytes", "met"),
        seconds: round(event.time / 1000, 3),
      };
    case "path":
      return { address: event.peer, ...pick(event, "direct", "through") };
    case "passed-over":
      return { address: event.address, ...event.failure };
    case "sending": {
      const { peer: address, offer } = event;
      return { address, ...offerOf(offer), name: titleOf(offer) };
    }
    case "agreed":
      return pick(event, "mode", "words", "cipher");
    case "offer": {
      const { offer, target } = event;
      const { mode, mtime } = offer;
      const modified = mtime === undefined ? undefined : millisecondsOf(mtime);
      return { ...offerOf(offer), mode, mtime: modified, target };
    }
    case "progress": {
      const { resent, silence, path } = event;
      return {
        ...pick(event, "bytes", "size", "entry", "files", "totalFiles"),
        ...ratesOf(event),
        resent: resent && round(resent, 6),
        silence: silence && round(silence / 1000, 3),
        direct: path?.direct,
      };
    }
    case "done":
      return summaryOf(event);
    case "question":
      return { about: event.about, ...requestOf(event) };
    case "answer": {
      const { about, accepted } = event;
      const withdrawn = accepted === undefined || undefined;
      return { about, accepted, withdrawn };
    }
    case "explanation":
      return { ...spanOf(event.whole), course: event.course.map(spanOf) };
    case "trace":
      return { line: traceLine(event.datagram) };
    case "failed":
      return { event: "error", ...errorOf(errorReportOf(event.failure)) };
    case "error":
      return errorOf(event);
    default:
      return undefined;
  }
}

function pick<T, K extends keyof T>(from: T, ...names: K[]): Fields {
  return Object.fromEntries(names.map((name) => [name, from[name]]));
}

function offerOf({ kind, names: [name], count, size }: Offer): Fields {
  return { name, size, entries: kind === "tree" ? count : undefined };
}

function summaryOf(event: EventOf<"done">): Fields {
  const { kept, existing, excluded, time, path } = event;
  return {
    ...pick(event, "name", "files", "bytes", "sha256"),
    kept: kept || undefined,
    existing: existing || undefined,
    excluded: excluded || undefined,
    ...ratesOf({ time, rate: overallRate(event) }),
    datagrams: event.datagramsSent,
    ...pick(event, "retransmissions", "duplicates"),
    direct: path?.direct,
    through: path?.through,
  };
}

function requestOf({ about, request }: Question): Fields {
  const { peer: address, words } = request;
  if (about === "receiver") return { address, words, name: request.title };
  return {
    address,
    words,
    ...pick(request, "names", "entries", "files", "size", "target"),
    ...request.existing.length > 0 && pick(request, "existing", "replaces"),
  };
}

function errorOf({ detail, message, status }: ErrorReport): Fields {
  return { ...detail, message, status };
}

function ratesOf(
  { time, rate, rtt }: { time: number; rate: number; rtt?: number | undefined },
) {
  return {
    seconds: round(time / 1000, 3),
    rate: Math.round(rate),
    rtt: rtt === undefined ? undefined : round(rtt, 3),
  };
}

function spanOf({ repeated, held, cpu, ...span }: Span) {
  return {
    ...ratesOf(span),
    repeated: round(repeated, 6),
    cpu: round(cpu, 3),
    held: Object.fromEntries(
      held.map(({ by, share }) => [by, round(share, 4)]),
    ),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
