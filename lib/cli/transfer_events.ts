import type { TransferEvent } from "../transfer/content.ts";
import { formatBytes, formatCount } from "./format.ts";
import type { ProgressFeed } from "./progress_feed.ts";
import type { Reporter } from "./reporter.ts";

/** Tells the reporter and the feed of what happens in a transfer. */
export function tellTo(
  reporter: Reporter,
  feed: ProgressFeed,
): (event: TransferEvent) => void {
  return (event) => {
    switch (event.type) {
      case "entry":
        feed.entry = event.path;
        break;
      case "kept":
        if (feed.kept === 0) reporter.notice(goingOn(event));
        feed.kept += event.bytes;
        break;
      case "restarted":
        reporter.notice(startingOver(event.path));
        break;
      case "omitted":
        reporter.notice(`Left out ${event.path}: ${event.why}`);
        break;
      case "incomplete":
        reporter.notice(
          `The sender could not read ${
            formatCount(event.omitted, "file")
          }, which are not here; it says which`,
        );
    }
  };
}

function goingOn(
  { bytes, path }: TransferEvent & { type: "kept" },
): string {
  return path === undefined
    ? `Going on after ${formatBytes(bytes)} that arrived before`
    : "Going on where an earlier attempt stopped";
}

function startingOver(path: string | undefined): string {
  const of = path === undefined ? "" : ` of ${path}`;
  return `What arrived before${of} is not the beginning of what is sent now: starting over`;
}
