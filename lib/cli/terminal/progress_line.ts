import { displayText, widthOf } from "../../base/display_text.ts";
import {
  formatBytes,
  formatClock,
  formatCount,
  formatInteger,
  formatMilliseconds,
  formatRate,
  formatShare,
} from "../format.ts";
import { pathWords } from "../reporting/summary.ts";
import type { Progress } from "../../mod.ts";

export interface LineStyle {
  readonly columns: number;
  readonly colour: boolean;
  /**
   * Whether its bar has characters beyond ASCII.
   *
   * @default {true}
   */
  readonly unicode?: boolean | undefined;
}

/** A part of the line; those of high rank go first where there is little room. */
interface Part {
  readonly rank: number;
  readonly text: string;
  /** Whether it goes on after a comma, which is no wider than the gap. */
  readonly follows: boolean;
}

const GAP = "  ";
/** Parts up to this rank are more important than a file's name. */
const RANK_OF_FILES = 3.5;
/** The least columns for a file's name. */
const MIN_NAME = 12;
const MIN_BAR = 10;
const MAX_BAR = 30;

/** The progress of several transfers as that of one. */
export function combinedProgress(parts: readonly Progress[]): Progress {
  const sum = (value: (part: Progress) => number) =>
    parts.reduce((total, part) => total + value(part), 0);
  const isSized = parts.every(({ size }) => size !== undefined);
  const silent = parts.every(({ silence }) => silence !== undefined);
  return {
    ...silent ? parts[0] : undefined,
    bytes: sum(({ bytes }) => bytes),
    size: isSized ? sum(({ size = 0 }) => size) : undefined,
    entry: formatCount(parts.length, "transfer"),
    rate: sum(({ rate }) => rate),
    time: Math.max(...parts.map(({ time }) => time)),
    rtt: undefined,
  };
}

/** The progress as one line of at most `style.columns` columns. */
export function progressLine(progress: Progress, style: LineStyle): string {
  const parts = partsOf(progress);
  const { entry } = progress;
  const silent = progress.silence !== undefined;
  const reserved = entry === undefined || silent ? 0 : GAP.length + MIN_NAME;
  let room = style.columns;
  const kept = new Set<Part>();
  for (const part of parts.toSorted((a, b) => a.rank - b.rank)) {
    const width = part.text.length + (kept.size > 0 ? GAP.length : 0);
    if (width > room - (part.rank > RANK_OF_FILES ? reserved : 0)) break;
    room -= width;
    kept.add(part);
  }
  const line: string[] = [];
  for (const { text, follows } of parts.filter((part) => kept.has(part))) {
    if (follows) line.push(`${line.pop()}, ${text}`);
    else line.push(text);
  }
  const length = Math.min(MAX_BAR, room - reserved - GAP.length);
  if (progress.size !== undefined && length >= MIN_BAR) {
    line.splice(1, 0, bar(shareOf(progress), length, style));
    room -= length + GAP.length;
  }
  if (!silent && entry !== undefined && room >= reserved) {
    line.push(shortened(entry, room - GAP.length, style));
  }
  return line.join(GAP);
}

/** The end of a path in at most `columns` columns, safe to show. */
function shortened(
  path: string,
  columns: number,
  { unicode = true }: LineStyle,
): string {
  const characters = [...displayText(path)];
  let room = columns;
  let start = characters.length;
  while (start > 0 && widthOf(characters[start - 1]!) <= room) {
    room -= widthOf(characters[--start]!);
  }
  if (start === 0) return characters.join("");
  // What is left out needs a column of its own
  while (room < 1 && start < characters.length) {
    room += widthOf(characters[start++]!);
  }
  return (unicode ? "…" : "~") + characters.slice(start).join("");
}

function partsOf(progress: Progress): Part[] {
  const { bytes, size, rate, rtt, resent, silence, timeout, path } = progress;
  const parts: Part[] = [];
  const add = (rank: number, text: string, follows = false) => {
    parts.push({ rank, text, follows });
  };
  // Widths that stay the same keep the line from dancing
  if (size !== undefined) {
    add(0, `${Math.floor(shareOf(progress) * 100)}%`.padStart(4));
  }
  add(1, formatBytes(bytes).padStart(8));
  add(2, formatRate(rate).padStart(10));
  if (silence !== undefined) {
    add(0.5, `nothing heard for ${Math.floor(silence / 1000)} s`);
    if (timeout !== undefined) {
      add(0.6, `giving up at ${Math.round(timeout / 1000)} s`, true);
    }
    return parts;
  }
  if (size === undefined) add(3, `${formatClock(progress.time)} so far`);
  else if (rate > 0 && bytes < size) {
    add(3, `${formatClock(1000 * (size - bytes) / rate)} left`);
  }
  const { files, totalFiles } = progress;
  if (files !== undefined && totalFiles !== undefined) {
    const all = formatCount(totalFiles, "file");
    add(RANK_OF_FILES, `${formatInteger(files)} of ${all}`);
  }
  if (rtt !== undefined) {
    add(4, `RTT ${formatMilliseconds(rtt).padStart(6)}`);
  }
  if (resent !== undefined) add(5, `${formatShare(resent).padStart(4)} resent`);
  if (path !== undefined) add(4, pathWords(path));
  return parts;
}

function shareOf({ bytes, size }: Progress): number {
  return size === undefined || size === 0 ? 1 : Math.min(1, bytes / size);
}

/** A bar of `length` columns; where there is colour, it shows the done part. */
function bar(
  share: number,
  length: number,
  { colour, unicode = true }: LineStyle,
): string {
  const count = Math.round(share * length);
  const [full, empty] = unicode ? ["━", colour ? "─" : "╌"] : ["#", "-"];
  const done = full.repeat(count);
  const rest = empty.repeat(length - count);
  return colour ? `\x1b[36m${done}\x1b[0m\x1b[2m${rest}\x1b[0m` : done + rest;
}
