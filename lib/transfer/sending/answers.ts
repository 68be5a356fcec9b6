import type { ByteStream } from "../../base/byte_stream.ts";
import { Failure } from "../../base/failure.ts";
import { SUM_SIZE } from "../wire/entries.ts";
import { malformed, readInt64 } from "../wire/fields.ts";
import { FrameReader, FrameType } from "../wire/frame.ts";
import {
  type Acceptance,
  decodeAccept,
  decodeComplaint,
  decodeDigest,
  type Digest,
  Reason,
  reasonIn,
} from "../wire/messages.ts";

/** Answers that may wait to be asked for, in frames: more were never asked of anybody. */
const MAX_WAITING = 64;

/** What a receiver says that it has of a file. */
export type Having =
  | { readonly what: "nothing" }
  | { readonly what: "part"; readonly length: number }
  | { readonly what: "whole" };

/** How {@linkcode Having} is written: the length of a part; 0 for nothing; this for the whole. */
export const WHOLE = -1;

/** Listens to the receiver from beginning to end. */
export class Answers {
  /**
   * Resolves to what the receiver stored.
   *
   * @throws {Failure} `refused`, `peer-failed`, `protocol`, or what the stream throws
   */
  readonly verdict: Promise<Digest>;
  /** Resolves when the offer was accepted; throws what `verdict` throws if it never is. */
  readonly acceptance: Promise<Acceptance>;
  /** What `acceptance` resolved to. */
  accepted: Acceptance | undefined;
  #accept: (acceptance: Acceptance) => void;
  #having = new Mailbox();
  #proofs = new Mailbox();

  constructor(stream: ByteStream) {
    const { promise, resolve, reject } = Promise.withResolvers<Acceptance>();
    this.acceptance = promise;
    this.#accept = resolve;
    this.verdict = this.#listen(new FrameReader(stream));
    // Whoever does not ask is not to be told by a crash
    this.acceptance.catch(() => {});
    this.verdict.catch((error) => {
      reject(error);
      this.#having.fail(error);
      this.#proofs.fail(error);
    });
  }

  /** The next file's answer. Throws what `verdict` throws. */
  async having(): Promise<Having> {
    const length = readInt64(await this.#having.take(8), 0);
    if (length === WHOLE) return { what: "whole" };
    if (length < 0) throw malformed("it has less than nothing");
    return length === 0 ? { what: "nothing" } : { what: "part", length };
  }

  /** The SHA-256 of what the receiver has of the next file of which it has something. */
  proof(): Promise<Uint8Array> {
    return this.#proofs.take(SUM_SIZE);
  }

  async #listen(frames: FrameReader): Promise<Digest> {
    for (;;) {
      const header = await frames.next();
      if (header === null) {
        throw new Failure(
          "peer-stopped",
          "The receiver ended without saying that everything was stored",
        );
      }
      const digest = this.#hear(header.type, await frames.body());
      if (digest !== undefined) return digest;
    }
  }

  /** @returns the last word, if it is one */
  #hear(type: number, body: Uint8Array): Digest | undefined {
    if (type === FrameType.FAILED) {
      throw new Failure(
        "peer-failed",
        `The receiver could not go on: ${decodeComplaint(body)}`,
      );
    } else if (this.accepted === undefined) {
      this.#hearFirst(type, body);
    } else if (type === FrameType.DONE) {
      const { bytes, sha256, files } = decodeDigest(body);
      return { bytes, sha256, files };
    } else if (type === FrameType.OFFSETS && this.accepted.resume) {
      this.#having.put(body);
    } else if (type === FrameType.PREFIX_DIGESTS && this.accepted.resume) {
      this.#proofs.put(body);
    } else {
      throw malformed(`type ${type} is not known here, or out of turn`);
    }
    return undefined;
  }

  #hearFirst(type: number, body: Uint8Array): void {
    if (type === FrameType.REFUSE) {
      throw refusedBy(body);
    } else if (type !== FrameType.ACCEPT) {
      throw malformed(`type ${type} is not known here, or out of turn`);
    }
    this.accepted = decodeAccept(body);
    this.#accept(this.accepted);
  }
}

function refusedBy(body: Uint8Array): Failure {
  switch (reasonIn(body)) {
    case Reason.DECLINED:
      return new Failure("declined", "The person at the receiver declined");
    case Reason.BUSY:
      return new Failure(
        "busy",
        "The receiver serves somebody else; try later",
      );
    default:
      return new Failure(
        "refused",
        `The receiver refused: ${decodeComplaint(body)}`,
      );
  }
}

/** Rows of records of one size, taken one by one. */
class Mailbox {
  #waiting: Uint8Array[] = [];
  #at = 0;
  #arrived = Promise.withResolvers<void>();
  #failure: unknown;

  /** Nothing more will come. */
  fail(error: unknown): void {
    this.#failure = error;
    this.#arrived.resolve();
  }

  put(body: Uint8Array): void {
    if (body.length === 0) return;
    if (this.#waiting.push(body) > MAX_WAITING) {
      throw malformed("it answers what was not asked");
    }
    this.#arrived.resolve();
  }

  async take(size: number): Promise<Uint8Array> {
    while (this.#waiting.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      this.#arrived = Promise.withResolvers<void>();
      await this.#arrived.promise;
    }
    const [body] = this.#waiting;
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
