import { createHash } from "node:crypto";
import type { ByteStream } from "../base/byte_stream.ts";
import { Failure } from "../base/failure.ts";
import {
  type OpenSink,
  type Sink,
  StorageFailure,
  type StorageProblem,
} from "./content.ts";
import { malformed } from "./fields.ts";
import { FrameReader, FrameType } from "./frame.ts";
import {
  decodeComplaint,
  decodeDigest,
  decodeOffer,
  type Digest,
  encodeAccept,
  encodeComplaint,
  encodeDigest,
  type Offer,
  Reason,
  VersionFailure,
} from "./messages.ts";
import { within } from "./moment.ts";
import { WriteBehind } from "./write_behind.ts";

/** Settings of {@linkcode receive}. */
export interface ReceiveOptions {
  /** Told how many bytes of the content have arrived so far. */
  progress?: (bytes: number) => void;
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
 * discarded.
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
  const incoming = new Incoming(stream, options.progress);
  const stop = () => incoming.behind.fail(options.signal?.reason);
  options.signal?.addEventListener("abort", stop);
  if (options.signal?.aborted) stop();
  const work = incoming.run(open);
  try {
    return await Promise.race([work, incoming.behind.failed]);
  } catch (error) {
    if (incoming.stored) return await work;
    incoming.behind.fail(error);
    incoming.discard();
    // What is on its way is taken and thrown away, lest it hold up the message
    const ended = work.catch(() => drain(stream));
    const told = tell(stream, incoming.accepted, error);
    const over = Promise.all([ended, told]);
    if (!await within(options.linger ?? 5000, over)) {
      stream.abort(error as Error);
    }
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", stop);
  }
}

/** The sender's direction as it arrives. */
class Incoming {
  readonly behind: WriteBehind;
  /** Whether ACCEPT was said. */
  accepted = false;

  #stream: ByteStream;
  #frames: FrameReader;
  #progress: (bytes: number) => void;
  #hash = createHash("sha256");
  #sink: Sink | undefined;
  #discarded = false;
  #bytes = 0;

  constructor(
    stream: ByteStream,
    progress: (bytes: number) => void = () => {},
  ) {
    this.#stream = stream;
    this.#frames = new FrameReader(stream);
    this.#progress = progress;
    this.behind = new WriteBehind(async (block) => {
      const written = this.#sink!.write(block);
      this.#hash.update(block);
      await written;
    });
  }

  async run(open: OpenSink): Promise<Digest> {
    const offer = await this.#offer();
    this.#goOn();
    const sink = await open(offer);
    this.#sink = sink;
    this.#goOn();
    await this.#stream.write(encodeAccept());
    this.accepted = true;

    const promised = await this.#content(offer);
    await this.behind.flush();
    this.#goOn();
    const digest = { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
    if (
      promised.bytes !== digest.bytes || promised.sha256 !== digest.sha256
    ) {
      throw new Failure(
        "corrupt",
        "What arrived is not what was sent, so it was not kept; send it again",
      );
    }
    await sink.commit();
    await this.#confirm(digest);
    return digest;
  }

  /** Whether it is too late to fail: only the sender may still have to hear of it. */
  get stored(): boolean {
    return this.#sink?.committed ?? false;
  }

  discard(): void {
    this.#discarded = true;
    this.#sink?.discard();
  }

  /** Nothing more is opened or made final once the transfer has failed. */
  #goOn(): void {
    if (!this.#discarded) return;
    this.#sink?.discard();
    throw ended();
  }

  async #offer(): Promise<Offer> {
    const header = await this.#frames.next();
    if (header === null) throw ended();
    if (header.type !== FrameType.OFFER) {
      throw malformed(`it begins with type ${header.type}, not with an offer`);
    }
    return decodeOffer(await this.#frames.body());
  }

  /** Takes DATA until END. @returns what END promises */
  async #content(offer: Offer): Promise<Digest> {
    for (;;) {
      const header = await this.#frames.next();
      if (header === null) throw ended();
      switch (header.type) {
        case FrameType.DATA:
          await this.#data(offer.size ?? Infinity);
          break;
        case FrameType.END:
          return decodeDigest(await this.#frames.body());
        case FrameType.ABORT:
          throw new Failure(
            "peer-failed",
            `The sender could not go on: ${
              decodeComplaint(await this.#frames.body())
            }`,
          );
        default:
          throw malformed(`type ${header.type} is not known here`);
      }
    }
  }

  async #data(size: number): Promise<void> {
    if (this.#bytes + this.#frames.left > size) {
      throw malformed("more arrives than was offered");
    }
    while (this.#frames.left > 0) {
      const count = await this.#frames.data(await this.behind.space());
      this.behind.filled(count);
      this.#bytes += count;
      this.#progress(this.#bytes);
    }
  }

  /** A stream that breaks now does not undo what is stored. */
  async #confirm(digest: Digest): Promise<void> {
    try {
      await this.#stream.write(encodeDigest(FrameType.DONE, digest));
      await this.#stream.closeWrite();
    } catch {
      // The sender hears nothing and says so
    }
  }
}

/** Says why the receiver does not go on, and ends its direction; a stream that is broken stays so. */
async function tell(
  stream: ByteStream,
  accepted: boolean,
  error: unknown,
): Promise<void> {
  const type = accepted ? FrameType.FAILED : FrameType.REFUSE;
  try {
    await stream.write(encodeComplaint(type, reasonOf(error)));
    await stream.closeWrite();
  } catch {
    // The peer hears it from the stream itself
  }
}

const STORAGE_REASONS: Record<StorageProblem, number> = {
  exists: Reason.EXISTS,
  full: Reason.FULL,
  closed: Reason.CLOSED,
  unusable: Reason.UNUSABLE,
};

function reasonOf(error: unknown): number {
  if (error instanceof StorageFailure) return STORAGE_REASONS[error.problem];
  if (error instanceof VersionFailure) return Reason.VERSION;
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

function ended(): Failure {
  return new Failure(
    "peer-stopped",
    "The sender ended before everything had arrived",
  );
}
