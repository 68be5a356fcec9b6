import { Failure } from "../base/failure.ts";
import type { Sink, TreeSink } from "../transfer/content.ts";
import type { Offer } from "../transfer/wire/messages.ts";
import type { Admitted } from "./admission.ts";
import { bindAbort, linger } from "./connection.ts";
import type { Summary } from "./events.ts";
import { type SessionOptions, signalOf } from "./options.ts";
import { ProgressTracker } from "./progress.ts";
import type { Target } from "./target.ts";

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
  { channel, reception, owner, on }: Admitted,
  target: Target,
  options: ReceiveOneOptions,
): Promise<Summary> {
  const signal = bindAbort(channel, signalOf(options));
  const { progressInterval } = options;
  const progress = new ProgressTracker(channel, { on, progressInterval });
  const watcher = options.watch?.(channel);
  progress.start();
  watcher?.start();
  let path: string | undefined;
  let named = true;
  let sink: Sink | TreeSink | undefined;
  const open = async (offer: Offer) => {
    path = target.pathFor(offer);
    named = offer.name !== undefined;
    progress.size = offer.size;
    on({ type: "offer", offer, target: path });
    return sink = await target.open(offer, owner);
  };
  try {
    const digest = await reception.run(open, {
      progress: (bytes) => {
        progress.advance(bytes);
        options.onProgress?.();
      },
      event: (event) => progress.take(event),
      signal,
      remembers: true,
    });
    const heard = await channel.closed.then(() => true, () => false);
    sink?.release?.(heard);
    if (!heard) on({ type: "unconfirmed" });
    const totals = progress.totals();
    const summary: Summary = {
      side: "receive",
      name: path,
      ...digest,
      ...totals,
    };
    await watcher?.done(summary);
    on({ type: "done", ...summary });
    return summary;
  } catch (error) {
    progress.stop();
    const failure = error instanceof Failure && sink?.remains !== undefined
      ? error.with({
        remains: { path: sink.remains, output: named ? undefined : path },
      })
      : error;
    await watcher?.failed(failure);
    throw failure;
  } finally {
    progress.stop();
    await linger(channel);
  }
}
