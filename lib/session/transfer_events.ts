import type { TransferEvent } from "../transfer/content.ts";
import { formatBytes, formatCount } from "./format.ts";
import type { ProgressFeed } from "./progress_feed.ts";
import type { Listener } from "./listener.ts";

/** Tells the listener and the feed of what happens in a transfer. */
export function tellTo(
  listener: Listener,
  feed: ProgressFeed,
): (event: TransferEvent) => void {
  return (event) => {
    switch (event.type) {
      case "entry":
        feed.entry = event.path;
        break;
      case "kept":
        if (feed.kept === 0) listener.notice(goingOn(event));
        feed.kept += event.bytes;
        break;
      case "restarted":
        listener.notice(startingOver(event.path));
        break;
      case "omitted":
        listener.notice(`Left out ${event.path}: ${event.why}`);
        break;
      case "incomplete":
        listener.notice(
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
