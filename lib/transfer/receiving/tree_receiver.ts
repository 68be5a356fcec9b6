import { createHash, type Hash } from "node:crypto";
import { setImmediate } from "node:timers";
import {
  type CommitOptions,
  type Sink,
  SMALL,
  type TreeSink,
} from "../content.ts";
import { skipToRestart, takenFrom, unexpected } from "./content_receiver.ts";
import {
  decodeEntry,
  type Entry,
  type FileEntry,
  SUM_SIZE,
  TreeDigest,
} from "../wire/entries.ts";
import { malformed } from "../wire/fields.ts";
import { FrameType, Unpacker } from "../wire/frame.ts";
import { corrupt, ended, type Intake, sameSum } from "./intake.ts";
import { type ListedFile, Listing } from "./manifest.ts";
import { decodeDigest, type Digest, encodeAccept } from "../wire/messages.ts";
import type { Receiver } from "./receiver.ts";
import { NameOrder } from "../wire/name_validation.ts";

/** Entries that are stored before the network has its turn. */
const AT_ONCE = 64;

/** Receives a tree. */
export class TreeReceiver implements Receiver {
  accepted = false;
  #intake: Intake;
  #sink: TreeSink;
  #order = new NameOrder();
  #digest = new TreeDigest();
  #files = 0;
  #stored = 0;
  #small = new Uint8Array(SMALL);
  #packed = new Uint8Array(0);
  #open: Sink | undefined;
  #discarded: boolean | undefined;

  constructor(intake: Intake, sink: TreeSink) {
    this.#intake = intake;
    this.#sink = sink;
  }

  get entry(): string {
    return this.#order.path;
  }

  async run(options?: CommitOptions): Promise<Digest> {
    const { resuming } = this.#sink;
    await this.#intake.say(encodeAccept({ resume: resuming }));
    this.accepted = true;
    if (resuming) await skipToRestart(this.#intake);
    const type = resuming ? await this.#listed() : await this.#entries();
    return await this.#end(type, options);
  }

  discard(keep: boolean): void {
    this.#discarded = keep;
    this.#open?.discard(keep);
  }

  /** Takes packs and large files as they come. @returns the type of the frame after them */
  async #entries(): Promise<number | undefined> {
    const { frames } = this.#intake;
    for (;;) {
      const header = await frames.next();
      if (header?.type === FrameType.PACK) {
        await this.#unpack(header.length);
      } else if (header?.type === FrameType.ENTRY) {
        const body = await frames.body();
        const entry = decodeEntry(body);
        this.#digest.entry(body);
        this.#begin(entry);
        this.#intake.event({ type: "entry", path: this.entry });
        if (entry.kind === "file") await this.#content(entry);
      } else {
        return header?.type;
      }
      this.#goOn();
    }
  }

  /** Stores what is in a pack, once it is known to be right. */
  async #unpack(length: number): Promise<void> {
    if (this.#packed.length < length) this.#packed = new Uint8Array(length);
    const body = this.#packed.subarray(0, length);
    await this.#intake.frames.fill(body);
    const end = length - SUM_SIZE;
    if (end < 0) throw malformed("a pack has no digest");
    const sum = createHash("sha256").update(body.subarray(0, end)).digest();
    if (!sameSum(body.subarray(end), sum)) throw corrupt();
    this.#digest.content(sum);
    const parts = new Unpacker(body.subarray(0, end));
    while (!parts.ended) {
      const { type, body } = parts.next();
      if (type === FrameType.LEAVE) this.#leave();
      else if (type === FrameType.ENTRY) this.#unpackEntry(body, parts);
      else throw malformed(`a pack has type ${type} in it`);
      await this.#pause();
    }
  }

  #unpackEntry(body: Uint8Array, parts: Unpacker): void {
    const entry = decodeEntry(body);
    this.#begin(entry);
    if (entry.kind !== "file") return;
    const content = entry.size > 0 ? parts.next() : undefined;
    if (
      content !== undefined && content.type !== FrameType.DATA ||
      (content?.body.length ?? 0) !== entry.size
    ) {
      throw malformed("a packed file is not whole");
    }
    this.#sink.put(entry, content?.body ?? new Uint8Array(0));
    this.#intake.count(entry.size);
    this.#files++;
  }

  /** Takes entries that are listed ahead, and what is sent of their files. */
  async #listed(): Promise<number | undefined> {
    const { frames } = this.#intake;
    const list = new Listing(this.#intake, this.#sink.inventory());
    for (;;) {
      const header = await frames.next();
      switch (header?.type) {
        case FrameType.ENTRY:
        case FrameType.LEAVE:
          list.add(header.type, await frames.body());
          break;
        case FrameType.QUERY:
          await this.#intake.skip();
          await list.answer();
          break;
        case FrameType.RESUME_AT:
        case FrameType.FILE_ABORTED: {
          const body = await frames.body();
          const item = await this.#nextFile(list);
          if (header.type === FrameType.FILE_ABORTED) this.#digest.content();
          else await this.#takeFile(item, body);
          break;
        }
        default:
          if (await this.#nextFile(list) !== undefined) {
            throw malformed("it ends before all that was listed was sent");
          }
          return header?.type;
      }
      await this.#pause();
    }
  }

  /** Stores what was listed before the next file, and begins that. */
  async #nextFile(list: Listing): Promise<ListedFile | undefined> {
    for (;;) {
      const item = await list.shift();
      if (item === undefined) return undefined;
      if (item === "leave") {
        this.#digest.leave();
        this.#leave();
        continue;
      }
      this.#digest.entry(item.body);
      this.#begin(item.entry);
      if (item.entry.kind === "file") {
        this.#intake.event({ type: "entry", path: this.entry });
        return item as ListedFile;
      }
    }
  }

  async #takeFile(
    item: ListedFile | undefined,
    body: Uint8Array,
  ): Promise<void> {
    if (item === undefined) throw malformed("it sends what it did not list");
    const { entry, proof } = item;
    const found = item.found;
    if (body.length === 0) {
      const hash = await proof;
      if (!found?.whole || hash === undefined) {
        throw malformed("it takes for sent what is not here");
      }
      this.#sink.keep(entry);
      this.#intake.count(entry.size);
      this.#digest.content(hash.digest());
      this.#files++;
      this.#intake.event({ type: "kept", bytes: entry.size, path: this.entry });
      return;
    }
    const from = takenFrom(body);
    if (from === 0) {
      if (found !== undefined) {
        this.#intake.event({ type: "restarted", path: this.entry });
      }
      return await this.#content(entry);
    }
    const hash = await proof;
    if (found?.whole !== false || from !== found.length || hash === undefined) {
      throw malformed(`it goes on at ${from}, where nothing ends`);
    }
    this.#intake.event({ type: "kept", bytes: from, path: this.entry });
    this.#intake.count(from);
    await this.#large(entry, from, hash);
  }

  #begin(entry: Entry): void {
    this.#order.next(entry.name);
    if (entry.kind === "directory") {
      this.#sink.enter(entry);
      this.#order.enter();
    } else if (entry.kind === "link") {
      this.#sink.link(entry);
    }
  }

  #leave(): void {
    this.#order.leave();
    this.#sink.leave();
  }

  async #content(entry: FileEntry): Promise<void> {
    if (entry.size <= SMALL) await this.#wholeContent(entry);
    else await this.#large(entry, 0, createHash("sha256"));
  }

  /** Gathers a small file, so that it is known to be right before it is stored. */
  async #wholeContent(entry: FileEntry): Promise<void> {
    const { frames } = this.#intake;
    let length = 0;
    for (;;) {
      const header = await frames.next();
      if (header?.type !== FrameType.DATA) {
        const bytes = this.#small.subarray(0, length);
        const sum = () => createHash("sha256").update(bytes).digest();
        if (!await this.#isEnd(header?.type, entry, length, sum)) return;
        this.#goOn();
        this.#sink.put(entry, bytes);
        return;
      }
      const start = length;
      length += frames.left;
      checkLength(entry, length);
      await frames.fill(this.#small.subarray(start, length));
      this.#intake.count(length - start);
    }
  }

  async #large(entry: FileEntry, from: number, hash: Hash): Promise<void> {
    const { frames } = this.#intake;
    const sink = await this.#sink.open(entry);
    this.#open = sink;
    if (this.#discarded !== undefined) {
      sink.discard(this.#discarded);
      throw ended();
    }
    if (from > 0 && (sink.kept?.length ?? 0) < from) {
      throw malformed("what was there is gone");
    }
    await sink.kept?.resume(from);
    sink.checkRoom?.(entry.size - from);
    this.#intake.begin(sink, hash);
    let length = from;
    for (;;) {
      const header = await frames.next();
      if (header?.type !== FrameType.DATA) {
        const sum = () => this.#intake.finish();
        const whole = await this.#isEnd(header?.type, entry, length, sum);
        if (whole) await sink.commit();
        else sink.discard();
        this.#open = undefined;
        return;
      }
      length += frames.left;
      checkLength(entry, length);
      await this.#intake.take();
    }
  }

  /** Whether a file's content ends here, whole and right; false if the sender takes it back. */
  async #isEnd(
    type: number | undefined,
    entry: FileEntry,
    length: number,
    sumOf: () => Uint8Array | Promise<Uint8Array>,
  ): Promise<boolean> {
    const { frames } = this.#intake;
    if (type === FrameType.FILE_ABORTED) {
      await this.#intake.skip();
      await sumOf();
      this.#intake.count(-length);
      this.#digest.content();
      return false;
    }
    if (type !== FrameType.FILE_DIGEST) {
      return await unexpected(this.#intake, type);
    }
    const promised = await frames.body();
    const sum = await sumOf();
    if (length !== entry.size || !sameSum(promised, sum)) {
      throw corrupt(this.entry);
    }
    this.#digest.content(sum);
    this.#files++;
    return true;
  }

  async #end(
    type: number | undefined,
    options: CommitOptions | undefined,
  ): Promise<Digest> {
    const { frames, event } = this.#intake;
    if (type !== FrameType.END) await unexpected(this.#intake, type);
    const promised = decodeDigest(await frames.body());
    if (this.#order.depth > 0) throw malformed("it ends within a directory");
    const digest = {
      bytes: this.#intake.bytes,
      sha256: this.#digest.finish(),
      files: this.#files,
    };
    if (
      promised.bytes !== digest.bytes || promised.sha256 !== digest.sha256 ||
      promised.files !== digest.files
    ) {
      throw corrupt();
    }
    await this.#sink.commit(options);
    const { omitted } = promised;
    if (omitted > 0) event({ type: "incomplete", omitted });
    return digest;
  }

  /** What is stored at once keeps the network waiting: now and then it has its turn. */
  async #pause(): Promise<void> {
    if (++this.#stored % AT_ONCE === 0) {
      this.#intake.event({ type: "entry", path: this.entry });
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#goOn();
  }

  /** Nothing more is stored once the transfer has failed. */
  #goOn(): void {
    if (this.#discarded !== undefined) throw ended();
  }
}

function checkLength(entry: FileEntry, length: number): void {
  if (length > entry.size) throw malformed("more arrives than was announced");
}
