import {
  formatBytes,
  formatClock,
  formatMilliseconds,
  formatRate,
  formatShare,
} from "../session/format.ts";
import type { Progress } from "../session/listener.ts";
import { oneLine } from "../transfer/untrusted.ts";

/** How a progress line may look. */
export interface LineStyle {
  /** Columns that it may take. */
  readonly columns: number;
  /** Whether there may be colour, and a bar. */
  readonly colour: boolean;
}

/** A part of the line; the lower its rank, the longer it stays where there is little room. */
interface Part {
  readonly rank: number;
  readonly text: string;
}

const GAP = "  ";
const MIN_BAR = 10;
const MAX_BAR = 30;

/** Columns for the name of the file whose turn it is: at least, and at most. */
const MIN_ENTRY = 8;
const MAX_ENTRY = 28;
/** Parts up to this rank come before it. */
const MOST_RANK = 2;

/** The progress as one line of at most `style.columns` columns. */
export function progressLine(progress: Progress, style: LineStyle): string {
  const parts = partsOf(progress);
  const entry = fittingEntry(progress, parts, style.columns);
  let room = style.columns;
  if (entry !== "") room -= widthOf(entry) + GAP.length;
  const kept = new Set<Part>();
  for (const part of parts.toSorted((a, b) => a.rank - b.rank)) {
    const width = part.text.length + (kept.size > 0 ? GAP.length : 0);
    if (width > room) break;
    room -= width;
    kept.add(part);
  }
  const line = parts.filter((part) => kept.has(part)).map(({ text }) => text);
  const length = Math.min(MAX_BAR, room - GAP.length);
  if (progress.size !== undefined && style.colour && length >= MIN_BAR) {
    line.splice(1, 0, bar(shareOf(progress), length));
  }
  if (entry !== "") line.push(entry);
  return line.join(GAP);
}

/** The file whose turn it is, beside the parts that matter most; empty where there is no room. */
function fittingEntry(
  { entry }: Progress,
  parts: readonly Part[],
  columns: number,
): string {
  const first = parts.filter(({ rank }) => rank <= MOST_RANK);
  const taken = first.reduce((sum, { text }) => sum + text.length + 2, 0);
  const room = Math.min(columns - taken, MAX_ENTRY);
  if (entry === undefined || room < MIN_ENTRY) return "";
  const characters = [...oneLine(entry)];
  if (widthOf(characters.join("")) <= room) return characters.join("");
  // The end of a path tells more than its beginning
  while (widthOf(characters.join("")) > room - 1) characters.shift();
  return `…${characters.join("")}`;
}

/** Columns that a text takes at most: from Hangul on, characters may be wide. */
function widthOf(text: string): number {
  const wide = [...text].filter((one) => one >= "\u1100" && one !== "…");
  return [...text].length + wide.length;
}

function partsOf(progress: Progress): Part[] {
  const { bytes, size, rate, rtt, resent } = progress;
  const parts: Part[] = [];
  if (size !== undefined) {
    const percent = `${Math.floor(shareOf(progress) * 100)}%`.padStart(4);
    parts.push({ rank: 0, text: percent });
  }
  // Widths that stay the same keep the line from dancing
  parts.push({ rank: 1, text: formatBytes(bytes).padStart(8) });
  parts.push({ rank: 2, text: formatRate(rate).padStart(10) });
  if (size !== undefined && rate > 0 && bytes < size) {
    const left = formatClock((size - bytes) / rate);
    parts.push({ rank: 3, text: `${left} left` });
  } else if (size === undefined) {
    parts.push({ rank: 3, text: formatClock(progress.time) });
  }
  if (rtt !== undefined) {
    const time = formatMilliseconds(rtt).padStart(6);
    parts.push({ rank: 4, text: `RTT ${time}` });
  }
  const share = formatShare(resent).padStart(4);
  parts.push({ rank: 5, text: `${share} resent` });
  return parts;
}

function shareOf({ bytes, size }: Progress): number {
  return size === undefined || size === 0 ? 1 : Math.min(1, bytes / size);
}

/** A bar of `length` columns, the done part in colour. */
function bar(share: number, length: number): string {
  const done = Math.round(share * length);
  const rest = "─".repeat(length - done);
  return `\x1b[36m${"━".repeat(done)}\x1b[0m\x1b[2m${rest}\x1b[0m`;
}
