import { frame } from "../../base/frame.ts";
import { createHash, type Hash } from "node:crypto";
import { Failure } from "../../base/failure.ts";
import type { Found, Inventory } from "../sink.ts";
import { type Content, hashUpTo } from "../source.ts";
import type {
  DirectoryEntry,
  Entry,
  FileEntry,
  LinkEntry,
} from "../wire/entries.ts";
import { FrameType, SHA256_SIZE } from "../wire/frame.ts";
import { malformed } from "../wire/malformed.ts";
import {
  encodeOffsets,
  EXISTING,
  type Offer,
  WHOLE,
} from "../wire/messages.ts";
import { NameOrder, nameRefused } from "../wire/names.ts";
import type { ReceiverContext } from "./context.ts";

/** Entries that may be listed ahead of their turn. */
export const MAX_LISTED = 1 << 13;
/** Memory that these may take, in bytes: their bodies, and {@linkcode ENTRY_SIZE} for each. */
const MAX_LISTED_SIZE = 1 << 22;
const ENTRY_SIZE = 1 << 8;
/** Digests in a frame: many, but those of large files do not hold up the others for long. */
const DIGESTS_IN_FRAME = 64;
/** Names outside of all directories at most: they are remembered until they are moved. */
const MAX_ROOTS = 1 << 17;

export interface ListedFile {
  readonly type: "file";
  readonly entry: FileEntry;
  /** What is there of it. */
  readonly found: Found | undefined;
  /** Its path, if it was there before. */
  readonly path?: string | undefined;
  /** Whether the sender has asked for what was found, and was told. */
  answer: Answer | undefined;
}

/** What the sender was told of a file. */
export interface Answer {
  /**
   * The hash of what was found, to be continued; undefined if that cannot be
   * read, or is not known to be what the sender has.
   */
  hash: Promise<Hash | undefined>;
  /** Settles when the answer was written. */
  written: Promise<void>;
}

/** An entry whose turn has not come. */
export type Listed =
  | ListedFile
  | { readonly type: "enter"; readonly entry: DirectoryEntry }
  | { readonly type: "link"; readonly entry: LinkEntry }
  | { readonly type: "leave" };

/**
 * The entries of a transfer as they are listed: checks that they are what was
 * offered, keeps those whose turn has not come, and answers what is there of them.
 */
export class Manifest {
  #context: ReceiverContext;
  #offer: Offer;
  #offered: ReadonlySet<string>;
  #inventory: Inventory | undefined;
  #order = new NameOrder();
  #roots = 0;
  #queue: { item: Listed; size: number }[] = [];
  #size = 0;
  /** Files that are not complete, and that the sender has not asked about. */
  #unanswered = new Set<ListedFile>();
  /** Files that were there before, and that the sender is to compare. */
  #uncompared: { file: ListedFile; answer: Answer; hash: Answer["hash"] }[] =
    [];
  /** The path of an entry that is in conflict with what is there. */
  #conflict: string | undefined;
  #hashing: Promise<void> = Promise.resolve();

  /** @param inventory of what an earlier attempt left, if the sender was told that there is something */
  constructor(
    context: ReceiverContext,
    offer: Offer,
    inventory: Inventory | undefined,
  ) {
    this.#context = context;
    this.#offer = offer;
    this.#offered = new Set(offer.names);
    this.#inventory = inventory;
  }

  /** Whether no directory is open. */
  get isComplete(): boolean {
    return this.#order.depth === 0;
  }

  /** The path of an entry, not the one whose turn it is, because of which this failed. */
  get conflict(): string | undefined {
    return this.#conflict;
  }

  /**
   * Takes an entry, or LEAVE, whose turn is at once.
   *
   * @throws {Failure} `malformed` or `name-refused`
   */
  next(entry: Entry | "leave"): Listed {
    if (entry === "leave") {
      this.#order.leave();
      this.#inventory?.leave();
      return { type: "leave" };
    }
    this.#order.next(entry.name);
    this.#checkOffered(entry);
    switch (entry.kind) {
      case "directory":
        this.#order.enter();
        this.#inventory?.enter(entry.name);
        return { type: "enter", entry };
      case "link":
        return { type: "link", entry };
      case "file":
        return { type: "file", entry, found: undefined, answer: undefined };
    }
  }

  /**
   * Takes an entry, or LEAVE, whose turn is to come.
   *
   * @param length of its frame's body
   * @throws {Failure} `malformed` or `name-refused`
   */
  add(entry: Entry | "leave", length: number): void {
    const size = ENTRY_SIZE + length;
    this.#size += size;
    if (this.#queue.length >= MAX_LISTED || this.#size > MAX_LISTED_SIZE) {
      throw malformed("it lists too much ahead");
    }
    let item = this.next(entry);
    if (item.type === "file") {
      const found = this.#look(item.entry);
      const path = found?.existing && this.#order.path;
      item = { ...item, found, path };
      if (this.#inventory !== undefined) this.#unanswered.add(item);
    }
    this.#queue.push({ item, size });
  }

  /**
   * The entry whose turn has come. The turn of a file that the sender has asked
   * about comes when it was told: so the answers to a sender that does not read
   * them do not pile up.
   */
  async shift(): Promise<Listed | undefined> {
    const first = this.#queue.shift();
    if (first === undefined) return undefined;
    this.#size -= first.size;
    if (first.item.type === "file") await first.item.answer?.written;
    return first.item;
  }

  /** The content of a file has ended: no QUERY is about it any more. */
  complete(file: ListedFile): void {
    this.#unanswered.delete(file);
  }

  /**
   * Answers a QUERY: what there is of the files listed since the last one, and
   * the digests of that.
   */
  async answer(): Promise<void> {
    if (this.#inventory === undefined) throw malformed("QUERY without RESUME");
    const files = [...this.#unanswered];
    this.#unanswered.clear();
    const lengths = files.map(({ found }) =>
      found?.existing !== undefined
        ? EXISTING
        : found === undefined
        ? 0
        : found.whole
        ? WHOLE
        : found.length
    );
    const told = lengths.length === 0 ? Promise.resolve() : this.#context.write(
      frame(FrameType.OFFSETS, encodeOffsets(...lengths)),
    );
    const found: Answer[] = [];
    for (const file of files) {
      const hash = this.#hash(file.found);
      const isExisting = file.found?.existing !== undefined;
      const known = isExisting ? Promise.resolve(undefined) : hash;
      const answer = file.answer = { hash: known, written: told };
      if (isExisting) this.#uncompared.push({ file, answer, hash });
      else if (file.found !== undefined) found.push(answer);
    }
    for (let at = 0; at < found.length; at += DIGESTS_IN_FRAME) {
      const answers = found.slice(at, at + DIGESTS_IN_FRAME);
      const written = this.#writeDigests(answers);
      // `shift` throws what it throws
      written.catch(() => {});
      for (const answer of answers) answer.written = written;
    }
    await told;
  }

  /**
   * Compares files that were there before with what the sender has, and tells it
   * which are the same.
   *
   * @param digests of the next ones of these; zeros for one that cannot be read
   * @throws {Failure} if one is not, and nothing is replaced
   */
  async compare(digests: Uint8Array): Promise<void> {
    const count = digests.length / SHA256_SIZE;
    const files = this.#uncompared.splice(0, count);
    if (files.length !== count) throw malformed("COMPARE of no such file");
    const same = new Uint8Array(count);
    for (const [index, { file, answer, hash }] of files.entries()) {
      const at = SHA256_SIZE * index;
      const digest = digests.subarray(at, at + SHA256_SIZE);
      const isSame = (await hash)?.copy().digest().equals(digest) === true;
      const conflict = file.found?.existing?.conflict;
      if (isSame) {
        answer.hash = hash;
      } else if (conflict !== undefined && digest.some(Boolean)) {
        this.#conflict = file.path;
        throw conflict;
      }
      same[index] = Number(isSame);
    }
    await this.#context.write(frame(FrameType.COMPARED, same));
  }

  /** What there is of the file that was listed last. */
  #look(entry: FileEntry): Found | undefined {
    try {
      return this.#inventory?.look(entry);
    } catch (error) {
      this.#conflict = this.#order.path;
      throw error;
    }
  }

  /** Hashes what was found, after what was found before. */
  #hash(found: Found | undefined): Promise<Hash | undefined> {
    if (found === undefined) return Promise.resolve(undefined);
    const hash = this.#hashing.then(() => hashOf(found));
    this.#hashing = hash.then(() => {});
    return hash;
  }

  async #writeDigests(answers: readonly Answer[]): Promise<void> {
    const body = new Uint8Array(SHA256_SIZE * answers.length);
    for (const [index, answer] of answers.entries()) {
      const hash = await answer.hash;
      body.set(hash?.copy().digest() ?? [], SHA256_SIZE * index);
    }
    await this.#context.write(frame(FrameType.PREFIX_DIGESTS, body));
  }

  /** @throws {Failure} unless an entry may be what was offered */
  #checkOffered(entry: Entry): void {
    const { kind, count } = this.#offer;
    const { name } = entry;
    if ((name === "") !== (kind === "stream")) {
      throw malformed("only the entry of a stream has no name");
    }
    if (kind === "tree") {
      const { mode, mtime, size } = { mode: 0, size: 0, ...entry };
      if (mode === undefined || mtime === undefined || size === undefined) {
        throw malformed("a file of a tree lacks a field");
      }
    } else if (entry.kind !== "file") {
      throw malformed("no file is sent, and one was offered");
    }
    if (this.#order.depth > 0) return;
    // What a person was shown is all that may come
    const shown = this.#offered.size === count || name.startsWith(".");
    if (++this.#roots > count || shown && !this.#offered.has(name)) {
      throw nameRefused(name, "not-offered");
    }
    if (this.#roots <= MAX_ROOTS) return;
    throw new Failure({
      code: "too-many-names",
      path: name,
      max: MAX_ROOTS,
    });
  }
}

/** Hashes what was found; undefined if it cannot be read. */
async function hashOf({ open, length }: Found): Promise<Hash | undefined> {
  let content: Content | undefined;
  try {
    content = await open();
    const hash = createHash("sha256");
    return await hashUpTo(length, content, 0, hash) ? hash : undefined;
  } catch {
    return undefined;
  } finally {
    content?.close();
  }
}
