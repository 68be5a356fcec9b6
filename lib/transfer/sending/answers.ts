import type { ByteStream } from "../../base/byte_stream.ts";
import { Failure } from "../../base/failure.ts";
import { readInt64 } from "../wire/fields.ts";
import { FrameType, SHA256_SIZE } from "../wire/frame.ts";
import { FrameReader } from "../wire/frame_reader.ts";
import { malformed } from "../wire/malformed.ts";
import {
  type Acceptance,
  decodeAccept,
  decodeDigest,
  type Digest,
  EXISTING,
} from "../wire/messages.ts";
import { decodeFailure } from "../wire/reasons.ts";

/** Frames of answers that may wait to be taken: an honest receiver is never asked for more. */
const MAX_WAITING = 64;

/** Reads the receiver's direction from beginning to end. */
export class Answers {
  /**
   * Resolves to what the receiver stored.
   *
   * @throws {Failure} `peer-refused`, `peer-failed`, `malformed`, or what the stream throws
   */
  readonly verdict: Promise<Digest>;
  /** Resolves when the offer was accepted; throws what `verdict` throws if it never is. */
  readonly acceptance: Promise<Acceptance>;
  #accepted: Acceptance | undefined;
  #accept: (acceptance: Acceptance) => void;
  #offsets = new RecordQueue();
  #digests = new RecordQueue();
  #comparisons = new RecordQueue();

  constructor(stream: ByteStream) {
    const { promise, resolve, reject } = Promise.withResolvers<Acceptance>();
    this.acceptance = promise;
    this.#accept = resolve;
    this.verdict = this.#listen(new FrameReader(stream));
    // A sender that has failed already awaits neither
    this.acceptance.catch(() => {});
    this.verdict.catch((error) => {
      reject(error);
      this.#offsets.fail(error);
      this.#digests.fail(error);
      this.#comparisons.fail(error);
    });
  }

  /** What `acceptance` resolved to. */
  get accepted(): Acceptance | undefined {
    return this.#accepted;
  }

  /** What the receiver has of the next file: {@linkcode WHOLE}, {@linkcode EXISTING}, or bytes. Throws what `verdict` throws. */
  async offset(): Promise<number> {
    const offset = readInt64(await this.#offsets.take(8));
    if (offset < EXISTING) throw malformed("an offset is negative");
    return offset;
  }

  /** The SHA-256 of what the receiver has of the next file of which it has something. */
  prefixDigest(): Promise<Uint8Array> {
    return this.#digests.take(SHA256_SIZE);
  }

  /** Whether the next file that was to be compared is the same. */
  async same(): Promise<boolean> {
    const [answer] = await this.#comparisons.take(1);
    return answer === 1;
  }

  async #listen(frames: FrameReader): Promise<Digest> {
    for (;;) {
      const header = await frames.next();
      if (header === null) {
        throw new Failure({ code: "peer-ended", by: "receiver" });
      }
      const digest = this.#take(header.type, await frames.body());
      if (digest !== undefined) return digest;
    }
  }

  /** @returns what DONE says */
  #take(type: number, body: Uint8Array): Digest | undefined {
    const first = this.#accepted === undefined;
    if (type === FrameType.FAILED || first && type === FrameType.REFUSE) {
      throw decodeFailure(type, body);
    } else if (first && type === FrameType.ACCEPT) {
      this.#accepted = decodeAccept(body);
      this.#accept(this.#accepted);
    } else if (!first && type === FrameType.DONE) {
      return decodeDigest(body);
    } else if (this.#accepted?.resume && type === FrameType.OFFSETS) {
      this.#offsets.put(body);
    } else if (this.#accepted?.resume && type === FrameType.PREFIX_DIGESTS) {
      this.#digests.put(body);
    } else if (this.#accepted?.resume && type === FrameType.COMPARED) {
      this.#comparisons.put(body);
    } else {
      throw malformed(`a frame of type ${type} is unknown or out of turn`);
    }
    return undefined;
  }
}

/** Rows of records of one size, taken one by one. */
class RecordQueue {
  #waiting: Uint8Array[] = [];
  #at = 0;
  #changed = Promise.withResolvers<void>();
  #failure: unknown;

  /** Nothing more will come. */
  fail(error: unknown): void {
    this.#failure = error;
    this.#changed.resolve();
  }

  put(body: Uint8Array): void {
    if (body.length === 0) return;
    if (this.#waiting.push(body) > MAX_WAITING) {
      throw malformed("it answers what was not asked");
    }
    this.#changed.resolve();
  }

  async take(size: number): Promise<Uint8Array> {
    for (;;) {
      const [body] = this.#waiting;
      if (body !== undefined) return this.#takeFrom(body, size);
      if (this.#failure !== undefined) throw this.#failure;
      this.#changed = Promise.withResolvers<void>();
      await this.#changed.promise;
    }
  }

  #takeFrom(body: Uint8Array, size: number): Uint8Array {
    const record = body.subarray(this.#at, this.#at + size);
    if (record.length < size) throw malformed("an answer is cut short");
    this.#at += size;
    if (this.#at === body.length) {
      this.#waiting.shift();
      this.#at = 0;
    }
    return record;
  }
}
