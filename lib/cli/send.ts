import { Failure } from "../base/failure.ts";
import { abortable } from "../endpoint/abortable.ts";
import type { Channel } from "../endpoint/channel.ts";
import { Endpoint } from "../endpoint/endpoint.ts";
import type { Source, TreeSource } from "../transfer/content.ts";
import { FileSource } from "../transfer/files/file_source.ts";
import { StdinSource } from "../transfer/files/standard_streams.ts";
import { FileTreeSource } from "../transfer/files/tree_source.ts";
import { titleOf } from "../transfer/messages.ts";
import { send } from "../transfer/sender.ts";
import type { SendCommand } from "./args.ts";
import { farewell } from "./farewell.ts";
import { formatAddress, formatCount } from "./format.ts";
import { introduce } from "./introduction.ts";
import { checkReport, Observer } from "./observer.ts";
import { ProgressFeed } from "./progress_feed.ts";
import type { Reporter } from "./reporter.ts";
import { traceLine } from "./trace_line.ts";
import { tellTo } from "./transfer_events.ts";

/** How long nobody is told that there is no answer yet, in milliseconds. */
const PATIENCE = 1000;

/**
 * Runs `ferry send`.
 *
 * @param interrupted ends it
 * @throws {Failure} unless the receiver has stored everything
 */
export async function runSend(
  command: SendCommand,
  reporter: Reporter,
  interrupted: AbortSignal,
): Promise<void> {
  await checkReport(command.report);
  // A named pipe opens only when somebody writes to it
  const source = await abortable(openSource(command, reporter), interrupted);
  const endpoint = Endpoint.listen({
    ...command,
    hostname: command.bind,
    port: 0,
    trace: command.trace
      ? (event) => reporter.trace(traceLine(event))
      : undefined,
  });
  const address = formatAddress(command.host, command.port);
  const patience = setTimeout(() => reporter.waiting(address), PATIENCE);
  try {
    const connect = () =>
      connectTo(command, endpoint, interrupted, reporter, patience);
    const { channel, stream } = await introduce(
      command,
      connect,
      reporter,
      interrupted,
    );
    const pending = () => channel.unacknowledged;
    const feed = new ProgressFeed(channel, reporter, pending);
    feed.size = source.offer.size;
    const observer = new Observer(channel, command, reporter, true);
    feed.start();
    observer.start();
    try {
      const { omitted, ...digest } = await send(stream, source, {
        progress: (bytes) => feed.bytes = bytes,
        event: tellTo(reporter, feed),
      });
      // It is stored, even if the receiver should fall silent now
      channel.leave();
      await channel.closed.catch(() => {});
      if (omitted > 0) throw incomplete(omitted);
      const name = titleOf(source.offer);
      const totals = feed.totals();
      const summary = { side: "send", name, ...digest, ...totals } as const;
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
  } finally {
    clearTimeout(patience);
    source.close();
    await endpoint.close();
  }
}

/** Opens a connection; what waits for an answer hears of it. */
async function connectTo(
  { host, port }: SendCommand,
  endpoint: Endpoint,
  interrupted: AbortSignal,
  reporter: Reporter,
  patience: ReturnType<typeof setTimeout>,
): Promise<Channel> {
  const channel = await endpoint.connect(host, port, interrupted);
  interrupted.addEventListener(
    "abort",
    () => channel.abort(interrupted.reason),
  );
  channel.established.then(() => {
    clearTimeout(patience);
    reporter.connected(channel.peer);
  }, () => {});
  return channel;
}

async function openSource(
  { paths, resume }: SendCommand,
  reporter: Reporter,
): Promise<Source | TreeSource> {
  if (paths.length > 1 || paths.length > 0 && await isDirectory(paths[0])) {
    return await FileTreeSource.open(paths);
  }
  if (paths.length > 0) return await FileSource.open(paths[0], { resume });
  if (Deno.stdin.isTerminal()) {
    reporter.notice("Sending what you type; Ctrl-D on an empty line ends it");
  }
  return new StdinSource({ resume });
}

async function isDirectory(path: string): Promise<boolean> {
  const info = await Deno.stat(path).catch(() => undefined);
  return info?.isDirectory === true;
}

function incomplete(omitted: number): Failure {
  return new Failure(
    "local",
    `${
      formatCount(omitted, "file")
    } could not be read and so not sent; everything else is stored and verified`,
  );
}
