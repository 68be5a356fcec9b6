import { displayJson } from "../../base/display_text.ts";
import { titleOf } from "../../transfer/wire/messages.ts";
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
  type Reporter,
  traceLine,
} from "./reporter.ts";
import { overallRate } from "./summary.ts";

/** Writes events on standard error, one JSON object a line. `README.md` lists them. */
export class JsonReporter implements Reporter {
  readonly progressInterval: number;
  readonly #output: TextOutput;
  readonly #quiet: boolean;

  /** @param options.quiet whether only errors are reported */
  constructor(output: TextOutput, { quiet }: { quiet: boolean }) {
    this.#output = output;
    this.#quiet = quiet;
    this.progressInterval = quiet ? Infinity : 500;
  }

  on(event: CliEvent): void {
    if (event.type === "trace") {
      this.#output.gather(displayJson(jsonOf(event)));
    } else if (!this.#quiet || isNeeded(event)) {
      this.#output.write(`${displayJson(jsonOf(event))}\n`);
    }
  }

  close(): void {
    this.#output.flush();
  }
}

/** Whether it is reported even if only errors are: some waits for a person, some is not there. */
function isNeeded(event: CliEvent): boolean {
  return event.type === "error" || event.type === "failed" ||
    isOmission(event) ||
    event.type === "question" || event.type === "answer" ||
    // A code that nobody is told is of no use
    event.type === "listening" && event.newCode !== undefined;
}

/** An event as its JSON object; fields that are undefined are left out of it. */
export function jsonOf(event: CliEvent): Record<string, unknown> {
  const { type } = event;
  const peer = "transfer" in event ? event.transfer : undefined;
  if (isNotice(event)) {
    const { type: code, transfer: _, ...data } = event as
      & typeof event
      & { transfer?: string };
    return {
      event: "notice",
      peer,
      code,
      ...data,
      message: noticeWords(event),
    };
  }
  switch (event.type) {
    case "start":
      return { event: type, version: event.version, command: event.command };
    case "listening": {
      const { port, addresses, newCode: code, meet } = event;
      return { event: type, port, addresses, code, meet: meet?.host };
    }
    case "meeting":
      return { event: type, port: event.port, addresses: event.addresses };
    case "pair": {
      const { number, sender, receiver, bytes, time, met } = event;
      const seconds = round(time / 1000, 3);
      return { event: type, number, sender, receiver, bytes, seconds, met };
    }
    case "path": {
      const { direct, through, peer: address } = event;
      return { event: type, peer, address, direct, through };
    }
    case "waiting": {
      const { address, refused, seconds } = event;
      return { event: type, address, refused, seconds };
    }
    case "mapped": {
      const { address, port, protocol, gateway, lifetime } = event;
      return { event: type, address, port, protocol, gateway, lifetime };
    }
    case "searching":
      return { event: type, number: event.number };
    case "passed-over": {
      const { address, failure } = event;
      return { event: type, address, ...failure };
    }
    case "found":
    case "asking":
      return { event: type, address: event.address };
    case "sending": {
      const { peer: address, offer } = event;
      const { kind, count, size } = offer;
      const entries = kind === "tree" ? count : undefined;
      return { event: type, address, name: titleOf(offer), size, entries };
    }
    case "connected":
      return { event: type, peer: event.peer };
    case "agreed":
      return {
        event: type,
        peer,
        mode: event.mode,
        words: event.words,
        cipher: event.cipher,
      };
    case "offer":
      return { event: type, peer, ...offerOf(event) };
    case "progress":
      return {
        event: type,
        peer,
        bytes: event.bytes,
        size: event.size,
        entry: event.entry,
        files: event.files,
        totalFiles: event.totalFiles,
        ...ratesOf(event),
        resent: event.resent === undefined ? undefined : round(event.resent, 6),
        silence: event.silence === undefined
          ? undefined
          : round(event.silence / 1000, 3),
        direct: event.path?.direct,
      };
    case "done":
      return { event: type, peer, ...summaryOf(event) };
    case "question":
      return { event: type, about: event.about, ...requestOf(event) };
    case "answer": {
      const { about, accepted } = event;
      const withdrawn = accepted === undefined ? true : undefined;
      return { event: type, about, accepted, withdrawn };
    }
    case "explanation":
      return {
        event: type,
        peer,
        ...spanOf(event.whole),
        course: event.course.map(spanOf),
      };
    case "trace":
      return { event: type, line: traceLine(event.datagram) };
    case "failed":
      return errorOf(errorReportOf(event.failure), peer);
    case "error":
      return errorOf(event);
  }
}

function offerOf({ offer, target }: EventOf<"offer">) {
  const { kind, names: [name], count, size, mode } = offer;
  const mtime = offer.mtime === undefined
    ? undefined
    : millisecondsOf(offer.mtime);
  const entries = kind === "tree" ? count : undefined;
  return { name, size, mode, mtime, entries, target };
}

function summaryOf(event: EventOf<"done">) {
  return {
    name: event.name,
    files: event.files,
    bytes: event.bytes,
    kept: event.kept || undefined,
    existing: event.existing || undefined,
    excluded: event.excluded || undefined,
    sha256: event.sha256,
    ...ratesOf({ time: event.time, rate: overallRate(event) }),
    datagrams: event.datagramsSent,
    retransmissions: event.retransmissions,
    duplicates: event.duplicates,
    direct: event.path?.direct,
    through: event.path?.through,
  };
}

function requestOf(event: EventOf<"question">) {
  if (event.about === "receiver") {
    const { peer: address, words, title: name } = event.request;
    return { address, words, name };
  }
  const { peer: address, existing, replaces, ...request } = event.request;
  const { words, names, entries, files, size, target } = request;
  return {
    address,
    words,
    names,
    entries,
    files,
    size,
    target,
    ...existing.length > 0 && { existing, replaces },
  };
}

function errorOf(
  { detail, message, status }: ErrorReport,
  peer?: string,
): Record<string, unknown> {
  return { event: "error", peer, ...detail, message, status };
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
