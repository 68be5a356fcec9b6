import { Failure } from "../base/failure.ts";
import { Endpoint } from "../endpoint/endpoint.ts";
import { makeCode } from "../secure/code.ts";
import type { Security } from "../secure/secure_channel.ts";
import type { Sink, TreeSink } from "../transfer/content.ts";
import { StdoutSink } from "../transfer/files/standard_streams.ts";
import type { Offer } from "../transfer/messages.ts";
import { receive } from "../transfer/receiver.ts";
import { Admission, type Admitted } from "./admission.ts";
import { reachableAddresses } from "./addresses.ts";
import type { ReceiveCommand } from "./args.ts";
import type { WantedSecurity } from "./code_option.ts";
import { farewell } from "./farewell.ts";
import { formatSeconds } from "./format.ts";
import { checkReport, Observer } from "./observer.ts";
import { ProgressFeed } from "./progress_feed.ts";
import type { Reporter } from "./reporter.ts";
import { openTarget, type Target } from "./target.ts";
import { traceLine } from "./trace_line.ts";
import { tellTo } from "./transfer_events.ts";

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
      const security = settled(command.security);
      tellWhoMaySend(command, security, endpoint.port, reporter);
      const admission = new Admission(security, reporter);
      const admitted = await admit(
        endpoint,
        admission,
        command.wait,
        interrupted,
      );
      const { channel } = admitted;
      const observer = new Observer(channel, command, reporter, false);
      await take(admitted, target, reporter, observer, interrupted);
    } finally {
      await endpoint.close();
    }
  } finally {
    target.discard();
  }
}

/** Makes up the code that is wanted and missing. */
function settled(wanted: WantedSecurity): Security {
  if (wanted.mode !== "code") return wanted;
  return { mode: "code", code: wanted.code ?? makeCode() };
}

function tellWhoMaySend(
  command: ReceiveCommand,
  security: Security,
  port: number,
  reporter: Reporter,
): void {
  const addresses = reachableAddresses(command.bind);
  const isNew = command.security.mode === "code" &&
    command.security.code === undefined;
  const newCode = isNew && security.mode === "code" ? security.code : undefined;
  reporter.listening({ port, addresses, newCode });
  if (security.mode !== "encrypted") return;
  reporter.notice(
    `Anyone who reaches port ${port} may send; --code lets in only who knows a code`,
  );
}

/** Waits for a sender who may send, for `wait` milliseconds at most. */
async function admit(
  endpoint: Endpoint,
  admission: Admission,
  wait: number | undefined,
  interrupted: AbortSignal,
): Promise<Admitted> {
  const late = new AbortController();
  const timer = wait === undefined ? undefined : setTimeout(() => {
    const seconds = formatSeconds(wait);
    late.abort(new Failure("no-answer", `Nobody sent anything in ${seconds}`));
  }, wait);
  const ends = [interrupted, late.signal, admission.over];
  try {
    return await endpoint.admit(
      (channel) => admission.judge(channel),
      AbortSignal.any(ends),
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Receives what one sender sends. */
async function take(
  { channel, stream }: Admitted,
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
  feed.start();
  observer.start();
  let path: string | undefined;
  let sink: Sink | TreeSink | undefined;
  let again = "the same two commands go on from there";
  const open = async (offer: Offer) => {
    path = target.pathFor(offer);
    if (offer.name === undefined) {
      again = `send --resume and receive -o ${path} go on from there`;
    }
    feed.size = offer.size;
    reporter.offered(offer, path);
    return sink = await target.open(offer);
  };
  try {
    const digest = await receive(stream, open, {
      progress: (bytes) => feed.bytes = bytes,
      event: tellTo(reporter, feed),
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
    if (sink?.remains !== undefined) mention(sink.remains, again, error);
    await observer.failed(error);
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
