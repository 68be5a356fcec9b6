import { createHash, type Hash } from "node:crypto";
import { setImmediate } from "node:timers";
import type { Having } from "./answers.ts";
import { type Content, SMALL, type Step, type TreeSource } from "../content.ts";
import { hashStart, positionBody, same } from "./content_sender.ts";
import { encodeEntry, SUM_SIZE, TreeDigest } from "../wire/entries.ts";
import { FrameType, HEADER_SIZE } from "../wire/frame.ts";
import type { Ending } from "../wire/messages.ts";
import type { Desk, Sender } from "./sender.ts";

const NOTHING = new Uint8Array(0);
/** Entries that are listed before the receiver is asked what it has of them. */
const BATCH = 512;
/** What these may have, in bytes: the receiver takes only so much ahead. */
const BATCH_BYTES = 1 << 19;
/** Batches that the receiver has been asked about, and whose turn is still to come. */
const BATCHES_AHEAD = 4;

/** A step that is sent. */
type SentStep = Exclude<Step, { does: "omit" }>;
type FileStep = Step & { readonly does: "file" };

/** Sends a tree while it is walked. */
export class TreeSender implements Sender {
  #desk: Desk;
  #source: TreeSource;
  #digest = new TreeDigest();
  #files = 0;
  #omitted = 0;
  #omissions = 0;
  /** Where the pack that is being filled begins in its block. */
  #packAt: number | undefined;
  #small = new Uint8Array(SMALL);
  /** Omissions that were told before it was begun again. */
  #told = 0;

  constructor(desk: Desk, source: TreeSource) {
    this.#desk = desk;
    this.#source = source;
  }

  async all(): Promise<Ending> {
    for (const step of this.#walk()) {
      if (step.does === "omit") {
        this.#omit(step);
      } else if (step.does === "file" && step.entry.size > SMALL) {
        await this.#largeFile(step);
      } else {
        const [type, body] = frameOf(step);
        const size = step.does === "file" ? step.entry.size : 0;
        // Waiting, even for nothing, costs a small file dear
        const full = this.#packIsFull(2 * HEADER_SIZE + body.length + size);
        if (full) await this.#flushPack();
        this.#packAt ??= this.#desk.blocks.begin();
        this.#desk.blocks.put(type, body);
        if (step.does === "file") this.#packContent(step, body.length);
      }
    }
    this.#endPack();
    return this.#ending();
  }

  /**
   * Lists the entries ahead, in batches, and asks what the receiver has of them,
   * so that no file costs a round trip of its own.
   */
  async rest(): Promise<Ending> {
    this.#digest = new TreeDigest();
    this.#packAt = undefined;
    this.#told = this.#omissions;
    this.#files = this.#omitted = this.#omissions = 0;
    const asked: Step[][] = [];
    const steps = this.#walk()[Symbol.iterator]();
    for (let more = true; more || asked.length > 0;) {
      if (more && asked.length < BATCHES_AHEAD) {
        const { batch, last } = await this.#ask(steps);
        if (batch.length > 0) asked.push(batch);
        more = !last;
      } else {
        await this.#answered(asked.shift()!);
      }
    }
    return this.#ending();
  }

  *#walk(): Iterable<Step> {
    try {
      yield* this.#source.walk();
    } catch (error) {
      this.#desk.fail(error);
    }
  }

  #ending(): Ending {
    return {
      bytes: this.#desk.blocks.content,
      sha256: this.#digest.finish(),
      files: this.#files,
      omitted: this.#omitted,
    };
  }

  #omit({ path, why, missing }: Step & { does: "omit" }): void {
    if (missing) this.#omitted++;
    if (++this.#omissions > this.#told) {
      this.#desk.event({ type: "omitted", path, why, missing });
    }
  }

  /** A listed entry's turn has come. */
  #count(step: SentStep): void {
    if (step.does === "leave") this.#digest.leave();
    else this.#digest.entry(encodeEntry(step.entry));
  }

  async #largeFile(step: FileStep): Promise<void> {
    this.#desk.event({ type: "entry", path: step.path });
    let content: Content;
    try {
      content = await step.file.open();
    } catch (error) {
      return this.#omitFile(step.path, step.file.explain(error));
    }
    try {
      this.#endPack();
      await this.#add(...frameOf(step));
      this.#count(step);
      await this.#content(step, content, 0, createHash("sha256"));
    } finally {
      content.close();
    }
  }

  /** Puts the content of a small file behind its frame with so long a body; or takes that back. */
  #packContent(
    { entry: { size }, path, file }: FileStep,
    length: number,
  ): void {
    const { blocks } = this.#desk;
    this.#desk.event({ type: "entry", path });
    try {
      const count = size === 0
        ? 0
        : file.readAll(blocks.space().subarray(0, size));
      if (count < size) throw new Error(SHRUNK);
      if (size > 0) blocks.filled(size);
      this.#files++;
    } catch (error) {
      blocks.rewind(blocks.length - HEADER_SIZE - length, blocks.content);
      this.#omitFile(path, file.explain(error));
    }
  }

  /** Whether there is no room for so many bytes more in the pack, with what it ends with. */
  #packIsFull(length: number): boolean {
    const start = this.#packAt === undefined ? HEADER_SIZE : 0;
    return this.#desk.blocks.room < start + length + SUM_SIZE;
  }

  async #flushPack(): Promise<void> {
    this.#endPack();
    await this.#flush();
  }

  /** What is in a pack is known to be right by one digest. */
  #endPack(): void {
    if (this.#packAt === undefined) return;
    const { blocks } = this.#desk;
    const body = blocks.body(this.#packAt);
    const sum = createHash("sha256").update(body).digest();
    blocks.end(this.#packAt, FrameType.PACK, sum);
    this.#packAt = undefined;
    this.#digest.content(sum);
  }

  /** Puts the content of a file from `start`; `hash` has what comes before. */
  async #content(
    step: FileStep,
    content: Content,
    start: number,
    hash: Hash,
  ): Promise<void> {
    const { blocks } = this.#desk;
    const before = blocks.content - start;
    const takeBack = async (why: string) => {
      blocks.content = before;
      await this.#void(step, why);
    };
    for (let left = step.entry.size - start; left > 0;) {
      if (blocks.full) await this.#flush();
      const space = blocks.space();
      const room = left < space.length ? space.subarray(0, left) : space;
      let count: number | null;
      try {
        count = await content.read(room);
      } catch (error) {
        return await takeBack(step.file.explain(error));
      }
      if (count === null) return await takeBack(SHRUNK);
      const data = blocks.filled(count);
      if (blocks.full) await this.#flush();
      hash.update(data);
      left -= count;
    }
    const sum = hash.digest();
    await this.#add(FrameType.FILE_DIGEST, sum);
    this.#digest.content(sum);
    this.#files++;
  }

  /** Takes back a file whose entry was sent. */
  async #void({ path }: FileStep, why: string): Promise<void> {
    await this.#add(FrameType.FILE_ABORTED, NOTHING);
    this.#digest.content();
    this.#omit({ does: "omit", path, why, missing: true });
  }

  #omitFile(path: string, why: string): void {
    this.#omit({ does: "omit", path, why, missing: true });
  }

  /** Lists the next entries, and asks what the receiver has of the files among them. */
  async #ask(
    steps: Iterator<Step>,
  ): Promise<{ batch: Step[]; last: boolean }> {
    const batch: Step[] = [];
    let last = false;
    for (let bytes = 0; batch.length < BATCH && bytes < BATCH_BYTES;) {
      const { value: step, done } = steps.next();
      last = done === true;
      if (done) break;
      if (step.does !== "omit") {
        const [type, body] = frameOf(step);
        bytes += body.length;
        await this.#add(type, body);
      }
      batch.push(step);
    }
    await this.#add(FrameType.QUERY, NOTHING);
    await this.#flush();
    return { batch, last };
  }

  /** Sends what the receiver does not have of entries that were listed. */
  async #answered(batch: Step[]): Promise<void> {
    for (const step of batch) {
      if (step.does === "omit") {
        this.#omit(step);
        continue;
      }
      this.#count(step);
      if (step.does !== "file") continue;
      this.#desk.event({ type: "entry", path: step.path });
      const having = await this.#desk.answers.having();
      await this.#listedFile(step, having);
    }
    // The receiver is not to wait for what is here
    await this.#flush();
  }

  async #listedFile(step: FileStep, having: Having): Promise<void> {
    const { answers } = this.#desk;
    const proof = having.what === "nothing" ? undefined : answers.proof();
    let content: Content;
    try {
      content = await this.#open(step);
    } catch (error) {
      await proof;
      return await this.#void(step, step.file.explain(error));
    }
    try {
      await this.#missing(step, content, having, await proof);
    } finally {
      content.close();
    }
  }

  /** Opens a file; a small one is read at once, which costs less. */
  async #open({ entry: { size }, file }: FileStep): Promise<Content> {
    if (size > SMALL) return await file.open();
    const count = size === 0 ? 0 : file.readAll(this.#small.subarray(0, size));
    return bytesContent(this.#small.subarray(0, count));
  }

  /** Sends what the receiver lacks of a file of which it has proved to have something. */
  async #missing(
    step: FileStep,
    content: Content,
    having: Having,
    proof: Uint8Array | undefined,
  ): Promise<void> {
    const { blocks, event } = this.#desk;
    const { path, entry: { size } } = step;
    if (having.what === "nothing" || proof === undefined) {
      await this.#add(FrameType.RESUME_AT, positionBody(0));
      return await this.#content(step, content, 0, createHash("sha256"));
    }
    const length = having.what === "whole" ? size : having.length;
    let hash: Hash | undefined;
    try {
      hash = length <= size ? await hashStart(content, length) : undefined;
      const agrees = hash !== undefined && same(hash, proof);
      if (!agrees) await content.seek?.(0);
      if (!agrees) hash = undefined;
    } catch (error) {
      return await this.#void(step, step.file.explain(error));
    }
    if (hash === undefined) {
      event({ type: "restarted", path });
      await this.#add(FrameType.RESUME_AT, positionBody(0));
      return await this.#content(step, content, 0, createHash("sha256"));
    }
    event({ type: "kept", bytes: length, path });
    blocks.content += length;
    if (having.what === "part") {
      await this.#add(FrameType.RESUME_AT, positionBody(length));
      return await this.#content(step, content, length, hash);
    }
    await this.#add(FrameType.RESUME_AT, NOTHING);
    this.#digest.content(proof);
    this.#files++;
  }

  async #add(type: number, body: Uint8Array): Promise<void> {
    if (this.#desk.blocks.room < HEADER_SIZE + body.length) await this.#flush();
    this.#desk.blocks.put(type, body);
  }

  /** What is read at once has kept the network waiting: now it is its turn. */
  async #flush(): Promise<void> {
    await this.#desk.flush();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** The frame that tells of a step. */
function frameOf(step: SentStep): [type: number, body: Uint8Array] {
  return step.does === "leave"
    ? [FrameType.LEAVE, NOTHING]
    : [FrameType.ENTRY, encodeEntry(step.entry)];
}

/** Reads bytes that are in memory. */
function bytesContent(bytes: Uint8Array): Content {
  let at = 0;
  return {
    read: (into) => {
      const part = bytes.subarray(at, at + into.length);
      into.set(part);
      at += part.length;
      return Promise.resolve(part.length || null);
    },
    seek: (position) => {
      at = position;
      return Promise.resolve();
    },
    close: () => {},
  };
}

const SHRUNK = "it changed while it was being read";
