import { within } from "../../base/async.ts";
import type { ByteStream } from "../../base/byte_stream.ts";
import {
  Failure,
  type FailureCode,
  type FailureDetail,
} from "../../base/failure.ts";
import type { TransferEvent } from "../events.ts";
import type { OpenSink, Sink } from "../sink.ts";
import { FrameType } from "../wire/frame.ts";
import { malformed } from "../wire/malformed.ts";
import {
  decodeOffer,
  type Digest,
  encodeDigest,
  type Offer,
} from "../wire/messages.ts";
import { encodeFailure } from "../wire/reasons.ts";
import { ReceiverContext } from "./context.ts";
import { EntryReceiver, senderEnded } from "./entry_receiver.ts";

/** After these what has arrived is of no use. */
const WORTHLESS: ReadonlySet<FailureCode> = new Set(
  ["corrupt", "malformed", "name-refused"] as const,
);
/** After these the same fails again until somebody does something about it. */
const COLLISIONS: ReadonlySet<FailureCode> = new Set(
  [
    "exists",
    "is-directory",
    "not-directory",
    "is-link",
    "is-special",
    "names-collide",
  ] as const,
);
/** Milliseconds that are left to what is under way when the signal ends it: the sender is told by that. */
const MAX_ABORTING = 1000;
/** Bytes that may arrive before the sender can know that it is refused: too few to be kept for that. */
const EARLY_LIMIT = 1 << 18;

/** Settings of a {@linkcode Reception}. */
export interface ReceptionOptions {
  /** Told how many bytes of content have arrived, or were here before. */
  progress?: ((bytes: number) => void) | undefined;
  /** Told what happens. */
  event?: ((event: TransferEvent) => void) | undefined;
  /**
   * How fast the sender is to send at most, in bytes per second.
   * @default {no limit}
   */
  maxRate?: number | undefined;
  /** Ends the transfer with the signal's reason. */
  signal?: AbortSignal | undefined;
  /**
   * How long the sender may take to end once it was told that the transfer
   * failed, in milliseconds.
   * @default {5000}
   */
  linger?: number | undefined;
}

/**
 * One sender's transfer as it is received: its offer, and unless that is
 * refused, the content. The sender is told of a failure.
 */
export class Reception {
  readonly #stream: ByteStream;
  readonly #context: ReceiverContext;
  #options: ReceptionOptions = {};
  #offer: Offer | undefined;
  #sink: Sink | undefined;
  #receiver: EntryReceiver | undefined;
  #failed = false;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.#context = new ReceiverContext(
      stream,
      (bytes) => this.#options.progress?.(bytes),
      (event) => this.#options.event?.(event),
    );
  }

  /**
   * Reads the offer, with which a sender begins.
   *
   * @throws {Failure} as `run` does
   */
  async offer(options: ReceptionOptions = {}): Promise<Offer> {
    return await this.#reporting(this.#readOffer(), options);
  }

  /** Tells the sender why its offer is not taken; nothing more can be received then. */
  async refuse(why: Failure, options: ReceptionOptions = {}): Promise<void> {
    await this.#reporting(Promise.reject(why), options).catch(() => {});
  }

  /**
   * Receives what was offered into the sink that `open` gives for it.
   *
   * Unless it returns, the sink has been discarded, and keeps what a later
   * attempt can go on with.
   *
   * @returns what was stored
   * @throws {Failure} what `open` or the sink threw, `peer-failed` with what the
   * sender said, `corrupt`, `malformed`, or what the stream threw
   */
  async run(open: OpenSink, options: ReceptionOptions = {}): Promise<Digest> {
    return await this.#reporting(this.#receive(open, options), options);
  }

  async #readOffer(): Promise<Offer> {
    const { frames } = this.#context;
    const header = await frames.next();
    if (header === null) throw senderEnded();
    if (header.type !== FrameType.OFFER) {
      throw malformed(`a frame of type ${header.type} before OFFER`);
    }
    return this.#offer = decodeOffer(await frames.body());
  }

  async #receive(
    open: OpenSink,
    options: ReceptionOptions,
  ): Promise<Digest> {
    const offer = this.#offer ?? await this.#readOffer();
    this.#checkGoing();
    this.#sink = await open(offer);
    this.#checkGoing();
    this.#receiver = new EntryReceiver(this.#context, this.#sink, offer);
    const digest = await this.#receiver.run(options.maxRate);
    try {
      await this.#context.write(encodeDigest(FrameType.DONE, digest));
      await this.#stream.closeWrite();
    } catch {
      // What is stored stays so; the sender does not hear it, and says so
    }
    return digest;
  }

  /** Awaits `work`; tells the sender if it fails. */
  async #reporting<T>(work: Promise<T>, options: ReceptionOptions): Promise<T> {
    this.#options = options;
    const { signal, linger = 5000 } = options;
    const { behind } = this.#context;
    const stop = () => behind.fail(signal?.reason);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      return await Promise.race([work, behind.failed]);
    } catch (error) {
      // Only the sender may still have to hear of it
      if (this.#sink?.committed) return await work;
      behind.fail(error);
      this.#discard(error);
      // The sender may read nothing before what it has written is taken
      const drained = work.catch(() => drain(this.#stream));
      const told = this.#tell(error);
      const limit = signal?.aborted ? Math.min(linger, MAX_ABORTING) : linger;
      if (!await within(limit, Promise.all([drained, told]))) {
        this.#stream.abort(error as Error);
      }
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Nothing more is opened or made final. */
  #discard(error: unknown): void {
    this.#failed = true;
    const { code } = detailOf(error);
    const keep = !WORTHLESS.has(code) &&
      !(COLLISIONS.has(code) && this.#context.bytes <= EARLY_LIMIT);
    this.#receiver?.discard(keep);
    this.#sink?.discard(keep);
  }

  #checkGoing(): void {
    if (!this.#failed) return;
    this.#sink?.discard(true);
    throw senderEnded();
  }

  /** Tells the sender why it fails, and ends this direction. */
  async #tell(error: unknown): Promise<void> {
    const accepted = this.#receiver?.accepted;
    const type = accepted ? FrameType.FAILED : FrameType.REFUSE;
    const detail = detailOf(error);
    const entry = "path" in detail ? this.#receiver?.entry : undefined;
    const path = detail.code === "name-refused" ? detail.name : entry;
    try {
      await this.#context.write(encodeFailure(type, detail, path));
      await this.#stream.closeWrite();
    } catch {
      // The stream is broken, and the sender learns it from that
    }
  }
}

function detailOf(error: unknown): FailureDetail {
  if (error instanceof Failure) return error.detail;
  return { code: "unexpected", what: String(error) };
}

/** Reads to the end and discards it. */
async function drain(stream: ByteStream): Promise<void> {
  const discarded = new Uint8Array(1 << 16);
  while (await stream.read(discarded) !== null);
}
