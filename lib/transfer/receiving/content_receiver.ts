import { createHash, type Hash } from "node:crypto";
import { Failure } from "../../base/failure.ts";
import type { CommitOptions, Kept, Sink } from "../content.ts";
import { BLOCK_SIZE } from "../content.ts";
import { malformed, readInt64, writeInt64 } from "../wire/fields.ts";
import { frame, FrameType } from "../wire/frame.ts";
import { corrupt, ended, type Intake } from "./intake.ts";
import {
  decodeComplaint,
  decodeDigest,
  type Digest,
  encodeAccept,
  type Offer,
} from "../wire/messages.ts";
import type { Receiver } from "./receiver.ts";

/** Receives one stream or one file. */
export class ContentReceiver implements Receiver {
  accepted = false;
  #intake: Intake;
  #sink: Sink;
  #offer: Offer;

  constructor(intake: Intake, sink: Sink, offer: Offer) {
    this.#intake = intake;
    this.#sink = sink;
    this.#offer = offer;
  }

  async run(options?: CommitOptions): Promise<Digest> {
    const { kept } = this.#sink;
    const resume = kept !== undefined && this.#offer.resumable === true;
    await this.#intake.say(encodeAccept({ resume }));
    this.accepted = true;
    this.#intake.begin(this.#sink);
    if (resume) {
      await this.#resume(kept);
    } else if (kept !== undefined) {
      await kept.resume(0);
      this.#intake.event({ type: "restarted" });
    }

    const { size = 0 } = this.#offer;
    this.#sink.checkRoom?.(size - this.#intake.bytes);

    const promised = await this.#content();
    const sum = await this.#intake.finish();
    const digest = { bytes: this.#intake.bytes, sha256: sum.toHex() };
    if (promised.bytes !== digest.bytes || promised.sha256 !== digest.sha256) {
      throw corrupt();
    }
    await this.#sink.commit(options);
    return digest;
  }

  discard(): void {}

  /** Proves what is there, and goes on with as much of it as the sender agrees to. */
  async #resume(kept: Kept): Promise<void> {
    const { frames, event } = this.#intake;
    await this.#intake.say(haveFrame([kept.length]));
    const hash = await hashOf(kept);
    const proof = hash.copy().digest();
    await this.#intake.say(frame(FrameType.PREFIX_DIGESTS, proof));
    await skipToRestart(this.#intake);
    const header = await frames.next();
    if (header?.type !== FrameType.RESUME_AT) {
      throw malformed("it does not say where it goes on");
    }
    const from = takenFrom(await frames.body());
    if (from !== 0 && from !== kept.length) {
      throw malformed(`it goes on at ${from}, where nothing ends`);
    }
    await kept.resume(from);
    if (from === 0) return event({ type: "restarted" });
    this.#intake.begin(this.#sink, hash);
    this.#intake.count(from);
    event({ type: "kept", bytes: from });
  }

  /** Takes DATA until END. @returns what END promises */
  async #content(): Promise<Digest> {
    const { frames } = this.#intake;
    for (;;) {
      const header = await frames.next();
      switch (header?.type) {
        case FrameType.DATA:
          if (
            this.#intake.bytes + frames.left > (this.#offer.size ?? Infinity)
          ) {
            throw malformed("more arrives than was offered");
          }
          await this.#intake.take();
          break;
        case FrameType.END:
          return decodeDigest(await frames.body());
        default:
          return await unexpected(this.#intake, header?.type);
      }
    }
  }
}

/** What comes in the place of content: the end of the stream, ABORT, or what nobody knows. */
export async function unexpected(
  { frames }: Intake,
  type: number | undefined,
): Promise<never> {
  if (type === undefined) throw ended();
  if (type !== FrameType.ABORT) {
    throw malformed(`type ${type} is not known here`);
  }
  throw new Failure(
    "peer-failed",
    `The sender could not go on: ${decodeComplaint(await frames.body())}`,
  );
}

/** Throws away what the sender sent before it knew that something is here. */
export async function skipToRestart(intake: Intake): Promise<void> {
  for (;;) {
    const header = await intake.frames.next();
    if (header === null) throw ended();
    if (header.type === FrameType.ABORT) await unexpected(intake, header.type);
    await intake.skip();
    if (header.type === FrameType.RESTART) return;
  }
}

/** The OFFSETS frame for files of which so much is there. */
export function haveFrame(lengths: readonly number[]): Uint8Array {
  const body = new Uint8Array(8 * lengths.length);
  for (const [at, length] of lengths.entries()) {
    writeInt64(body, 8 * at, length);
  }
  return frame(FrameType.OFFSETS, body);
}

/** The position in the body of a RESUME_AT frame. */
export function takenFrom(body: Uint8Array): number {
  if (body.length !== 8) throw malformed("a position has not 8 bytes");
  return readInt64(body, 0);
}

/** Reads all that there is. @returns its SHA-256, to be gone on with */
export async function hashOf(
  content: { read(into: Uint8Array): Promise<number | null> },
): Promise<Hash> {
  const hash = createHash("sha256");
  const block = new Uint8Array(BLOCK_SIZE);
  for (;;) {
    const count = await content.read(block);
    if (count === null) return hash;
    hash.update(block.subarray(0, count));
  }
}
