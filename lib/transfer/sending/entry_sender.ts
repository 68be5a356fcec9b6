import { FRAME_HEADER_SIZE } from "../../base/frame.ts";
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers";
import { Failure } from "../../base/failure.ts";
import type { TransferEvent } from "../events.ts";
import {
  type Content,
  type FileStep,
  hashUpTo,
  type Omission,
  omissionReason,
  type Source,
  type Step,
  Unsendable,
} from "../source.ts";
import { TransferDigest } from "../wire/digest.ts";
import { encodeEntry } from "../wire/entries.ts";
import {
  BLOCK_SIZE,
  EMPTY_BODY,
  FrameType,
  SHA256_SIZE,
  SMALL_FILE_SIZE,
} from "../wire/frame.ts";
import type { FrameWriter } from "../wire/frame_writer.ts";
import {
  encodeOffsets,
  encodeTotal,
  EXISTING,
  type SentDigest,
  type Total,
  WHOLE,
} from "../wire/messages.ts";
import type { Answers } from "./answers.ts";
import {
  type Position,
  positionAfter,
  type Prefix,
} from "./resume_position.ts";

/** Bytes of content after which it has to be known whether the receiver has something: one block, which has entries in it, too. */
const EARLY_SIZE = BLOCK_SIZE >> 1;
/** Entries listed before the receiver is asked what it has of them. */
const BATCH_LENGTH = 512;
/** Bytes of entries in a batch: a receiver bounds what is listed ahead. */
const BATCH_SIZE = 1 << 19;
/** Batches that the receiver was asked about, and whose turn is still to come. */
const BATCHES_AHEAD = 4;
/** Bytes of files that are compared before the receiver is told their digests: it has some, too, while others are hashed. */
const COMPARE_SIZE = 1 << 24;

/** Entries that were listed at once. */
interface Batch {
  readonly steps: readonly Step[];
  /** What the receiver has of the files among them, once it was asked. */
  answers?: Answer[];
}

/** What the receiver has of a file. */
interface Answer extends Prefix {
  /** Of a file that was there before: whether it is the same. */
  readonly same?: boolean;
}

/** The digest of a file that cannot be read. */
const UNREADABLE = new Uint8Array(SHA256_SIZE);

/** What {@linkcode EntrySender} works with. */
export interface SenderContext {
  readonly frames: FrameWriter;
  readonly answers: Answers;
  readonly event: (event: TransferEvent) => void;
}

/** The source has failed, which ends the transfer: the receiver is told. */
export class SourceError extends Error {
  /** @param cause what the source threw */
  constructor(cause: unknown) {
    super("The source failed", { cause });
  }
}

/** A file cannot be read. */
class FileError extends Error {
  constructor(cause: unknown) {
    super("A file cannot be read", { cause });
  }
}

/**
 * Sends the entries of a source and their contents. As long as it is not known
 * whether the receiver has something, and if it has nothing, each entry is
 * followed by its content. Else the entries are listed ahead of their contents,
 * so that no file costs a round trip of its own.
 */
export class EntrySender {
  readonly #frames: FrameWriter;
  readonly #answers: Answers;
  readonly #event: (event: TransferEvent) => void;
  readonly #source: Source;
  readonly #isTree: boolean;
  readonly #resumable: boolean;
  readonly #digest: TransferDigest;
  readonly #small = new Uint8Array(SMALL_FILE_SIZE);
  #files = 0;
  #omitted = 0;
  /** What the receiver is still to be told of the size of it all. */
  #total: Total | undefined;

  /** @param resumable what the offer says */
  constructor(context: SenderContext, source: Source, resumable: boolean) {
    this.#frames = context.frames;
    this.#answers = context.answers;
    this.#event = context.event;
    this.#source = source;
    this.#isTree = source.offer.kind === "tree";
    this.#resumable = resumable;
    this.#digest = new TransferDigest(source.offer.kind);
  }

  /**
   * @returns what END is to say; frames may still have to be written
   * @throws {SourceError} if the source fails; or what the stream throws
   */
  async run(): Promise<SentDigest> {
    // What can be read only once is not begun before it is known where
    if (this.#resumable && !this.#source.rereadable) {
      await this.#answers.acceptance;
    }
    const steps = this.#steps();
    const asked: Batch[] = [];
    for (let more = true; more || asked.length > 0;) {
      if (more && !this.#resuming) {
        const { value: step, done } = steps.next();
        if (!done) await this.#send(step);
        more = !done;
      } else if (more && asked.length < BATCHES_AHEAD) {
        const batch = await this.#list(steps);
        asked.push(batch);
        more = batch.more;
      } else {
        // The next one is compared meanwhile
        for (const batch of asked.slice(0, 2)) await this.#ask(batch);
        await this.#sendListed(asked.shift()!);
      }
    }
    return {
      bytes: this.#frames.content,
      sha256: this.#digest.finish(),
      files: this.#files,
      omitted: this.#omitted,
    };
  }

  /** Has the receiver told how much there is, which was counted meanwhile. */
  tellTotal(total: Total): void {
    this.#total = total;
    this.#event({ type: "total", ...total });
  }

  /** Whether the receiver has said that it has something. */
  get #resuming(): boolean {
    return this.#answers.accepted?.resume === true;
  }

  *#steps(): Generator<Step, void> {
    try {
      yield* this.#source.entries();
    } catch (error) {
      throw new SourceError(error);
    }
  }

  /** Sends an entry with its content. */
  async #send(step: Step): Promise<void> {
    if (step.type === "omit") return this.#omit(step);
    const { size } = step.type === "file" ? step.entry : { size: 0 };
    if (this.#isTree && size !== undefined && size <= SMALL_FILE_SIZE) {
      const [type, body] = frameOf(step);
      // Small files are cheap only if nothing is awaited that need not be
      const length = 2 * FRAME_HEADER_SIZE + body.length + size;
      if (this.#frames.packIsFull(length)) await this.#flush();
      this.#frames.beginPack();
      this.#frames.put(type, body);
      if (step.type === "file") this.#pack(step, size, body.length);
      else this.#digestStep(step);
    } else if (step.type === "file") {
      const content = await this.#open(step);
      if (content === undefined) return;
      this.#frames.endPack();
      await this.#add(...frameOf(step));
      await this.#content(step, content);
    }
  }

  /** Puts a small file's content behind its ENTRY in the PACK; removes both if it cannot be read. */
  #pack(step: FileStep, size: number, entryLength: number): void {
    this.#announce(step);
    try {
      const content = this.#frames.space().subarray(0, size);
      readWhole(step, content);
      if (size > 0) this.#frames.filled(size);
      this.#complete(step, createHash("sha256").update(content).digest("hex"));
    } catch (error) {
      this.#frames.takeBack(FRAME_HEADER_SIZE + entryLength);
      this.#omitFile(step, error);
    }
  }

  /** Lists the next entries, and asks what the receiver has of the files among them. */
  async #list(
    source: Iterator<Step, void>,
  ): Promise<Batch & { more: boolean }> {
    this.#frames.endPack();
    const steps: Step[] = [];
    let more = true;
    for (let size = 0; steps.length < BATCH_LENGTH && size < BATCH_SIZE;) {
      const { value: step, done } = source.next();
      more = !done;
      if (done) break;
      if (step.type !== "omit") {
        const [type, body] = frameOf(step);
        size += body.length;
        await this.#add(type, body);
      }
      steps.push(step);
    }
    await this.#add(FrameType.QUERY);
    await this.#flush();
    return { steps, more };
  }

  /** Takes what the receiver says of a batch, and has it compare the files that were there before. */
  async #ask(batch: Batch): Promise<void> {
    if (batch.answers !== undefined) return;
    const answers: Answer[] = batch.answers = [];
    let digests: number[] = [];
    let hashed = 0;
    const compare = async () => {
      await this.#add(FrameType.COMPARE, Uint8Array.from(digests));
      await this.#flush();
      digests = [];
      hashed = 0;
    };
    for (const step of batch.steps) {
      if (step.type !== "file") continue;
      const length = await this.#answers.offset();
      const sha256 = length === EXISTING ? await digestOf(step) : EMPTY_BODY;
      answers.push({ length, sha256 });
      if (length !== EXISTING) continue;
      digests.push(...sha256);
      hashed += step.entry.size ?? 0;
      if (hashed >= COMPARE_SIZE) await compare();
    }
    if (digests.length > 0) await compare();
  }

  /** Sends what the receiver does not have of entries that were listed. */
  async #sendListed({ steps, answers = [] }: Batch): Promise<void> {
    for (const step of steps) {
      if (step.type === "omit") {
        this.#omit(step);
      } else if (step.type !== "file") {
        this.#digestStep(step);
      } else {
        const answer = await this.#answer(answers.shift()!);
        if (answer.same) {
          this.#announce(step);
          await this.#keep(step, answer);
          continue;
        }
        const content = await this.#open(step);
        if (content === undefined) await this.#add(FrameType.FILE_ABORTED);
        else await this.#content(step, content, answer);
      }
    }
    // The receiver is not to wait for what is ready
    await this.#flush();
  }

  /** Opens a file whose turn has come. @returns undefined if it is left out */
  async #open(step: FileStep): Promise<Content | undefined> {
    this.#announce(step);
    const { entry: { size }, file } = step;
    try {
      if (!this.#isTree || size === undefined || size > SMALL_FILE_SIZE) {
        return await file.open();
      }
      // A small one is read at once, which costs less
      const content = this.#small.subarray(0, size);
      readWhole(step, content);
      return contentOf(content);
    } catch (error) {
      this.#omitFile(step, error);
      return undefined;
    }
  }

  /**
   * Sends the content of a file, but for what the receiver has, and closes it.
   *
   * @param answer what the receiver has, if it was asked
   */
  async #content(
    step: FileStep,
    content: Content,
    answer?: Answer,
  ): Promise<void> {
    const frames = this.#frames;
    const before = frames.content;
    try {
      const size = step.entry.size ?? Infinity;
      let at: Position = { offset: 0, hash: createHash("sha256") };
      let asked = answer !== undefined;
      if (answer) at = await this.#resumeAt(step, content, at, answer);
      while (at.offset < size) {
        if (frames.full) await this.#flush();
        if (this.#resuming && !asked) {
          asked = true;
          const answer = await this.#query(step);
          if (answer.same) return await this.#keep(step, answer, at.offset);
          at = await this.#resumeAt(step, content, at, answer);
          continue;
        }
        const count = await readBlock(
          content,
          frames.space(),
          size - at.offset,
        );
        if (count === 0) break;
        const data = frames.filled(count);
        // A stream may stay silent for long; the block is written while it is hashed
        if (frames.full || !this.#isTree) await this.#flush();
        at.hash.update(data);
        at = { offset: at.offset + count, hash: at.hash };
      }
      await this.#checkSize(step, content, at.offset);
      const sha256 = at.hash.digest();
      await this.#add(FrameType.FILE_DIGEST, sha256);
      this.#complete(step, sha256.toString("hex"));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      if (this.#isTree) await this.#add(FrameType.FILE_ABORTED);
      frames.content = before;
      this.#omitFile(step, error.cause);
    } finally {
      content.close();
    }
  }

  /** Asks what the receiver has of the file whose content is being sent. */
  async #query(step: FileStep): Promise<Answer> {
    await this.#add(FrameType.QUERY);
    await this.#flush();
    const length = await this.#answers.offset();
    if (length !== EXISTING) {
      return await this.#answer({ length, sha256: EMPTY_BODY });
    }
    const sha256 = await digestOf(step);
    await this.#add(FrameType.COMPARE, sha256);
    await this.#flush();
    return await this.#answer({ length, sha256 });
  }

  /** Completes what the receiver says that it has of the next file. */
  async #answer({ length, sha256 }: Answer): Promise<Answer> {
    if (length === EXISTING) {
      return { length, sha256, same: await this.#answers.same() };
    }
    return length === 0
      ? { length, sha256 }
      : { length, sha256: await this.#answers.prefixDigest() };
  }

  /** Leaves out what was not sent of a file that was there before and is the same. */
  async #keep(step: FileStep, { sha256 }: Answer, sent = 0): Promise<void> {
    const { size = 0 } = step.entry;
    await this.#add(FrameType.RESUME_AT, encodeOffsets(size));
    await this.#add(FrameType.FILE_DIGEST, sha256);
    this.#tellKept(step, size - sent, true);
    this.#complete(step, sha256.toHex());
  }

  #tellKept({ path }: FileStep, bytes: number, existing: boolean): void {
    this.#frames.content += bytes;
    const named = this.#isTree ? path : undefined;
    this.#event({ type: "kept", bytes, existing, path: named });
  }

  /** Tells the receiver where a file of which it has something goes on. @returns where */
  async #resumeAt(
    step: FileStep,
    content: Content,
    from: Position,
    answer: Answer,
  ): Promise<Position> {
    if (answer.length === 0) return from;
    const { size = Infinity } = step.entry;
    const existing = answer.length === EXISTING;
    const length = answer.length === WHOLE ? size : answer.length;
    const prefix = { length, sha256: answer.sha256 };
    const fail = (error: unknown) => {
      throw new FileError(error);
    };
    // What was compared may have been read through the same descriptor
    if (existing) await content.seek?.(from.offset).catch(fail);
    const { at, agreed } = existing
      ? { at: from, agreed: false }
      : await positionAfter(prefix, content, from, size).catch(fail);
    await this.#add(FrameType.RESUME_AT, encodeOffsets(at.offset));
    if (agreed) {
      this.#tellKept(step, at.offset - from.offset, false);
    } else if (length > from.offset) {
      const path = this.#isTree ? step.path : undefined;
      this.#event({ type: "restarted", path });
    }
    return at;
  }

  /** @throws {FileError} if `bytes` bytes were sent and the file has not as many as its entry said */
  async #checkSize(
    { entry: { size } }: FileStep,
    content: Content,
    bytes: number,
  ): Promise<void> {
    if (size === undefined) return;
    if (this.#isTree) {
      if (bytes < size) throw new FileError(new Unsendable("shrunk"));
      return;
    }
    const more = await readBlock(content, new Uint8Array(1), 1);
    if (bytes + more === size) return;
    const code = "source-changed";
    throw new FileError(new Failure({ code, bytes: bytes + more, size }));
  }

  /** The turn of a file has come. */
  #announce({ path }: FileStep): void {
    if (!this.#isTree) return;
    const { content: bytes } = this.#frames;
    this.#event({ type: "entry", path, files: this.#files, bytes });
  }

  #complete({ entry }: FileStep, sha256: string): void {
    this.#digest.file(entry, sha256);
    this.#files++;
  }

  #digestStep(step: Exclude<Step, FileStep | { type: "omit" }>): void {
    if (step.type === "enter") this.#digest.enter(step.entry);
    else if (step.type === "link") this.#digest.link(step.entry);
    else this.#digest.leave();
  }

  #omit({ path, reason }: Omission): void {
    this.#omitted++;
    this.#event({ type: "omitted", path, reason });
  }

  /** Leaves a file out of a tree; else it is all there is to send. */
  #omitFile({ path }: FileStep, error: unknown): void {
    if (!this.#isTree) throw new SourceError(error);
    this.#omit({ path, reason: omissionReason(error) });
  }

  async #add(type: number, body = EMPTY_BODY): Promise<void> {
    if (this.#frames.room < FRAME_HEADER_SIZE + body.length) {
      await this.#flush();
    }
    this.#frames.put(type, body);
  }

  async #flush(): Promise<void> {
    await this.#frames.flush();
    if (this.#total !== undefined) {
      this.#frames.put(FrameType.TOTAL, encodeTotal(this.#total));
      this.#total = undefined;
    }
    if (this.#resumable && this.#frames.content >= EARLY_SIZE) {
      if (!this.#answers.accepted) await this.#answers.acceptance;
    }
    // Only a tree is read synchronously, which keeps the network waiting
    if (this.#isTree) await new Promise<void>((end) => setImmediate(end));
  }
}

/** The frame that tells of a step. */
function frameOf(
  step: Exclude<Step, { type: "omit" }>,
): [type: number, body: Uint8Array] {
  return step.type === "leave"
    ? [FrameType.LEAVE, EMPTY_BODY]
    : [FrameType.ENTRY, encodeEntry(step.entry)];
}

/** The SHA-256 of a file; zeros if it cannot be read, which shows when its turn comes. */
async function digestOf({ entry: { size = 0 }, file }: FileStep) {
  try {
    const content = await file.open();
    try {
      const hash = createHash("sha256");
      await content.seek?.(0);
      if (!await hashUpTo(size, content, 0, hash)) {
        throw new Unsendable("shrunk");
      }
      return hash.digest();
    } finally {
      content.close();
    }
  } catch {
    return UNREADABLE;
  }
}

/** Fills `into` with all of a small file. */
function readWhole({ file }: FileStep, into: Uint8Array): void {
  if (into.length > 0 && file.readAll(into) < into.length) {
    throw new Unsendable("shrunk");
  }
}

/** @returns how many bytes were read, at most `most`; 0 at the end */
async function readBlock(
  content: Content,
  into: Uint8Array,
  most: number,
): Promise<number> {
  try {
    const room = most < into.length ? into.subarray(0, most) : into;
    return await content.read(room) ?? 0;
  } catch (error) {
    throw new FileError(error);
  }
}

function contentOf(bytes: Uint8Array): Content {
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
