import type { Limit } from "../../protocol/sending/limit_clock.ts";
import {
  formatMilliseconds,
  formatRate,
  formatSeconds,
  formatShare,
} from "../format.ts";
import type { Sample, TimeSeries } from "./sampler.ts";

/** What can hold a transfer back, as seen from the side that sends or the one that receives. */
export type Holdup = Limit | "sender" | "storage";

/** How much of a time what held a transfer back, the longest first. The shares add up to 1. */
export interface Held {
  readonly by: Holdup;
  readonly share: number;
}

/** What happened between two samples. */
export interface Span {
  /** Milliseconds since the beginning, at its end. */
  readonly time: number;
  /** Bytes per second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly rtt: number | undefined;
  /** Share of the datagrams that were sent again or came twice, 0 to 1. */
  readonly repeated: number;
  readonly held: readonly Held[];
  /** Cores' worth of CPU time. */
  readonly cpu: number;
}

/** The share of a core from which the process is limited by it. */
const CPU_LIMIT = 0.9;
/** Milliseconds below which beginning and end take most of the time. */
const MIN_TIME = 1000;
/** Smaller shares are not mentioned. */
const NEGLIGIBLE = 0.02;

const HOLDUP_WORDS: Record<Holdup, string> = {
  path: "the path (its bandwidth, delay and loss)",
  receiver: "the receiver (its disk or reader)",
  source: "the source here (disk or program)",
  rate: "--rate",
  cpu: "the CPU here",
  sender: "the sender or the path",
  storage: "the disk or reader here",
};

/** A transfer as a whole, and in its course. */
export interface Explanation {
  /** Whether the content went out rather than came in. */
  readonly sends: boolean;
  readonly whole: Span;
  /** One after the other, from the beginning to the end. */
  readonly course: readonly Span[];
}

const MAX_ROWS = 10;

/**
 * Explains how fast a transfer was.
 *
 * @param sends whether the content went out rather than came in
 */
export function explain(series: TimeSeries, sends: boolean): Explanation {
  const samples = series.samples(MAX_ROWS + 1);
  return {
    sends,
    whole: spanBetween(samples.at(0)!, samples.at(-1)!, sends),
    course: spansOf(samples, sends),
  };
}

/** What lies between each two samples. */
export function spansOf(samples: readonly Sample[], sends: boolean): Span[] {
  return samples.slice(1).map((to, i) => spanBetween(samples[i]!, to, sends));
}

function spanBetween(from: Sample, to: Sample, sends: boolean): Span {
  const time = Math.max(to.time - from.time, 1e-3);
  const datagrams = to.datagrams - from.datagrams;
  return {
    time: to.time,
    rate: 1000 * (to.bytes - from.bytes) / time,
    // A receiver sends nothing that would measure it after the first flight
    rtt: sends ? to.rtt : undefined,
    repeated: (to.repeated - from.repeated) / Math.max(1, datagrams),
    held: heldBetween(from, to, sends),
    cpu: (to.cpuTime - from.cpuTime) / time,
  };
}

/** A sender's connection measures what limits it; a receiver waits for the network or for its reader. */
function heldBetween(from: Sample, to: Sample, sends: boolean): Held[] {
  const time = to.time - from.time;
  const storing = Math.min(time, to.unreadTime - from.unreadTime);
  const times: [Holdup, number][] = sends
    ? (Object.keys(to.limited) as Limit[])
      .map((limit) => [limit, to.limited[limit] - from.limited[limit]])
    : [["storage", storing], ["sender", time - storing]];
  const sum = times.reduce((total, [, part]) => total + part, 0);
  return times
    .map(([by, part]) => ({ by, share: sum > 0 ? part / sum : 0 }))
    .filter(({ share }) => share > 0)
    .toSorted((a, b) => b.share - a.share);
}

/** What limited a transfer: one line for a person. */
export function limitedBy({ time, held, cpu }: Span): string {
  const parts = held
    .filter(({ share }) => share >= NEGLIGIBLE)
    .map(({ by, share }) => `${HOLDUP_WORDS[by]} ${formatShare(share)}`);
  const used = `${formatShare(cpu)} of one CPU core used here`;
  if (time < MIN_TIME) {
    return "It was over too soon to say what limited it";
  }
  // Then every wait is for this machine
  if (cpu >= CPU_LIMIT) return `Limited by the CPU here: ${used}`;
  const waits = parts.length > 0 ? parts.join(", ") : "nothing for long";
  return `Limited by ${waits}; ${used}`;
}

/**
 * The explanation as lines for a person: a table over time of 40 columns, and
 * last what limited the transfer. What only a sender measures, a receiver leaves
 * out.
 */
export function explanationLines(
  { sends, whole, course }: Explanation,
): string[] {
  if (whole.time < MIN_TIME) return [limitedBy(whole)];
  const row = (rate: string[], measured: string[], limit: string) =>
    [...rate, ...sends ? measured : []]
      .map((cell, i) => cell.padStart(WIDTHS[i]!)).join(" ") + ` ${limit}`;
  return [
    row(["time", "rate"], ["RTT", "resent"], "limited by"),
    ...course.map(({ time, rate, rtt, repeated, held, cpu }) =>
      row(
        [formatSeconds(time), formatRate(rate)],
        [
          rtt === undefined ? "" : formatMilliseconds(rtt),
          formatShare(repeated),
        ],
        cpu >= CPU_LIMIT ? "cpu" : held[0]?.by ?? "",
      )
    ),
    limitedBy(whole),
  ];
}

/** Columns of the table but for the last. */
const WIDTHS = [7, 10, 6, 6];
