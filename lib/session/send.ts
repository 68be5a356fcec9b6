import type { ByteStream } from "../base/byte_stream.ts";
import { Failure } from "../base/failure.ts";
import { abortable } from "../endpoint/abortable.ts";
import type { Channel } from "../endpoint/channel.ts";
import type { Source, TreeSource } from "../transfer/content.ts";
import { FileSource } from "../transfer/files/file_source.ts";
import { isDirectory } from "../transfer/files/file_status.ts";
import { FileTreeSource } from "../transfer/files/tree_source.ts";
import { titleOf } from "../transfer/messages.ts";
import * as transfer from "../transfer/sender.ts";
import { attend } from "./attend.ts";
import { farewell } from "./farewell.ts";
import { formatAddress, formatCount } from "./format.ts";
import { type AskCode, introduce } from "./introduction.ts";
import { type Listener, listenerOf, type Summary } from "./listener.ts";
import {
  DEFAULT_PORT,
  endpointFor,
  securityOf,
  type SessionOptions,
  signalOf,
} from "./options.ts";
import { ProgressFeed } from "./progress_feed.ts";
import { StreamSource } from "./streams.ts";
import { tellTo } from "./transfer_events.ts";

/** Settings of {@linkcode send}. */
export interface SendOptions extends SessionOptions {
  /**
   * What to send: the path of a file or a directory, several of them, or a
   * stream of bytes.
   */
  readonly content:
    | string
    | readonly string[]
    | ReadableStream<Uint8Array>
    | Source;
  /**
   * Whether what the receiver has from an earlier attempt is left out of what
   * can be read only once, such as a stream; of files it always is.
   * @default {false}
   */
  readonly resume?: boolean;
  /** Hears of what happens. */
  readonly on?: Partial<Listener>;
  /** Is asked for the code, where the receiver wants one and none was given. */
  readonly askCode?: AskCode;
}

/** How long nobody is told that there is no answer yet, in milliseconds. */
const PATIENCE = 1000;

/**
 * Sends to whoever receives at `host`.
 *
 * @returns what was sent, once the receiver has stored and verified it
 * @throws {Failure} unless the receiver has stored everything
 */
export async function send(
  host: string,
  options: SendOptions,
): Promise<Summary> {
  const signal = signalOf(options);
  const { port = DEFAULT_PORT } = options;
  const listener = listenerOf(options.on);
  // A named pipe opens only when somebody writes to it
  const source = await abortable(openSource(options), signal);
  try {
    const endpoint = endpointFor(options, 0);
    const address = formatAddress(host, port);
    const patience = setTimeout(() => listener.waiting(address), PATIENCE);
    try {
      const connect = async () => {
        const channel = await endpoint.connect(host, port, signal);
        attend(channel, signal);
        channel.established.then(() => {
          clearTimeout(patience);
          listener.connected(channel.peer);
        }, () => {});
        return channel;
      };
      const security = securityOf(options);
      const { askCode } = options;
      const { channel, stream } = await introduce(security, {
        connect,
        listener,
        ask: askCode,
        timeout: endpoint.timeout,
      });
      return await hand(channel, stream, source, listener, options);
    } finally {
      clearTimeout(patience);
      await endpoint.close();
    }
  } finally {
    source.close();
  }
}

/** Sends what `source` holds over a stream that both sides have agreed on. */
async function hand(
  channel: Channel,
  stream: ByteStream,
  source: Source | TreeSource,
  listener: Listener,
  options: SendOptions,
): Promise<Summary> {
  const feed = new ProgressFeed(
    channel,
    listener,
    () => channel.unacknowledged,
  );
  feed.size = source.offer.size;
  const watcher = options.watch?.(channel);
  feed.start();
  watcher?.start();
  try {
    const { omitted, ...digest } = await transfer.send(stream, source, {
      progress: (bytes) => feed.bytes = bytes,
      event: tellTo(listener, feed),
    });
    // It is stored, even if the receiver should fall silent now
    channel.leave();
    await channel.closed.catch(() => {});
    if (omitted > 0) throw incomplete(omitted);
    const name = titleOf(source.offer);
    const totals = feed.totals();
    const summary: Summary = { side: "send", name, ...digest, ...totals };
    await watcher?.done(summary);
    listener.done(summary);
    return summary;
  } catch (error) {
    feed.stop();
    await watcher?.failed(error);
    throw error;
  } finally {
    feed.stop();
    await farewell(channel);
  }
}

async function openSource(
  { content, resume = false }: SendOptions,
): Promise<Source | TreeSource> {
  if (content instanceof ReadableStream) {
    return new StreamSource(content, { resume });
  }
  if (typeof content !== "string" && "read" in content) return content;
  const paths = typeof content === "string" ? [content] : content;
  if (paths.length === 0) {
    throw new Failure("input", "There is nothing to send");
  }
  if (paths.length > 1 || isDirectory(paths[0])) {
    return await FileTreeSource.open(paths);
  }
  return await FileSource.open(paths[0], { resume });
}

function incomplete(omitted: number): Failure {
  return new Failure(
    "local",
    `${
      formatCount(omitted, "file")
    } could not be read and so not sent; everything else is stored and verified`,
  );
}
