import { basename, resolve } from "node:path";
import { displayName, displayText } from "../../base/display_text.ts";
import {
  formatBytes,
  formatCount,
  formatRate,
  formatSeconds,
  formatShare,
} from "../format.ts";
import type { PathInUse } from "../../protocol/connection/direct_paths.ts";
import type { Summary } from "../../mod.ts";

/** Datagrams of which a share says something. */
const MIN_DATAGRAMS = 100;

/** Bytes per second over the whole transfer. */
export function overallRate({ bytes, kept = 0, time }: Summary): number {
  return time > 0 ? 1000 * (bytes - kept) / time : 0;
}

/**
 * What was done and how fast; where it is now; and last its digest, as
 * `sha256sum` prints it. Of a tree there is only one of all that was said.
 */
export function summaryLines(
  summary: Summary,
  { verbose }: { verbose: boolean },
): string[] {
  const { side, files, sha256 } = summary;
  const isTree = files !== undefined;
  const place = side === "send"
    ? "Stored there"
    : summary.name === undefined
    ? "Written to standard output"
    : `Saved ${isTree ? "in" : "as"} ${displayName(resolve(summary.name))}`;
  const lines = [headline(summary)];
  if (!isTree) {
    lines.push(`${place} and verified by SHA-256:`);
    lines.push(`  ${sha256}  ${digestName(summary)}`);
  } else {
    lines.push(`${place}, every file verified by SHA-256`);
    const { excluded = 0 } = summary;
    if (excluded > 0) {
      const entries = excluded === 1 ? "1 entry" : `${excluded} entries`;
      lines.push(`Left out by --exclude: ${entries}, with all they contain`);
    }
    if (verbose) lines.push(`  ${sha256}  (digest of the transfer)`);
  }
  return lines;
}

/** A name as `sha256sum` has it; a stream is its standard input. */
function digestName({ name }: Summary): string {
  return name === undefined ? "-" : displayText(basename(name));
}

/** What was done, and how fast. */
export function headline(summary: Summary): string {
  const { side, name, files, bytes } = summary;
  // Several things in the current directory have no name together
  const named = name !== undefined && name !== ".";
  const parts = [
    ...named ? [displayName(name)] : [],
    ...files === undefined ? [] : [formatCount(files, "file")],
    `${formatBytes(bytes)}${alreadyThere(summary)}`,
  ];
  const time = formatSeconds(summary.time);
  return [
    `${side === "send" ? "Sent" : "Received"} ${parts.join(", ")} in ${time}`,
    formatRate(overallRate(summary)),
    ...summary.path === undefined ? [] : [pathWords(summary.path)],
    ...trouble(summary),
  ].join(", ");
}

/** What the receiver had before. */
function alreadyThere({ files, kept = 0, existing = 0 }: Summary): string {
  if (kept === 0 && existing === 0) return "";
  const parts = [
    ...files !== undefined && existing > 0
      ? [formatCount(existing, "file")]
      : [],
    ...kept > 0 ? [formatBytes(kept)] : [],
  ];
  return ` (${[parts.join(", "), "already there"].join(" ").trim()})`;
}

/** How much of what was sent was lost on the way, or taken for that. */
function trouble(
  { side, retransmissions, datagramsSent }: Summary,
): string[] {
  if (side === "receive" || datagramsSent < MIN_DATAGRAMS) return [];
  const share = formatShare(retransmissions / datagramsSent);
  return share === "0%" ? [] : [`${share} resent`];
}

/** How a peer is reached that a meeting point has brought here. */
export function pathWords({ direct, through }: PathInUse): string {
  return direct ? "directly" : `through ${displayName(through)}`;
}

/** What the network cost, and the digest of the content. */
export function details(summary: Summary): string {
  const { side, duplicates, retransmissions, sha256 } = summary;
  const cost = side === "receive"
    ? `${formatCount(duplicates, "datagram")} came twice`
    : `${formatCount(retransmissions, "datagram")} resent`;
  return `${cost}, SHA-256 ${sha256}`;
}
