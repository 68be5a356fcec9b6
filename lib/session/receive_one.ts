import { Failure } from "../base/failure.ts";
import type { Sink, TreeSink } from "../transfer/content.ts";
import type { Offer } from "../transfer/wire/messages.ts";
import type { Admitted } from "./admission.ts";
import { attend } from "./attend.ts";
import { farewell } from "./farewell.ts";
import type { Summary } from "./listener.ts";
import { type SessionOptions, signalOf } from "./options.ts";
import { ProgressFeed } from "./progress_feed.ts";
import type { Target } from "./target.ts";
import { tellTo } from "./transfer_events.ts";

/** Settings of {@linkcode receiveOne}. */
export interface ReceiveOneOptions extends SessionOptions {
  /** Called whenever content has arrived. */
  readonly onProgress?: () => void;
}

/**
 * Receives what one sender has offered.
 *
 * @throws {Failure} unless everything was stored
 */
export async function receiveOne(
  { channel, reception, owner, listener }: Admitted,
  target: Target,
  options: ReceiveOneOptions,
): Promise<Summary> {
  const signal = attend(channel, signalOf(options));
  const feed = new ProgressFeed(channel, listener);
  const watcher = options.watch?.(channel);
  feed.start();
  watcher?.start();
  let path: string | undefined;
  let sink: Sink | TreeSink | undefined;
  let again = "the same two commands go on from there";
  const open = async (offer: Offer) => {
    path = target.pathFor(offer);
    if (offer.name === undefined) {
      again = `send --resume and receive -o ${path} go on from there`;
    }
    feed.size = offer.size;
    listener.offered(offer, path);
    return sink = await target.open(offer, owner);
  };
  try {
    const digest = await reception.run(open, {
      progress: (bytes) => {
        feed.bytes = bytes;
        options.onProgress?.();
      },
      event: tellTo(listener, feed),
      signal,
      remembers: true,
    });
    const heard = await channel.closed.then(() => true, () => false);
    sink?.release?.(heard);
    if (!heard) {
      listener.notice(
        "Everything is stored, but the sender may not have heard that",
      );
    }
    const totals = feed.totals();
    const summary: Summary = {
      side: "receive",
      name: path,
      ...digest,
      ...totals,
    };
    await watcher?.done(summary);
    listener.done(summary);
    return summary;
  } catch (error) {
    feed.stop();
    if (sink?.remains !== undefined) mention(sink.remains, again, error);
    await watcher?.failed(error);
    throw error;
  } finally {
    feed.stop();
    await farewell(channel);
  }
}

/** Says what can be done with what has arrived. */
function mention(remains: string, again: string, error: unknown): void {
  if (!(error instanceof Failure)) return;
  error.message += `; what arrived stays (${remains}), and ${again}`;
}
