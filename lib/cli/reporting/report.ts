import type { Limit } from "../../protocol/connection/stats.ts";
import { drawChart, type Line, type Panel } from "./chart.ts";
import { type Holdup, type Span, spansOf } from "./bottleneck.ts";
import type { Sample, TimeSeries } from "./sampler.ts";

/** The text of a report. */
export interface Heading {
  /** What was sent or received, or why not. */
  readonly title: string;
  /** What limited it, and what else there is to know. */
  readonly notes: readonly string[];
}

/** Points of a line at most. */
const MAX_POINTS = 160;

const NAMES: Record<Holdup, string> = {
  path: "path",
  receiver: "receiver",
  source: "source",
  rate: "--rate",
  cpu: "CPU",
  sender: "sender or path",
  storage: "disk or reader",
};
const SENDING: readonly Limit[] = ["path", "receiver", "rate", "cpu", "source"];
const RECEIVING: readonly Holdup[] = ["sender", "storage"];

/**
 * Draws the course of a transfer as one self-contained SVG document.
 *
 * @param sends whether the content went out rather than came in
 */
export function drawReport(
  series: TimeSeries,
  sends: boolean,
  { title, notes }: Heading,
): string {
  const samples = series.samples(MAX_POINTS + 1);
  const spans = spansOf(samples, sends);
  return drawChart({
    title,
    notes,
    times: samples.map(({ time }) => time / 1000),
    panels: [
      ratePanel(spans, sends),
      ...sends ? [rttPanel(samples)] : [],
      sends ? windowPanel(samples) : unreadPanel(samples),
      repetitionPanel(samples, sends),
      holdupPanel(spans, sends),
    ],
  });
}

function ratePanel(spans: readonly Span[], sends: boolean): Panel {
  const rates = spans.map(({ rate }) => rate);
  const [unit, factor] = byteUnit(rates);
  return {
    title: sends
      ? "Rate of what the receiver acknowledged"
      : "Rate of what arrived",
    unit: `${unit}/s`,
    lines: [line("rate", 0, rates.map((rate) => rate / factor), true)],
  };
}

function rttPanel(samples: readonly Sample[]): Panel {
  const rtts = samples.slice(1).map(({ rtt }) => rtt);
  return {
    title: "Round trip (RTT)",
    unit: "ms",
    lines: [line("RTT", 3, rtts, false)],
  };
}

function windowPanel(samples: readonly Sample[]): Panel {
  const later = samples.slice(1);
  const windows = later.map(({ congestionWindow }) => congestionWindow);
  const flights = later.map(({ bytesInFlight }) => bytesInFlight);
  const [unit, factor] = byteUnit([...windows, ...flights]);
  const scaled = (values: number[]) => values.map((value) => value / factor);
  return {
    title: "Congestion window and bytes in flight",
    unit,
    lines: [
      line("congestion window", 1, scaled(windows), false),
      line("in flight", 0, scaled(flights), false),
    ],
  };
}

function unreadPanel(samples: readonly Sample[]): Panel {
  const unread = samples.slice(1).map((sample) => sample.unread);
  const [unit, factor] = byteUnit(unread);
  const values = unread.map((value) => value / factor);
  return {
    title: "Arrived and not taken yet",
    unit,
    lines: [line("unread", 1, values, false)],
  };
}

function repetitionPanel(samples: readonly Sample[], sends: boolean): Panel {
  const counts = samples.slice(1).map(({ time, repeated }, i) => {
    const before = samples[i]!;
    const seconds = (time - before.time) / 1000;
    return seconds > 0 ? (repeated - before.repeated) / seconds : 0;
  });
  return {
    title: sends ? "Retransmissions" : "Datagrams that came twice",
    unit: "datagrams/s",
    lines: [line("repeated", 1, counts, true)],
  };
}

function holdupPanel(spans: readonly Span[], sends: boolean): Panel {
  const shareOf = ({ held }: Span, holdup: Holdup) =>
    100 * (held.find(({ by }) => by === holdup)?.share ?? 0);
  return {
    title: "Held back by",
    unit: "% of the time",
    stacked: true,
    lines: (sends ? SENDING : RECEIVING).map((holdup, colour) =>
      line(
        NAMES[holdup],
        colour,
        spans.map((span) => shareOf(span, holdup)),
        true,
      )
    ),
  };
}

function line(
  label: string,
  colour: number,
  values: Line["values"],
  steps: boolean,
): Line {
  return { label, colour, values, steps };
}

/** The unit in which the largest value is a handy number, and the bytes in it. */
function byteUnit(values: readonly number[]): [string, number] {
  const max = Math.max(0, ...values);
  if (max >= 1e9) return ["GB", 1e9];
  if (max >= 1e6) return ["MB", 1e6];
  return max >= 1e3 ? ["kB", 1e3] : ["B", 1];
}
