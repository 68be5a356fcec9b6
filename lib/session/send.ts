import { Failure } from "../base/failure.ts";
import { AttemptKey } from "../secure/attempt_key.ts";
import type { Source } from "../transfer/source.ts";
import {
  type Attempt,
  type Offer,
  titleOf,
} from "../transfer/wire/messages.ts";
import { sendOver } from "../transfer/sending/sender.ts";
import { attemptSecret } from "./attempt_secret.ts";
import { answerOf, type ConfirmReceiver } from "./consent.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { linger } from "./closing.ts";
import {
  agree,
  type AskCode,
  codeOf,
  type Connected,
  connectSecurely,
} from "./sending/connect.ts";
import type { OnEvent, Summary } from "./events.ts";
import {
  type Checked,
  DEFAULT_PORT,
  openEndpoint,
  type SessionOptions,
} from "./options.ts";
import { connectNear } from "./sending/near.ts";
import { connectAtMeeting } from "./sending/meet.ts";
import { reach } from "./sending/reach.ts";
import { ProgressTracker } from "./progress.ts";
import { openContent, type Sendable } from "./sending/content.ts";
import { guarded } from "./guard.ts";

/** Settings of {@linkcode send}. */
export interface SendOptions extends SessionOptions {
  /** What to send; a string is a path. */
  readonly content: Sendable;
  /**
   * Whether a stream, which can be read only once, is resumed after what the
   * receiver has from an earlier attempt. Files always are.
   * @default {false}
   */
  readonly resume?: boolean | undefined;
  /**
   * Patterns of what is not sent, as in a `.gitignore` at the top of each
   * directory (gitignore(5)); of several paths each is left out by its name.
   * @default {none}
   */
  readonly exclude?: readonly string[] | undefined;
  /**
   * Whether the receiver is looked for on the networks that this machine is in:
   * it has a code, which is needed, and whose number everybody there may hear.
   * @default {false}
   */
  readonly near?: boolean | undefined;
  /**
   * How long to wait for the receiver, in milliseconds; `Infinity`: as long as it takes.
   * @default {the timeout, or 10_000 for one that is near}
   */
  readonly wait?: number | undefined;
  /** Asks a person for the code if the receiver wants one and none was given. */
  readonly askCode?: AskCode | undefined;
  /**
   * Decides whether content is sent to a receiver that no code vouches for.
   * Not called in plain mode.
   * @default {it is}
   */
  readonly confirm?: ConfirmReceiver | undefined;
}

/** Milliseconds for which a tree is counted, at most: the receiver waits for the offer. */
const COUNTING = 2000;
/** Milliseconds without an answer of the person there after which an `asking` event is emitted. */
const ASKING_DELAY = 600;

/**
 * Sends content to the receiver at `host`, or to one that is found by its code.
 *
 * @param host a name or an address; undefined with {@linkcode SendOptions.near}
 * and {@linkcode SessionOptions.meet}
 * @returns what was sent, once the receiver has stored and verified it
 * @throws {Failure} unless the receiver has stored everything
 * @throws {TypeError} or {RangeError} at once if an argument is not what it must be
 * @throws the reason of the options' signal; what a listener or the content throws
 */
export async function send(
  host: string | undefined,
  options: SendOptions,
): Promise<Summary> {
  const found = options.near || options.meet !== undefined;
  if (host === undefined ? !found : !/\S/.test(String(host))) {
    throw new TypeError("A host is missing");
  }
  return await guarded(options, (checked) => sendTo(host, checked));
}

async function sendTo(
  host: string | undefined,
  options: Checked<SendOptions>,
): Promise<Summary> {
  const { content, resume = false, exclude, signal } = options;
  await using scope = new AsyncDisposableStack();
  const source = await openContent(content, { resume, exclude, signal });
  scope.defer(() => source.close());
  const endpoint = openEndpoint(options);
  scope.defer(() => endpoint.close());
  const { size } = source.offer;
  const connected = await connect(endpoint, host, { ...options, size }, scope);
  return await hand(connected, source, options);
}

/** Connects to the receiver, wherever it is. */
async function connect(
  endpoint: Endpoint,
  host: string | undefined,
  options: Checked<SendOptions> & { readonly size: number | undefined },
  scope: AsyncDisposableStack,
): Promise<Connected> {
  const { security, askCode, near, meet, wait } = options;
  const { timeout } = endpoint;
  const confirms = options.confirm !== undefined;
  const common = { ...options, confirms, timeout };
  if (near || meet !== undefined) {
    const code = await codeOf(security, askCode);
    return meet === undefined
      ? await connectNear(endpoint, code, common)
      : await connectAtMeeting(endpoint, code, common, scope);
  }
  if (host === undefined) throw new TypeError("A host is missing");
  const { port = DEFAULT_PORT } = options;
  const reaching = { ...options, host, port, wait: wait ?? timeout };
  return await connectSecurely(
    security,
    askCode,
    (security) =>
      reach(endpoint, (open) => agree(security, open, common), reaching),
  );
}

/** Sends what `source` holds to a receiver with whom this side has agreed. */
async function hand(
  connected: Connected,
  source: Source,
  options: Checked<SendOptions>,
): Promise<Summary> {
  const { on } = options;
  const { channel, stream, begun } = connected;
  const offer = await offerOf(source, connected, options);
  const progress = new ProgressTracker(
    channel,
    offer,
    options,
    () => channel.unacknowledged,
  );
  let permitted: Promise<void> | undefined;
  const hold = async (accepted: Promise<void>, ended: AbortSignal) => {
    permitted = permission(connected, offer, options, { accepted, ended });
    await permitted;
    await begun;
    on({ type: "sending", peer: channel.peer, offer });
    progress.start();
  };
  try {
    const { omitted, ...digest } = await sendOver(stream, source, {
      offer,
      hold,
      progress: (bytes) => progress.advance(bytes),
      accepted: ({ maxRate }) => {
        if (maxRate !== undefined) channel.limitRate(maxRate / 1000);
      },
      event: (event) => progress.take(event),
    });
    // It is stored, even if the receiver should fall silent now
    channel.leave();
    await channel.closed.catch(() => {});
    if (omitted > 0) throw new Failure({ code: "incomplete", omitted });
    return await progress.done({
      side: "send",
      name: titleOf(source.offer),
      ...digest,
      files: offer.kind === "tree" ? digest.files : undefined,
      ...source.excluded !== undefined && { excluded: source.excluded },
    });
  } catch (error) {
    progress.stop();
    // A question that was withdrawn is over, too
    await permitted?.catch(() => {});
    const resumable = offer.resumable === true && progress.bytes > 0;
    const failure = error instanceof Failure && resumable
      ? error.with({ resumable })
      : error;
    await progress.failed(failure);
    throw failure;
  } finally {
    await linger(channel);
  }
}

/** What is offered, with what a person there is to know, and the key by which this side is known again. */
async function offerOf(
  source: Source,
  { binding, peerAsks }: Connected,
  { on, signal }: Checked,
): Promise<Offer> {
  const { offer } = source;
  const attempt = attemptAt(offer, binding, on);
  if (!peerAsks || offer.kind !== "tree") return { ...offer, attempt };
  const measure = await source.measure({ signal, limit: COUNTING });
  const { files, bytes: size, more } = measure;
  return more ? { ...offer, attempt } : { ...offer, files, size, attempt };
}

function attemptAt(
  offer: Offer,
  binding: Uint8Array,
  on: OnEvent,
): Attempt | undefined {
  const { secret, unsafe } = attemptSecret();
  if (unsafe !== undefined) on({ type: "key-unusable", path: unsafe });
  if (secret === undefined) return undefined;
  const key = new AttemptKey(secret, offer.names.join("/"));
  return { key: key.publicKey, proof: key.prove(binding) };
}

/**
 * Waits until content may leave: until a person at the receiver has accepted
 * the offer, where one is asked there, and the one here the receiver.
 */
async function permission(
  { channel, mode, words, peerAsks }: Connected,
  offer: Offer,
  { confirm, on }: Checked<SendOptions>,
  { accepted, ended }: { accepted: Promise<void>; ended: AbortSignal },
): Promise<void> {
  const { peer } = channel;
  const confirmed = async () => {
    if (confirm === undefined || mode !== "encrypted") return;
    const request = { peer, words: await words ?? [], title: titleOf(offer) };
    if (await answerOf(confirm, request, ended)) return;
    throw new Failure({ code: "not-confirmed", peer });
  };
  const asking = setTimeout(
    () => peerAsks && on({ type: "asking", address: peer }),
    ASKING_DELAY,
  );
  try {
    // A receiver that asks nobody accepts in advance
    await Promise.all([peerAsks ? accepted : undefined, confirmed()]);
  } finally {
    clearTimeout(asking);
  }
}
