import { displayName } from "../../base/display_text.ts";
import {
  formatBytes,
  formatCount,
  formatRate,
  formatSeconds,
  formatShare,
} from "../format.ts";
import type { Summary } from "../../mod.ts";

/** Bytes per millisecond over the whole transfer. */
export function overallRate({ bytes, kept = 0, time }: Summary): number {
  return time > 0 ? (bytes - kept) / time : 0;
}

/** The summary as one line. */
export function summaryLine(summary: Summary): string {
  return `${headline(summary)}, ${details(summary)}`;
}

/** What was done, and how fast. */
export function headline(summary: Summary): string {
  const verb = summary.side === "send" ? "Sent" : "Received";
  const { name, files, kept = 0 } = summary;
  // Several things in the current directory have no name together
  const named = name !== undefined && name !== ".";
  return [
    `${verb} ${named ? `${displayName(name)}, ` : ""}`,
    files === undefined ? "" : `${formatCount(files, "file")}, `,
    formatBytes(summary.bytes),
    kept > 0 ? ` (${formatBytes(kept)} were there before)` : "",
    ` in ${formatSeconds(summary.time)}`,
    `, ${formatRate(overallRate(summary))}`,
  ].join("");
}

/** What the network cost, and the digest of the content. */
export function details(summary: Summary): string {
  return `${trouble(summary)}, SHA-256 ${summary.sha256}`;
}

/** A sender counts retransmissions, a receiver duplicates. */
function trouble(summary: Summary): string {
  if (summary.side === "receive") {
    return `${formatCount(summary.duplicates, "datagram")} came twice`;
  }
  const { retransmissions, datagramsSent } = summary;
  const share = datagramsSent > 0 ? retransmissions / datagramsSent : 0;
  const count = formatCount(retransmissions, "datagram");
  const percent = formatShare(share);
  return percent === "0%" ? `${count} resent` : `${count} resent (${percent})`;
}
