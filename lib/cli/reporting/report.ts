import type { Limit } from "../../protocol/sending/limit_clock.ts";
import { drawChart, type Line, type Panel } from "./chart.ts";
import { type Holdup, type Span, spansOf } from "./bottleneck.ts";
import type { Sample, TimeSeries } from "./sampler.ts";

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
      inBytes({
        title: sends
          ? "Rate of what the receiver acknowledged"
          : "Rate of what arrived",
        unit: "/s",
        lines: [line("rate", 0, spans.map(({ rate }) => rate), true)],
      }),
      ...statePanels(samples.slice(1), sends),
      {
        title: sends ? "Retransmissions" : "Datagrams that came twice",
        unit: "datagrams/s",
        lines: [line("repeated", 1, repetitionRates(samples), true)],
      },
      {
        title: "Held back by",
        unit: "% of the time",
        stacked: true,
        lines: holdupLines(spans, sends),
      },
    ],
  });
}

/** What is so at a time, rather than since the time before. */
function statePanels(samples: readonly Sample[], sends: boolean): Panel[] {
  const values = (
    name: "rtt" | "congestionWindow" | "bytesInFlight" | "unread",
  ) => samples.map((sample) => sample[name]);
  if (!sends) {
    return [inBytes({
      title: "Arrived and not taken yet",
      unit: "",
      lines: [line("unread", 1, values("unread"))],
    })];
  }
  return [
    {
      title: "Round trip (RTT)",
      unit: "ms",
      lines: [line("RTT", 3, values("rtt"))],
    },
    inBytes({
      title: "Congestion window and bytes in flight",
      unit: "",
      lines: [
        line("congestion window", 1, values("congestionWindow")),
        line("in flight", 0, values("bytesInFlight")),
      ],
    }),
  ];
}

function repetitionRates(samples: readonly Sample[]): number[] {
  return samples.slice(1).map(({ time, repeated }, i) => {
    const before = samples[i]!;
    const seconds = (time - before.time) / 1000;
    return seconds > 0 ? (repeated - before.repeated) / seconds : 0;
  });
}

function holdupLines(spans: readonly Span[], sends: boolean): Line[] {
  return (sends ? SENDING : RECEIVING).map((holdup, colour) => {
    const shares = spans.map(({ held }) =>
      100 * (held.find(({ by }) => by === holdup)?.share ?? 0)
    );
    return line(NAMES[holdup], colour, shares, true);
  });
}

function line(
  label: string,
  colour: number,
  values: Line["values"],
  steps = false,
): Line {
  return { label, colour, values, steps };
}

/** A panel of bytes in the unit in which the largest value is a handy number. */
function inBytes({ title, unit, lines }: Panel): Panel {
  const values = lines.flatMap(({ values }) =>
    values.map((value = 0) => value)
  );
  const max = Math.max(...values);
  const [prefix, factor] = UNITS.find(([, factor]) => max >= factor) ?? ["", 1];
  const scaled = lines.map((line) => ({
    ...line,
    values: line.values.map((value) => value && value / factor),
  }));
  return { title, unit: `${prefix}B${unit}`, lines: scaled };
}

const UNITS = [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const;
