import { within } from "../../base/async.ts";
import type { ByteStream } from "../../base/byte_stream.ts";
import { Failure } from "../../base/failure.ts";
import type { TransferEvent } from "../events.ts";
import type { Source } from "../source.ts";
import { FrameType } from "../wire/frame.ts";
import { FrameWriter } from "../wire/frame_writer.ts";
import { malformed } from "../wire/malformed.ts";
import {
  type Acceptance,
  type Digest,
  encodeDigest,
  encodeOffer,
  type Offer,
  type SentDigest,
} from "../wire/messages.ts";
import { encodeFailure } from "../wire/reasons.ts";
import { Answers } from "./answers.ts";
import { EntrySender, SourceError } from "./entry_sender.ts";

/** Settings of {@linkcode sendOver}. */
export interface SenderOptions {
  /** Told how many bytes of content the stream has taken, or the receiver had before. */
  progress?: ((bytes: number) => void) | undefined;
  /** Told what happens. */
  event?: ((event: TransferEvent) => void) | undefined;
  /**
   * What is said of the source.
   * @default {its own offer}
   */
  offer?: Offer | undefined;
  /**
   * Called once the offer is on its way; content waits until it resolves, and is
   * not sent if it rejects.
   *
   * @param accepted resolves when the receiver has accepted the offer
   * @param ended is aborted when nothing is to be sent any more
   */
  hold?:
    | ((accepted: Promise<void>, ended: AbortSignal) => Promise<void>)
    | undefined;
  /** Told what the receiver says when it accepts the offer. */
  accepted?: ((acceptance: Acceptance) => void) | undefined;
  /**
   * How long content is sent before a tree is counted, in milliseconds: one that
   * takes less time than that need not be.
   * @default {400}
   */
  countAfter?: number | undefined;
  /**
   * How long the receiver may take to end once it was told that the source
   * failed, in milliseconds.
   * @default {5000}
   */
  linger?: number | undefined;
}

/**
 * Sends what `source` holds: an offer and its content right behind it, reading
 * the receiver's direction all the while. If the offer is resumable, what the
 * receiver has from an earlier attempt is not sent again. The stream is aborted
 * on failure.
 *
 * @returns what was sent, once the receiver has said that it is stored
 * @throws {Failure} what the receiver said, what the source threw, or what the
 * stream threw
 */
export async function sendOver(
  stream: ByteStream,
  source: Source,
  options: SenderOptions = {},
): Promise<SentDigest> {
  const { linger = 5000 } = options;
  const sender = new Sender(stream, source, options);
  const { verdict } = sender.answers;
  const ended = new AbortController();
  const written = sender.run(ended.signal);
  // It may lose the race below, and fail later
  written.catch(() => {});

  try {
    const stored = await Promise.race([
      verdict,
      written.then(() => verdict, async (error) => {
        if (error === sender.withheld) throw error;
        if (error instanceof SourceError) {
          await within(linger, verdict);
          throw error.cause;
        }
        // Where the stream broke, the receiver's last frame may have come before
        if (!(error instanceof Failure && error.code === "malformed")) {
          await verdict;
        }
        throw error;
      }),
    ]);
    return agreed(sender.sent, stored);
  } catch (error) {
    // What the receiver says once it was told only repeats that
    const failure = (sender.sourceError?.cause ?? error) as Error;
    ended.abort(failure);
    stream.abort(failure);
    // Reading files ends soon, and leaves none open; a pipe may stay silent
    if (source.rereadable) await within(linger, written);
    throw failure;
  }
}

/** @throws {Failure} unless what was sent is what was stored */
function agreed(sent: SentDigest | undefined, stored: Digest): SentDigest {
  if (sent === undefined) throw malformed("DONE before END");
  if (
    stored.bytes !== sent.bytes || stored.sha256 !== sent.sha256 ||
    stored.files !== sent.files
  ) throw new Failure({ code: "stored-corrupt" });
  const { existing } = stored;
  return existing === undefined ? sent : { ...sent, existing };
}

/** The sender's direction: OFFER, the content, END; or ABORT where the source fails. */
class Sender {
  /** What was sent, from just before END is. */
  sent: SentDigest | undefined;
  /** Why no content was sent. */
  withheld: unknown;
  sourceError: SourceError | undefined;
  readonly answers: Answers;
  #stream: ByteStream;
  #source: Source;
  #options: SenderOptions;

  constructor(stream: ByteStream, source: Source, options: SenderOptions) {
    this.answers = new Answers(stream);
    this.#stream = stream;
    this.#source = source;
    this.#options = options;
  }

  /** @throws what the stream throws; or {@linkcode SourceError} once the stream took ABORT */
  async run(ended: AbortSignal): Promise<void> {
    const { hold, offer = this.#source.offer } = this.#options;
    await this.#stream.write(encodeOffer(offer));
    const accepted = this.answers.acceptance.then((acceptance) => {
      this.#options.accepted?.(acceptance);
    });
    // `hold` need not await it
    accepted.catch(() => {});
    await hold?.(accepted, ended).catch((error) => {
      this.withheld = error;
      throw error;
    });
    await this.#content(offer);
    await this.#stream.closeWrite();
  }

  async #content(offer: Offer): Promise<void> {
    const { resumable = false } = offer;
    const { progress = () => {}, event = () => {} } = this.#options;
    const frames = new FrameWriter(this.#stream, progress);
    const context = { frames, answers: this.answers, event };
    const entries = new EntrySender(context, this.#source, resumable);
    const sending = new AbortController();
    const isCounted = offer.kind !== "tree" || offer.files !== undefined;
    if (!isCounted) this.#count(entries, sending.signal);
    try {
      const sent = await entries.run();
      await frames.drain();
      this.sent = sent;
      await this.#stream.write(encodeDigest(FrameType.END, sent));
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      this.sourceError = error;
      frames.clear();
      await frames.drain();
      const failure = { code: "read-failed" } as const;
      await this.#stream.write(encodeFailure(FrameType.ABORT, failure));
      await this.#stream.closeWrite();
      throw error;
    } finally {
      sending.abort();
    }
  }

  /** Counts a tree while it is sent, to tell how far that has come. */
  #count(entries: EntrySender, signal: AbortSignal): void {
    const { countAfter = 400 } = this.#options;
    const timer = setTimeout(async () => {
      try {
        const limit = Infinity;
        const measure = await this.#source.measure({ signal, limit });
        const { files, bytes, more } = measure;
        if (!more && !signal.aborted) entries.tellTotal({ files, bytes });
      } catch {
        // It ended before it was counted, or cannot be
      }
    }, countAfter);
    signal.addEventListener("abort", () => clearTimeout(timer));
  }
}
