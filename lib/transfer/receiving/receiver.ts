import type { ByteStream } from "../../base/byte_stream.ts";
import { Failure, type FailureReason } from "../../base/failure.ts";
import {
  type CommitOptions,
  type OpenSink,
  type Sink,
  StorageFailure,
  type StorageProblem,
  type TransferEvent,
  type TreeSink,
} from "../content.ts";
import { ContentReceiver } from "./content_receiver.ts";
import { malformed } from "../wire/fields.ts";
import { FrameType } from "../wire/frame.ts";
import { ended, Intake } from "./intake.ts";
import {
  decodeOffer,
  type Digest,
  encodeComplaint,
  encodeDigest,
  type Offer,
  Reason,
  VersionFailure,
} from "../wire/messages.ts";
import { within } from "../../base/async.ts";
import { TreeReceiver } from "./tree_receiver.ts";
import { NameFailure } from "../wire/name_validation.ts";

/** Settings of {@linkcode receive}. */
export interface ReceiveOptions extends CommitOptions {
  /** Told how many bytes of the content are here so far. */
  progress?: (bytes: number) => void;
  /** Told of what a person may want to know. */
  event?: (event: TransferEvent) => void;
  /** Ends the transfer, whatever it waits for, with the signal's reason. */
  signal?: AbortSignal;
  /**
   * How long the sender may take to end once it was told that the transfer
   * failed, in milliseconds.
   * @default {5000}
   */
  linger?: number;
}

/**
 * Receives one offer and its content into the sink that `open` gives for it,
 * and tells the sender how that went. Unless it returns, the sink has been
 * discarded, and keeps what a later attempt can go on with.
 *
 * @returns what was stored
 * @throws {Failure} what `open` or the sink threw, `peer-failed` with what the
 * sender said, `corrupt`, `protocol`, or what the stream threw
 */
export async function receive(
  stream: ByteStream,
  open: OpenSink,
  options: ReceiveOptions = {},
): Promise<Digest> {
  const reception = new Reception(stream);
  await reception.offer(options);
  return await reception.run(open, options);
}

/**
 * One sender's transfer as it is received: its offer, and unless that is
 * refused, the content. What goes wrong the sender is told.
 */
export class Reception {
  readonly #stream: ByteStream;
  readonly #intake: Intake;
  readonly #incoming: Incoming;
  #options: ReceiveOptions = {};

  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.#intake = new Intake(
      stream,
      (bytes) => this.#options.progress?.(bytes),
      (event) => this.#options.event?.(event),
    );
    this.#incoming = new Incoming(this.#intake);
  }

  /**
   * Reads the offer, with which a sender begins.
   *
   * @throws {Failure} as {@linkcode receive} does
   */
  async offer(options: ReceiveOptions = {}): Promise<Offer> {
    return await this.#told(this.#incoming.readOffer(), options);
  }

  /**
   * Tells the sender why its offer is not taken; no more is to be done with
   * it after that.
   */
  async refuse(why: Failure, options: ReceiveOptions = {}): Promise<void> {
    await this.#told(Promise.reject(why), options).catch(() => {});
  }

  /**
   * Receives what was offered into the sink that `open` gives for it.
   *
   * @returns what was stored
   * @throws {Failure} as {@linkcode receive} does
   */
  async run(open: OpenSink, options: ReceiveOptions = {}): Promise<Digest> {
    const work = this.#incoming.run(open, options).then(async (digest) => {
      await confirm(this.#stream, this.#intake, digest);
      return digest;
    });
    return await this.#told(work, options);
  }

  /** What `work` comes to; the sender is told if that is a failure. */
  async #told<T>(work: Promise<T>, options: ReceiveOptions): Promise<T> {
    this.#options = options;
    const { signal, linger = 5000 } = options;
    const [stream, intake, incoming] = [
      this.#stream,
      this.#intake,
      this.#incoming,
    ];
    const stop = () => intake.behind.fail(signal?.reason);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      return await Promise.race([work, intake.behind.failed]);
    } catch (error) {
      if (incoming.stored) return await work;
      intake.behind.fail(error);
      incoming.discard(error);
      // What is on its way is taken and thrown away, lest it hold up the message
      const over = work.catch(() => drain(stream));
      const told = tell(stream, intake, incoming, error);
      if (!await within(linger, Promise.all([over, told]))) {
        stream.abort(error as Error);
      }
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }
}

/** What takes the content of an offer, from ACCEPT to END. */
export interface Receiver {
  /** What of a tree is being received, as a path that the sender knows. */
  readonly entry?: string;
  /** Whether ACCEPT was said. */
  readonly accepted: boolean;
  /** @returns what was stored, once all of it is */
  run(options?: CommitOptions): Promise<Digest>;
  /** Lets go of what is not complete. */
  discard(keep: boolean): void;
}

/** The sender's direction as it arrives. */
class Incoming {
  receiver: Receiver | undefined;
  #intake: Intake;
  #offer: Offer | undefined;
  #sink: Sink | TreeSink | undefined;
  #failure: unknown;

  constructor(intake: Intake) {
    this.#intake = intake;
  }

  async run(open: OpenSink, options: CommitOptions): Promise<Digest> {
    const offer = this.#offer ?? await this.readOffer();
    this.#goOn();
    const sink = await open(offer);
    this.#sink = sink;
    this.#goOn();
    this.receiver = "enter" in sink
      ? new TreeReceiver(this.#intake, sink)
      : new ContentReceiver(this.#intake, sink, offer);
    return await this.receiver.run(options);
  }

  /** Whether it is too late to fail: only the sender may still have to hear of it. */
  get stored(): boolean {
    return this.#sink?.committed ?? false;
  }

  /** Nothing more is opened or made final. */
  discard(error: unknown): void {
    this.#failure = error;
    const keep = !(error instanceof Failure) ||
      error.reason !== "corrupt" && error.reason !== "protocol";
    this.receiver?.discard(keep);
    this.#sink?.discard(keep);
  }

  #goOn(): void {
    if (this.#failure === undefined) return;
    this.#sink?.discard(true);
    throw ended();
  }

  async readOffer(): Promise<Offer> {
    const { frames } = this.#intake;
    const header = await frames.next();
    if (header === null) throw ended();
    if (header.type !== FrameType.OFFER) {
      throw malformed(`it begins with type ${header.type}, not with an offer`);
    }
    return this.#offer = decodeOffer(await frames.body());
  }
}

/** Says DONE. A stream that breaks now does not undo what is stored. */
async function confirm(
  stream: ByteStream,
  intake: Intake,
  digest: Digest,
): Promise<void> {
  try {
    await intake.say(encodeDigest(FrameType.DONE, digest));
    await stream.closeWrite();
  } catch {
    // The sender hears nothing and says so
  }
}

/** Says why the receiver does not go on, and ends its direction; a stream that is broken stays so. */
async function tell(
  stream: ByteStream,
  intake: Intake,
  { receiver }: Incoming,
  error: unknown,
): Promise<void> {
  const type = receiver?.accepted ? FrameType.FAILED : FrameType.REFUSE;
  const entry = error instanceof NameFailure
    ? error.offender
    : error instanceof StorageFailure
    ? receiver?.entry
    : undefined;
  try {
    await intake.say(encodeComplaint(type, reasonOf(error), entry));
    await stream.closeWrite();
  } catch {
    // The peer hears it from the stream itself
  }
}

const STORAGE_REASONS: Record<StorageProblem, number> = {
  exists: Reason.EXISTS,
  directory: Reason.DIRECTORY,
  full: Reason.FULL,
  readonly: Reason.READONLY,
  denied: Reason.DENIED,
  closed: Reason.CLOSED,
  tree: Reason.TREE,
  taken: Reason.TAKEN,
  unusable: Reason.UNUSABLE,
};

/** An offer is not taken, whoever could store it. */
export class OfferRefusal extends Failure {
  /** What the sender is told: one of {@linkcode Reason}. */
  readonly told: number;

  constructor(reason: FailureReason, told: number, message: string) {
    super(reason, message);
    this.told = told;
  }
}

function reasonOf(error: unknown): number {
  if (error instanceof OfferRefusal) return error.told;
  if (error instanceof StorageFailure) return STORAGE_REASONS[error.problem];
  if (error instanceof VersionFailure) return Reason.VERSION;
  if (error instanceof NameFailure) return Reason.NAME;
  if (!(error instanceof Failure)) return Reason.OTHER;
  if (error.reason === "corrupt") return Reason.CORRUPT;
  if (error.reason === "protocol") return Reason.MALFORMED;
  return Reason.OTHER;
}

/** Reads to the end and keeps nothing. */
async function drain(stream: ByteStream): Promise<void> {
  const nowhere = new Uint8Array(1 << 16);
  while (await stream.read(nowhere) !== null);
}
