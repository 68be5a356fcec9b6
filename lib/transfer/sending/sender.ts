import type { ByteStream } from "../../base/byte_stream.ts";
import { Failure } from "../../base/failure.ts";
import { Answers } from "./answers.ts";
import { Blocks } from "../wire/frame_writer.ts";
import {
  BLOCK_SIZE,
  type Source,
  type TransferEvent,
  type TreeSource,
} from "../content.ts";
import { ContentSender } from "./content_sender.ts";
import { malformed } from "../wire/fields.ts";
import { FrameType } from "../wire/frame.ts";
import {
  type Digest,
  encodeComplaint,
  encodeDigest,
  encodeOffer,
  type Ending,
  type Offer,
  Reason,
} from "../wire/messages.ts";
import { within } from "../../base/async.ts";
import { TreeSender } from "./tree_sender.ts";

/** Settings of {@linkcode send}. */
export interface SendOptions {
  /** Told how many bytes of the content the stream has taken so far, or the receiver has had before. */
  progress?: (bytes: number) => void;
  /** Told of what a person may want to know. */
  event?: (event: TransferEvent) => void;
  /**
   * What is said of the source.
   * @default {its own offer}
   */
  offer?: Offer;
  /**
   * Called once the offer is on its way; content waits until it resolves, and is
   * not sent if it rejects.
   *
   * @param accepted resolves when the receiver has accepted the offer
   * @param ended is aborted when nothing is to be sent any more
   */
  hold?: (accepted: Promise<void>, ended: AbortSignal) => Promise<void>;
  /**
   * How long the receiver may take to end once it was told that the source
   * failed, in milliseconds.
   * @default {5000}
   */
  linger?: number;
}

/** Bytes that are sent, of what can be sent again, before the receiver has said what it has. */
const EARLY = BLOCK_SIZE;

/**
 * Sends what `source` holds: an offer and the content right behind it,
 * listening to the receiver all the while. What the receiver has from an earlier
 * attempt is not sent again, if the source can be read from its beginning, or
 * its offer says so. The stream is aborted on failure.
 *
 * @returns what was sent, once the receiver has said that it is stored
 * @throws {Failure} what the receiver said (`refused`, `peer-failed`), what the
 * source threw, or what the stream threw
 */
export async function send(
  stream: ByteStream,
  source: Source | TreeSource,
  options: SendOptions = {},
): Promise<Ending> {
  const answers = new Answers(stream);
  const { verdict } = answers;
  const ended = new AbortController();
  const outgoing = new Outgoing(stream, answers, source, options);
  const written = outgoing.run(ended.signal);
  // Whichever loses the race below may still fail, unheard
  written.catch(() => {});

  try {
    const stored = await Promise.race([
      verdict,
      written.then(() => verdict, async (error) => {
        if (error === outgoing.withheld) throw error;
        if (error === outgoing.failure) {
          await within(options.linger ?? 5000, verdict);
        } else if (!(error instanceof Failure && error.reason === "protocol")) {
          // Where the stream broke, the receiver's last word may have come before
          await verdict;
        }
        throw error;
      }),
    ]);
    return agreed(outgoing.ending, stored);
  } catch (error) {
    // What the receiver says once it was told is only an echo
    const failure = (outgoing.failure ?? error) as Error;
    ended.abort(failure);
    stream.abort(failure);
    // What reads files ends soon, and leaves none open; a pipe may stay silent
    if (canBeReadAgain(source)) await within(options.linger ?? 5000, written);
    throw failure;
  }
}

function canBeReadAgain(source: Source | TreeSource): boolean {
  return "walk" in source || source.seek !== undefined;
}

/** @throws {Failure} unless what was sent is what was stored */
function agreed(sent: Ending | undefined, stored: Digest): Ending {
  if (sent === undefined) {
    throw malformed("all is said to be stored before all was sent");
  }
  if (
    stored.bytes !== sent.bytes || stored.sha256 !== sent.sha256 ||
    stored.files !== sent.files
  ) {
    throw new Failure(
      "corrupt",
      "What the receiver stored is not what was sent; send it again",
    );
  }
  return sent;
}

/** What puts the content of an offer into blocks. */
export interface Sender {
  /** Puts all of it, as though the receiver had nothing. */
  all(): Promise<Ending>;
  /** Puts what the receiver does not have. */
  rest(): Promise<Ending>;
}

/** What a {@linkcode Sender} works with. */
export interface Desk {
  readonly blocks: Blocks;
  readonly answers: Answers;
  readonly event: (event: TransferEvent) => void;
  /**
   * Begins to write what was put.
   *
   * @throws {ResumeSignal} if the receiver has something, and that was not known
   */
  flush(): Promise<void>;
  /** Ends the transfer for something that is wrong at this side. */
  fail(error: unknown): never;
}

/** The receiver has something of what is sent: what was sent so far does not count. */
class ResumeSignal extends Error {}

/** The sender's direction: OFFER, the content, END; or ABORT where the source fails. */
class Outgoing implements Desk {
  /** What was sent, from just before END is. */
  ending: Ending | undefined;
  /** What the source threw; the receiver is told. */
  failure: unknown;
  /** Why no content was sent at all. */
  withheld: unknown;

  readonly blocks: Blocks;
  readonly answers: Answers;
  readonly event: (event: TransferEvent) => void;
  #stream: ByteStream;
  #source: Source | TreeSource;
  #options: SendOptions;
  /** Whether it is known what the receiver has. */
  #settled: boolean;

  constructor(
    stream: ByteStream,
    answers: Answers,
    source: Source | TreeSource,
    options: SendOptions,
  ) {
    this.#stream = stream;
    this.answers = answers;
    this.#source = source;
    this.#options = options;
    this.#settled = !source.offer.resumable;
    this.blocks = new Blocks(stream, options.progress ?? (() => {}));
    this.event = options.event ?? (() => {});
  }

  /** @throws what the stream throws, or `failure` once the stream took ABORT */
  async run(ended: AbortSignal): Promise<void> {
    const { hold, offer } = this.#options;
    await this.#stream.write(encodeOffer(offer ?? this.#source.offer));
    const accepted = this.answers.acceptance.then(() => {});
    // Whoever does not wait for it is not to be told by a crash
    accepted.catch(() => {});
    await hold?.(accepted, ended).catch((error) => {
      this.withheld = error;
      throw error;
    });
    try {
      await this.#content();
    } catch (error) {
      if (error !== this.failure) throw error;
      this.blocks.rewind(0, 0);
      await this.blocks.drain();
      await this.#stream.write(encodeComplaint(FrameType.ABORT, Reason.SOURCE));
      await this.#stream.closeWrite();
      throw error;
    }
    await this.#stream.closeWrite();
  }

  async flush(): Promise<void> {
    await this.blocks.flush();
    if (this.#settled) return;
    if (this.blocks.content < EARLY && !this.answers.accepted) return;
    await this.#settle();
  }

  fail(error: unknown): never {
    this.failure = error;
    throw error;
  }

  async #content(): Promise<void> {
    const sender = "walk" in this.#source
      ? new TreeSender(this, this.#source)
      : new ContentSender(this, this.#source);
    try {
      // What is read only once is not begun before it is known where
      if (!canBeReadAgain(this.#source)) await this.#settle();
      await this.#end(await sender.all());
      await this.#settle();
    } catch (error) {
      if (!(error instanceof ResumeSignal)) throw error;
      this.ending = undefined;
      this.blocks.rewind(0, 0);
      await this.blocks.add(FrameType.RESTART, new Uint8Array(0));
      await this.#end(await sender.rest());
    }
  }

  async #settle(): Promise<void> {
    if (this.#settled) return;
    const { resume } = await this.answers.acceptance;
    this.#settled = true;
    if (resume) throw new ResumeSignal();
  }

  async #end(ending: Ending): Promise<void> {
    await this.blocks.drain();
    this.ending = ending;
    await this.#stream.write(encodeDigest(FrameType.END, ending));
  }
}
