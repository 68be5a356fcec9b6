import { createHash, type Hash } from "node:crypto";
import { setImmediate } from "node:timers";
import { Failure } from "../../base/failure.ts";
import type { FileSink, Sink } from "../sink.ts";
import { TransferDigest } from "../wire/digest.ts";
import { decodeEntry, type Entry, type FileEntry } from "../wire/entries.ts";
import { FrameType, SMALL_FILE_SIZE } from "../wire/frame.ts";
import { framesIn } from "../wire/frame_reader.ts";
import { malformed } from "../wire/malformed.ts";
import {
  decodeDigest,
  decodeResumeAt,
  decodeTotal,
  type Digest,
  encodeAccept,
  type Offer,
  type Total,
} from "../wire/messages.ts";
import { decodeFailure } from "../wire/reasons.ts";
import type { ReceiverContext } from "./context.ts";
import { type Listed, type ListedFile, Manifest } from "./manifest.ts";

/** Entries that are stored synchronously before the network has its turn. */
const ENTRIES_AT_ONCE = 64;

/** A file whose content is arriving. */
interface CurrentFile {
  readonly listed: ListedFile;
  /** Where it goes; undefined if it is stored at once, or not opened yet. */
  sink: FileSink | undefined;
  /** Bytes that have arrived, or need not. */
  offset: number;
  /** Of all of it, if it stays as it was found. */
  hash: Hash | undefined;
  /** Whether the sender has said where it goes on. */
  resumed: boolean;
}

/** Receives the entries of an offer and their contents, from ACCEPT to END. */
export class EntryReceiver {
  #context: ReceiverContext;
  #sink: Sink;
  #offer: Offer;
  #manifest: Manifest;
  #digest: TransferDigest;
  #resuming: boolean;
  #accepted = false;
  #files = 0;
  #total: Total | undefined;
  #stored = 0;
  #entry = "";
  #small = new Uint8Array(SMALL_FILE_SIZE);
  #pack = new Uint8Array(0);
  #file: CurrentFile | undefined;
  /** Whether unfinished files were kept when all was discarded. */
  #discarded: boolean | undefined;

  constructor(context: ReceiverContext, sink: Sink, offer: Offer) {
    this.#context = context;
    this.#sink = sink;
    this.#offer = offer;
    this.#resuming = sink.resuming && offer.resumable === true;
    const inventory = this.#resuming ? sink.inventory() : undefined;
    this.#manifest = new Manifest(context, offer, inventory);
    this.#digest = new TransferDigest(offer.kind);
  }

  /** Whether ACCEPT was sent. */
  get accepted(): boolean {
    return this.#accepted;
  }

  /** The entry of a tree that is being received, as a path that the sender knows. */
  get entry(): string | undefined {
    if (this.#offer.kind !== "tree") return undefined;
    return this.#manifest.conflict ?? (this.#entry || undefined);
  }

  /** @param maxRate that the sender is asked for @returns what was stored, once all of it is */
  async run(maxRate?: number): Promise<Digest> {
    const acceptance = { resume: this.#resuming, maxRate };
    await this.#context.write(encodeAccept(acceptance));
    this.#accepted = true;
    const { frames } = this.#context;
    for (;;) {
      const header = await frames.next();
      switch (header?.type) {
        case FrameType.PACK:
          await this.#unpack(header.length);
          break;
        case FrameType.ENTRY:
        case FrameType.LEAVE: {
          const body = await frames.body();
          const isEntry = header.type === FrameType.ENTRY;
          this.#manifest.add(
            isEntry ? decodeEntry(body) : "leave",
            body.length,
          );
          break;
        }
        case FrameType.TOTAL:
          this.#tellTotal(decodeTotal(await frames.body()));
          break;
        case FrameType.QUERY:
          await this.#context.skip();
          // What is hashed is what was written
          if (this.#file?.sink) await this.#context.flush();
          await this.#manifest.answer();
          break;
        case FrameType.COMPARE:
          await this.#manifest.compare(await frames.body());
          break;
        case FrameType.RESUME_AT:
          await this.#resumeAt(decodeResumeAt(await frames.body()));
          break;
        case FrameType.DATA:
          await this.#data();
          break;
        case FrameType.FILE_DIGEST:
          await this.#completeFile(await frames.body());
          break;
        case FrameType.FILE_ABORTED:
          await this.#context.skip();
          await this.#abortFile();
          break;
        case FrameType.END:
          return await this.#end(await frames.body());
        case FrameType.ABORT:
          throw decodeFailure(header.type, await frames.body());
        case undefined:
          throw senderEnded();
        default:
          throw malformed(
            `a frame of type ${header?.type} is unknown or out of turn`,
          );
      }
      this.#checkGoing();
    }
  }

  /** Closes what is not complete. */
  discard(keep: boolean): void {
    this.#discarded = keep;
    this.#file?.sink?.discard(keep);
  }

  /** Stores what is in a PACK. */
  async #unpack(length: number): Promise<void> {
    if (this.#offer.kind !== "tree") {
      throw malformed("a PACK is only of a tree");
    }
    await this.#storeListed();
    if (this.#pack.length < length) this.#pack = new Uint8Array(length);
    const pack = this.#pack.subarray(0, length);
    await this.#context.frames.fill(pack);
    const frames = framesIn(pack);
    for (const { type, body } of frames) {
      if (type !== FrameType.ENTRY && type !== FrameType.LEAVE) {
        throw malformed(`a PACK has a frame of type ${type} in it`);
      }
      const entry = type === FrameType.ENTRY ? decodeEntry(body) : "leave";
      const item = this.#manifest.next(entry);
      if (item.type !== "file") {
        this.#store(item);
      } else {
        this.#turn(item.entry);
        const { size = 0 } = item.entry;
        const content = size > 0 ? frames.next().value : undefined;
        const bytes = content?.body ?? new Uint8Array(0);
        const isData = size === 0 || content?.type === FrameType.DATA;
        if (!isData || bytes.length !== size) {
          throw malformed("a file in a PACK is not whole");
        }
        this.#sink.put(item.entry, bytes);
        this.#context.count(size);
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        this.#finish(item.entry, sha256);
      }
      await this.#pause();
    }
  }

  /** Stores listed entries up to the next file. @returns that file */
  async #storeListed(): Promise<ListedFile | undefined> {
    if (this.#file !== undefined) throw malformed("a file was not ended");
    for (;;) {
      const item = await this.#manifest.shift();
      if (item === undefined || item.type === "file") return item;
      this.#store(item);
      await this.#pause();
    }
  }

  /** The file whose content the current frame is about. */
  async #current(): Promise<CurrentFile> {
    if (this.#file !== undefined) return this.#file;
    const listed = await this.#storeListed();
    if (listed === undefined) throw malformed("content of no listed file");
    this.#turn(listed.entry);
    this.#tellEntry();
    return this.#file = {
      listed,
      sink: undefined,
      offset: 0,
      hash: undefined,
      resumed: false,
    };
  }

  async #data(): Promise<void> {
    const file = await this.#current();
    const { entry } = file.listed;
    const { frames } = this.#context;
    const end = file.offset + frames.left;
    if (end > (entry.size ?? Infinity)) {
      throw malformed("more content than its entry says");
    }
    checkResumed(file);
    const sink = await this.#sinkOf(file);
    if (sink === undefined) {
      await frames.fill(this.#small.subarray(file.offset, end));
      this.#context.count(end - file.offset);
    } else {
      await this.#context.take();
    }
    file.offset = end;
  }

  /** Goes on behind what was found, if that is what the sender sends. */
  async #resumeAt(offset: number): Promise<void> {
    const file = await this.#current();
    const { found, answer } = file.listed;
    if (found === undefined || answer === undefined || file.resumed) {
      throw malformed("RESUME_AT of a file that was not asked about");
    }
    file.resumed = true;
    await answer.written;
    const path = this.entry;
    const hash = await answer.hash;
    if (offset === found.length && offset >= file.offset && hash) {
      const bytes = offset - file.offset;
      this.#context.count(bytes);
      const existing = found.existing !== undefined;
      this.#context.event({ type: "kept", bytes, existing, path });
      file.offset = offset;
      if (found.whole) {
        file.sink?.discard();
        file.sink = undefined;
        file.hash = hash;
      } else {
        const sink = await this.#openSink(file);
        await sink.resume(offset);
        this.#context.begin(sink, hash);
      }
    } else if (offset === file.offset) {
      if (found.length > offset && !found.existing) {
        this.#context.event({ type: "restarted", path });
      }
      const sink = await this.#sinkOf(file);
      await sink?.resume(offset);
    } else {
      throw malformed(`RESUME_AT ${offset}, where nothing ends`);
    }
  }

  async #completeFile(promised: Uint8Array): Promise<void> {
    const file = await this.#current();
    const { entry } = file.listed;
    checkResumed(file);
    const sink = await this.#sinkOf(file);
    const small = this.#small.subarray(0, file.offset);
    const sha256 = sink !== undefined
      ? await this.#context.flush()
      : (file.hash ?? createHash("sha256").update(small)).digest();
    const { size = file.offset } = entry;
    if (file.offset !== size || !sha256.equals(promised)) {
      throw corrupt(this.entry);
    }
    this.#checkGoing();
    const { found } = file.listed;
    if (file.hash !== undefined && found) this.#sink.keep(entry, found);
    else if (sink === undefined) this.#sink.put(entry, small);
    else await sink.commit();
    this.#endFile(file);
    this.#finish(entry, sha256.toString("hex"));
    await this.#pause();
  }

  async #abortFile(): Promise<void> {
    if (this.#offer.kind !== "tree") {
      throw malformed("it aborts all it offered");
    }
    const file = await this.#current();
    if (file.sink !== undefined) {
      await this.#context.flush();
      file.sink.discard();
    }
    this.#context.count(-file.offset);
    this.#endFile(file);
  }

  #endFile(file: CurrentFile): void {
    this.#manifest.complete(file.listed);
    this.#file = undefined;
  }

  /** The sink of a file; undefined if it is stored at once, or not at all. */
  async #sinkOf(file: CurrentFile): Promise<FileSink | undefined> {
    if (file.sink !== undefined) return file.sink;
    const { size = Infinity } = file.listed.entry;
    const small = this.#offer.kind === "tree" && size <= SMALL_FILE_SIZE;
    return small || file.hash ? undefined : await this.#openSink(file);
  }

  async #openSink(file: CurrentFile): Promise<FileSink> {
    if (file.sink !== undefined) return file.sink;
    const { entry } = file.listed;
    const sink = file.sink = await this.#sink.open(entry);
    if (this.#discarded !== undefined) {
      sink.discard(this.#discarded);
      throw senderEnded();
    }
    this.#context.begin(sink, createHash("sha256"));
    if (!this.#resuming && sink.kept > 0) {
      await sink.resume(0);
      this.#context.event({ type: "restarted" });
    }
    return sink;
  }

  #store(item: Exclude<Listed, ListedFile>): void {
    if (item.type === "leave") {
      this.#digest.leave();
      this.#sink.leave();
      return;
    }
    this.#turn(item.entry);
    if (item.type === "enter") {
      this.#sink.enter(item.entry);
      this.#digest.enter(item.entry);
    } else {
      this.#sink.link(item.entry);
      this.#digest.link(item.entry);
    }
  }

  /** The turn of an entry has come. */
  #turn({ name }: Entry): void {
    this.#entry = this.#digest.pathOf(name);
  }

  #tellEntry(): void {
    const path = this.entry;
    const { bytes } = this.#context;
    const files = this.#files;
    if (path !== undefined) {
      this.#context.event({ type: "entry", path, files, bytes });
    }
  }

  #tellTotal(total: Total): void {
    if (this.#offer.kind !== "tree" || this.#total !== undefined) {
      throw malformed("TOTAL is only of a tree, and comes once");
    }
    this.#total = total;
    this.#context.event({ type: "total", ...total });
  }

  #finish(entry: FileEntry, sha256: string): void {
    this.#digest.file(entry, sha256);
    this.#files++;
  }

  async #end(body: Uint8Array): Promise<Digest> {
    const promised = decodeDigest(body);
    if (await this.#storeListed() !== undefined) {
      throw malformed("END before the content of all files");
    }
    if (!this.#manifest.isComplete) throw malformed("END within a directory");
    if (this.#offer.kind !== "tree" && this.#files === 0) {
      throw malformed("END without the file that was offered");
    }
    const bytes = this.#context.bytes;
    const files = this.#files;
    const digest = { bytes, sha256: this.#digest.finish(), files };
    if (
      promised.bytes !== bytes || promised.files !== files ||
      promised.sha256 !== digest.sha256
    ) throw corrupt();
    this.#checkGoing();
    await this.#sink.commit();
    const { omitted } = promised;
    if (omitted > 0) this.#context.event({ type: "incomplete", omitted });
    const { existing = 0 } = this.#sink;
    return existing > 0 ? { ...digest, existing } : digest;
  }

  /** Gives the network its turn after every few entries: they are stored synchronously. */
  async #pause(): Promise<void> {
    if (++this.#stored % ENTRIES_AT_ONCE === 0) {
      this.#tellEntry();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#checkGoing();
  }

  /** Nothing more is stored once the transfer has failed. */
  #checkGoing(): void {
    if (this.#discarded !== undefined) throw senderEnded();
  }
}

/** @throws {Failure} if the sender has not said where a file goes on, of which it was told that something is there */
function checkResumed({ listed, resumed }: CurrentFile): void {
  if (listed.answer !== undefined && listed.found !== undefined && !resumed) {
    throw malformed("content before RESUME_AT");
  }
}

/** The sender has ended before all had arrived. */
export function senderEnded(): Failure {
  return new Failure({ code: "peer-ended", by: "sender" });
}

function corrupt(path?: string): Failure {
  return new Failure({ code: "corrupt", ...path !== undefined && { path } });
}
