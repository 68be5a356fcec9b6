import { broken } from "../terminal/status_line.ts";

/** One quantity over time. */
export interface Line {
  readonly label: string;
  /** Which of the {@linkcode COLOURS}. */
  readonly colour: number;
  /** One for each time; what is not known leaves a gap. */
  readonly values: readonly (number | undefined)[];
  /** Whether a value holds since the time before, as a rate does, rather than at its time. */
  readonly steps: boolean;
}

/** A row of the picture: quantities of one unit, from 0 on. */
export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
  /** Whether the lines are shares of a whole, one on top of the other. */
  readonly stacked?: boolean;
}

/** A picture: panels one above the other over one axis of time. */
export interface Chart {
  readonly title: string;
  /** What is said below the title. */
  readonly notes: readonly string[];
  /** Seconds, growing, from 0 on: one more than each line has values if there are steps to begin. */
  readonly times: readonly number[];
  readonly panels: readonly Panel[];
}

/** For light and for dark backgrounds; told apart also by those who see few colours. */
export const COLOURS = [
  ["#0072b2", "#56b4e9"],
  ["#d55e00", "#e69f00"],
  ["#009e73", "#2fc99b"],
  ["#aa4499", "#e08fd0"],
  ["#777777", "#aaaaaa"],
] as const;

// All in pixels.
const CHART_WIDTH = 960;
const LEFT = 76;
const RIGHT = 24;
const PLOT = CHART_WIDTH - LEFT - RIGHT;
const HEIGHT = 120;
const PANEL_TITLE = 40;
const TITLE_LINE = 24;
const TITLE_CHARACTERS = 72;
const NOTE = 20;
const NOTE_CHARACTERS = 130;
const AXIS = 52;
const CHARACTER = 7;

const STYLE = [
  `text{font:12px system-ui,"DejaVu Sans",sans-serif;fill:#333}`,
  `.title{font-size:18px;font-weight:600}.panel{font-weight:600}`,
  `.ground{fill:#fff}.grid{stroke:#ddd;stroke-width:1}.y{text-anchor:end}`,
  `.x{text-anchor:middle}.line{fill:none;stroke-width:1.5;stroke-linejoin:round}`,
  ...COLOURS.map(([colour], i) => colourStyle(i, colour)),
  `@media(prefers-color-scheme:dark){text{fill:#ddd}.ground{fill:#16181c}.grid{stroke:#3a3d44}`,
  ...COLOURS.map(([, colour], i) => colourStyle(i, colour)),
  `}`,
].join("");

function colourStyle(index: number, colour: string): string {
  return `.s${index}{stroke:${colour}}.f${index}{fill:${colour}}`;
}

/** The picture as one self-contained SVG document. */
export function drawChart(chart: Chart): string {
  const title = broken(chart.title, TITLE_CHARACTERS).split("\n");
  const notes = chart.notes.flatMap((note) =>
    broken(note, NOTE_CHARACTERS).split("\n")
  );
  const titleEnd = 16 + title.length * TITLE_LINE;
  const head = titleEnd + notes.length * NOTE;
  const row = PANEL_TITLE + HEIGHT;
  const height = head + chart.panels.length * row + AXIS;
  const end = Math.max(chart.times.at(-1) ?? 0, 1e-3);
  const x = (time: number) => LEFT + PLOT * time / end;
  const xTicks = ticks(end, 9);
  const panels = chart.panels.map((panel, i) => {
    const top = head + i * row + PANEL_TITLE;
    return drawPanel(panel, top, chart.times.map(x), xTicks.map(x));
  });
  const foot = head + chart.panels.length * row;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${CHART_WIDTH} ${height}" width="${CHART_WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(chart.title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${CHART_WIDTH}" height="${height}"/>`,
    ...title.map((line, i) => text(LEFT, 30 + i * TITLE_LINE, line, "title")),
    ...notes.map((note, i) => text(LEFT, titleEnd + 12 + i * NOTE, note)),
    ...panels,
    ...xTicks.map((tick) => text(x(tick), foot + 18, label(tick), "x")),
    text(LEFT + PLOT / 2, foot + 40, "seconds", "x"),
    `</svg>`,
    "",
  ].join("\n");
}

function drawPanel(
  panel: Panel,
  top: number,
  xs: readonly number[],
  gridXs: readonly number[],
): string {
  const { title, unit, lines, stacked = false } = panel;
  const bottom = top + HEIGHT;
  const known = lines.flatMap(({ values }) => values)
    .filter((value) => value !== undefined);
  const yTicks = stacked ? [0, 50, 100] : ticks(Math.max(...known, 0) || 1, 5);
  const max = stacked ? 100 : Math.max(...known, ...yTicks);
  const y = (value: number) => bottom - HEIGHT * value / max;
  const shapes = stacked
    ? drawStack(lines, xs, y)
    : lines.map((line) => drawLine(line, xs, y));
  return [
    text(LEFT, top - 12, `${title}, ${unit}`, "panel"),
    ...legend(lines, top - 12),
    ...gridXs.map((at) => grid(at, top, at, bottom)),
    ...yTicks.map((tick) => grid(LEFT, y(tick), LEFT + PLOT, y(tick))),
    ...yTicks.map((tick) => text(LEFT - 8, y(tick) + 4, label(tick), "y")),
    ...shapes,
  ].join("\n");
}

function drawLine(
  { values, colour, steps }: Line,
  xs: readonly number[],
  y: (value: number) => number,
): string {
  let path = "";
  let pen = "M";
  for (const [i, value] of values.entries()) {
    if (value === undefined) {
      pen = "M";
      continue;
    }
    for (const x of xs.slice(steps ? i : i + 1, i + 2)) {
      path += `${pen}${round(x)} ${round(y(value))}`;
      pen = "L";
    }
  }
  return `<path class="line s${colour}" d="${path}"/>`;
}

function drawStack(
  lines: readonly Line[],
  xs: readonly number[],
  y: (value: number) => number,
): string[] {
  const floor = xs.slice(1).map(() => 0);
  return lines.map(({ values, colour }) => {
    const boxes = values.map((value = 0, i) => {
      const low = floor[i]!;
      const high = floor[i] = low + value;
      if (value === 0) return "";
      const [left, right] = xs.slice(i, i + 2).map(round);
      const [under, over] = [low, high].map((value) => round(y(value)));
      return `M${left} ${under}V${over}H${right}V${under}Z`;
    });
    return `<path class="f${colour}" d="${boxes.join("")}"/>`;
  });
}

/** The names of the lines at the right, unless there is only one. */
function legend(lines: readonly Line[], baseline: number): string[] {
  if (lines.length < 2) return [];
  let right = LEFT + PLOT;
  return lines.toReversed().flatMap(({ label, colour }) => {
    right -= label.length * CHARACTER;
    const name = text(right, baseline, label);
    right -= 16;
    const swatch = `<rect class="f${colour}" x="${right}" y="${
      baseline - 9
    }" width="10" height="10"/>`;
    right -= 16;
    return [name, swatch];
  });
}

/** Round numbers from 0 to `max`, about `count` of them. */
export function ticks(max: number, count: number): number[] {
  const rough = max / count;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((step) => step * magnitude >= rough) ?? 10;
  const step = factor * magnitude;
  const steps = Math.floor(max / step + 1e-9);
  return Array.from({ length: steps + 1 }, (_, i) => i * step);
}

function label(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function grid(x1: number, y1: number, x2: number, y2: number): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map(round);
  return `<path class="grid" d="M${a} ${b}L${c} ${d}"/>`;
}

function text(x: number, y: number, words: string, style?: string): string {
  const attribute = style === undefined ? "" : ` class="${style}"`;
  return `<text x="${round(x)}" y="${round(y)}"${attribute}>${
    escaped(words)
  }</text>`;
}

function escaped(words: string): string {
  return words.replace(
    /[&<>"]/g,
    (character) => `&#${character.charCodeAt(0)};`,
  );
}

function round(value: number): number {
  return Number(value.toFixed(1));
}
