import { createHash, type Hash } from "node:crypto";
import { Failure } from "../../base/failure.ts";
import { BLOCK_SIZE, type Content, type Source } from "../content.ts";
import { malformed, writeInt64 } from "../wire/fields.ts";
import { FrameType } from "../wire/frame.ts";
import type { Ending } from "../wire/messages.ts";
import type { Desk, Sender } from "./sender.ts";

/** Sends one stream or one file. */
export class ContentSender implements Sender {
  #desk: Desk;
  #source: Source;

  constructor(desk: Desk, source: Source) {
    this.#desk = desk;
    this.#source = source;
  }

  all(): Promise<Ending> {
    return this.#from(0, createHash("sha256"));
  }

  async rest(): Promise<Ending> {
    const { blocks, answers, event } = this.#desk;
    const having = await answers.having();
    if (having.what !== "part") throw malformed("it has no part to go on with");
    const { length } = having;
    const hash = await this.#read(() => hashStart(this.#source, length));
    if (hash !== undefined && same(hash, await answers.proof())) {
      event({ type: "kept", bytes: length });
      await blocks.add(FrameType.RESUME_AT, positionBody(length));
      blocks.content = length;
      return await this.#from(length, hash);
    }
    if (this.#source.seek === undefined) this.#desk.fail(isAnother());
    event({ type: "restarted" });
    await this.#read(() => this.#source.seek!(0));
    await blocks.add(FrameType.RESUME_AT, positionBody(0));
    return await this.all();
  }

  /** Sends one block while the next is read. */
  async #from(start: number, hash: Hash): Promise<Ending> {
    const { blocks } = this.#desk;
    const { size } = this.#source.offer;
    let bytes = start;
    for (;;) {
      const space = blocks.space();
      const count = await this.#read(() => this.#source.read(space));
      if (count === null) break;
      bytes += count;
      if (size !== undefined && bytes > size) {
        this.#desk.fail(changed(bytes, size));
      }
      const data = blocks.filled(count);
      await this.#desk.flush();
      hash.update(data);
    }
    if (size !== undefined && bytes < size) {
      this.#desk.fail(changed(bytes, size));
    }
    return { bytes, sha256: hash.digest("hex"), omitted: 0 };
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      return this.#desk.fail(error);
    }
  }
}

/**
 * Reads the first `length` bytes, from the beginning where it can be gone back to.
 *
 * @returns their SHA-256, to be gone on with; undefined if there are not so many
 */
export async function hashStart(
  content: Content,
  length: number,
): Promise<Hash | undefined> {
  await content.seek?.(0);
  const hash = createHash("sha256");
  const block = new Uint8Array(BLOCK_SIZE);
  for (let at = 0; at < length;) {
    const part = block.subarray(0, Math.min(BLOCK_SIZE, length - at));
    const count = await content.read(part);
    if (count === null) return undefined;
    hash.update(part.subarray(0, count));
    at += count;
  }
  return hash;
}

/** Whether `hash`, which can be gone on with, has come to `sum` so far. */
export function same(hash: Hash, sum: Uint8Array): boolean {
  return hash.copy().digest().equals(sum);
}

/** The body of a RESUME_AT frame: where what follows belongs. */
export function positionBody(position: number): Uint8Array {
  const body = new Uint8Array(8);
  writeInt64(body, 0, position);
  return body;
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

function isAnother(): Failure {
  return new Failure(
    "local",
    "What the receiver has is not the beginning of this stream, which cannot be read again; without --resume all of it is sent",
  );
}
