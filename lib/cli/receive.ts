import { Failure } from "../base/failure.ts";
import type { Channel } from "../endpoint/channel.ts";
import { Endpoint } from "../endpoint/endpoint.ts";
import { StdoutSink } from "../transfer/files.ts";
import type { Offer } from "../transfer/messages.ts";
import { receive } from "../transfer/receiver.ts";
import { reachableAddresses } from "./addresses.ts";
import type { ReceiveCommand } from "./args.ts";
import { farewell } from "./farewell.ts";
import { formatSeconds } from "./format.ts";
import { checkReport, Observer } from "./observer.ts";
import { ProgressFeed } from "./progress_feed.ts";
import type { Reporter } from "./reporter.ts";
import { openTarget, type Target } from "./target.ts";
import { traceLine } from "./trace_line.ts";

/**
 * Runs `ferry receive`.
 *
 * @param interrupted ends it
 * @throws {Failure} unless everything was stored
 */
export async function runReceive(
  command: ReceiveCommand,
  reporter: Reporter,
  interrupted: AbortSignal,
): Promise<void> {
  await checkReport(command.report);
  const target = await openTarget(command);
  try {
    const endpoint = Endpoint.listen({
      ...command,
      hostname: command.bind,
      trace: command.trace
        ? (event) => reporter.trace(traceLine(event))
        : undefined,
    });
    try {
      if (target.pathFor({}) === undefined && StdoutSink.goesNowhere()) {
        reporter.notice(
          "Standard output is closed or thrown away, so nothing of what comes will be kept; -o FILE keeps it",
        );
      }
      const addresses = reachableAddresses(command.bind);
      reporter.listening({ port: endpoint.port, addresses });
      const channel = await accept(endpoint, command.wait, interrupted);
      const observer = new Observer(channel, command, reporter, false);
      await take(channel, target, reporter, observer, interrupted);
    } finally {
      await endpoint.close();
    }
  } finally {
    target.discard();
  }
}

/** Waits for a sender, for `wait` milliseconds at most. */
async function accept(
  endpoint: Endpoint,
  wait: number | undefined,
  interrupted: AbortSignal,
): Promise<Channel> {
  if (wait === undefined) return await endpoint.accept(interrupted);
  const late = new AbortController();
  const timer = setTimeout(() => {
    const seconds = formatSeconds(wait);
    late.abort(new Failure("no-answer", `Nobody sent anything in ${seconds}`));
  }, wait);
  try {
    return await endpoint.accept(AbortSignal.any([interrupted, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** Receives what one sender sends. */
async function take(
  channel: Channel,
  target: Target,
  reporter: Reporter,
  observer: Observer,
  interrupted: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const stop = (failure: Error) => {
    channel.abort(failure);
    ended.abort(failure);
  };
  interrupted.addEventListener("abort", () => stop(interrupted.reason));
  // Heard even while the output takes nothing and so nothing is read
  channel.closed.catch((failure) => ended.abort(failure));

  const feed = new ProgressFeed(channel, reporter);
  reporter.connected(channel.peer);
  feed.start();
  observer.start();
  let path: string | undefined;
  const open = (offer: Offer) => {
    path = target.pathFor(offer);
    feed.size = offer.size;
    reporter.offered(offer, path);
    return target.open(offer);
  };
  try {
    const digest = await receive(channel, open, {
      progress: (bytes) => feed.bytes = bytes,
      signal: ended.signal,
    });
    await channel.closed.catch(() => {
      reporter.notice(
        "Everything is stored, but the sender may not have heard that",
      );
    });
    const totals = feed.totals();
    const summary = {
      side: "receive",
      name: path,
      ...digest,
      ...totals,
    } as const;
    await observer.done(summary);
    reporter.done(summary);
  } catch (error) {
    feed.stop();
    await observer.failed(error);
    throw error;
  } finally {
    feed.stop();
    await farewell(channel);
  }
}
