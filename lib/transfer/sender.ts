import { createHash } from "node:crypto";
import type { ByteStream } from "../base/byte_stream.ts";
import { Failure } from "../base/failure.ts";
import { BLOCK_SIZE, type Source } from "./content.ts";
import { malformed } from "./fields.ts";
import { FrameReader, FrameType, HEADER_SIZE, writeHeader } from "./frame.ts";
import {
  decodeAccept,
  decodeComplaint,
  decodeDigest,
  type Digest,
  encodeComplaint,
  encodeDigest,
  encodeOffer,
  Reason,
} from "./messages.ts";
import { within } from "./moment.ts";

/** Settings of {@linkcode send}. */
export interface SendOptions {
  /** Told how many bytes of the content the stream has taken so far. */
  progress?: (bytes: number) => void;
  /**
   * How long the receiver may take to end once it was told that the source
   * failed, in milliseconds.
   * @default {5000}
   */
  linger?: number;
}

/**
 * Sends what `source` holds: an offer and the content right behind it,
 * listening to the receiver all the while. The stream is aborted on failure.
 *
 * @returns what was sent, once the receiver has said that it is stored
 * @throws {Failure} what the receiver said (`refused`, `peer-failed`), what the
 * source threw, or what the stream threw
 */
export async function send(
  stream: ByteStream,
  source: Source,
  options: SendOptions = {},
): Promise<Digest> {
  const outgoing = new Outgoing(stream, source, options.progress);
  const verdict = readVerdict(new FrameReader(stream));
  const written = outgoing.run();
  // Whichever loses the race below may still fail, unheard
  verdict.catch(() => {});
  written.catch(() => {});

  try {
    const stored = await Promise.race([
      verdict,
      written.then(() => verdict, async (error) => {
        // Where the stream broke, the receiver's last word may have come before
        if (error !== outgoing.failure) await verdict;
        else await within(options.linger ?? 5000, verdict);
        throw error;
      }),
    ]);
    const sent = outgoing.digest;
    if (sent === undefined) {
      throw malformed("all is said to be stored before all was sent");
    }
    if (stored.bytes !== sent.bytes || stored.sha256 !== sent.sha256) {
      throw new Failure(
        "corrupt",
        "What the receiver stored is not what was sent; send it again",
      );
    }
    return sent;
  } catch (error) {
    // What the receiver says once it was told is only an echo
    const failure = (outgoing.failure ?? error) as Error;
    stream.abort(failure);
    throw failure;
  }
}

/** The sender's direction: OFFER, DATA until the source ends, END; or ABORT where the source fails. */
class Outgoing {
  /** What was sent, from just before END is. */
  digest: Digest | undefined;
  /** What the source threw; the receiver is told. */
  failure: unknown;

  #stream: ByteStream;
  #source: Source;
  #progress: (bytes: number) => void;

  constructor(
    stream: ByteStream,
    source: Source,
    progress: (bytes: number) => void = () => {},
  ) {
    this.#stream = stream;
    this.#source = source;
    this.#progress = progress;
  }

  /** @throws what the stream throws, or `failure` once the stream took ABORT */
  async run(): Promise<void> {
    const stream = this.#stream;
    await stream.write(encodeOffer(this.#source.offer));
    try {
      this.digest = await this.#content();
    } catch (error) {
      if (error !== this.failure) throw error;
      await stream.write(encodeComplaint(FrameType.ABORT, Reason.SOURCE));
      await stream.closeWrite();
      throw error;
    }
    await stream.write(encodeDigest(FrameType.END, this.digest));
    await stream.closeWrite();
  }

  /** Sends one block while the next is read. */
  async #content(): Promise<Digest> {
    const { size } = this.#source.offer;
    const hash = createHash("sha256");
    let bytes = 0;
    let block = new Uint8Array(HEADER_SIZE + BLOCK_SIZE);
    let spare = new Uint8Array(HEADER_SIZE + BLOCK_SIZE);
    let reading = this.#read(block);
    for (;;) {
      const count = await reading;
      if (count === null) break;
      bytes += count;
      if (size !== undefined && bytes > size) this.#fail(changed(bytes, size));

      [block, spare] = [spare, block];
      reading = this.#read(block);
      reading.catch(() => {});
      writeHeader(spare, FrameType.DATA, count);
      const whole = spare.subarray(0, HEADER_SIZE + count);
      const taken = this.#stream.write(whole);
      hash.update(whole.subarray(HEADER_SIZE));
      await taken;
      this.#progress(bytes);
    }
    if (size !== undefined && bytes < size) this.#fail(changed(bytes, size));
    return { bytes, sha256: hash.digest("hex") };
  }

  /** Reads behind the place of a frame's header. */
  async #read(block: Uint8Array): Promise<number | null> {
    try {
      return await this.#source.read(block.subarray(HEADER_SIZE));
    } catch (error) {
      return this.#fail(error);
    }
  }

  #fail(error: unknown): never {
    this.failure = error;
    throw error;
  }
}

function changed(bytes: number, size: number): Failure {
  return new Failure(
    "local",
    `The file changed while it was being read: ${
      bytes > size
        ? `more than the ${size} bytes`
        : `${bytes} bytes, not ${size},`
    } that were offered; send it again`,
  );
}

/**
 * Reads what the receiver has to say: ACCEPT and DONE, or REFUSE or FAILED.
 *
 * @returns what the receiver stored
 * @throws {Failure} `refused`, `peer-failed`, `protocol`, or what the stream throws
 */
async function readVerdict(frames: FrameReader): Promise<Digest> {
  for (let accepted = false;; accepted = true) {
    const header = await frames.next();
    if (header === null) {
      throw new Failure(
        "peer-stopped",
        "The receiver ended without saying that everything was stored",
      );
    }
    const body = await frames.body();
    if (header.type === FrameType.FAILED) {
      throw new Failure(
        "peer-failed",
        `The receiver could not go on: ${decodeComplaint(body)}`,
      );
    } else if (header.type === FrameType.REFUSE && !accepted) {
      throw new Failure(
        "refused",
        `The receiver refused: ${decodeComplaint(body)}`,
      );
    } else if (header.type === FrameType.ACCEPT && !accepted) {
      decodeAccept(body);
    } else if (header.type === FrameType.DONE && accepted) {
      return decodeDigest(body);
    } else {
      throw malformed(`type ${header.type} is not known here, or out of turn`);
    }
  }
}
