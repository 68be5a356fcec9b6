import type { Hash } from "node:crypto";
import { WHOLE } from "../sending/answers.ts";
import type { Found, Inventory } from "../content.ts";
import { hashOf, haveFrame } from "./content_receiver.ts";
import {
  decodeEntry,
  type Entry,
  type FileEntry,
  SUM_SIZE,
} from "../wire/entries.ts";
import { malformed } from "../wire/fields.ts";
import { frame, FrameType } from "../wire/frame.ts";
import type { Intake } from "./intake.ts";
import { NameOrder } from "../wire/name_validation.ts";

/** Entries that may be listed ahead of their turn. */
export const MAX_LISTED = 1 << 13;
/** What these may take, in bytes: their bodies as they came, and so much for each. */
const MAX_LISTED_BYTES = 1 << 22;
const ENTRY_BYTES = 1 << 8;

/** An entry that was listed ahead. */
export interface Listed {
  readonly entry: Entry;
  readonly body: Uint8Array;
}

/** A file that was listed ahead. */
export interface ListedFile extends Listed {
  readonly entry: FileEntry;
  readonly found: Found | undefined;
  /** The SHA-256 of what was found, to be gone on with; undefined if it cannot be read. */
  proof?: Promise<Hash | undefined>;
  /** Settles when the sender has been told of it. */
  answered?: Promise<void>;
}

/** Entries that wait for their turn, and what the sender is told of them. */
export class Listing {
  #intake: Intake;
  #inventory: Inventory;
  #order = new NameOrder();
  #items = new Queue<Listed | ListedFile | "leave">();
  #bytes = 0;
  #asked: ListedFile[] = [];
  #proving: Promise<void> = Promise.resolve();

  constructor(intake: Intake, inventory: Inventory) {
    this.#intake = intake;
    this.#inventory = inventory;
  }

  add(type: number, body: Uint8Array): void {
    this.#bytes += sizeOf(body);
    if (
      this.#items.length >= MAX_LISTED || this.#bytes > MAX_LISTED_BYTES
    ) throw malformed("it lists too much ahead");
    if (type === FrameType.LEAVE) {
      this.#order.leave();
      this.#inventory.leave();
      this.#items.push("leave");
      return;
    }
    const entry = decodeEntry(body);
    this.#order.next(entry.name);
    if (entry.kind === "directory") {
      this.#order.enter();
      this.#inventory.enter(entry.name);
    }
    if (entry.kind === "file") {
      const item = { entry, body, found: this.#inventory.look(entry) };
      this.#asked.push(item);
      this.#items.push(item);
    } else {
      this.#items.push({ entry, body });
    }
  }

  /**
   * The next entry whose turn it is. What nobody was told of yet has no turn:
   * so who does not listen cannot have answers pile up.
   */
  async shift(): Promise<Listed | ListedFile | "leave" | undefined> {
    const item = this.#items.shift();
    if (item === undefined) return undefined;
    if (item === "leave") {
      this.#bytes -= ENTRY_BYTES;
      return item;
    }
    this.#bytes -= sizeOf(item.body);
    if (item.entry.kind !== "file") return item;
    const file = item as ListedFile;
    if (file.answered === undefined) {
      throw malformed("it goes on before it has asked");
    }
    await file.answered;
    return file;
  }

  /** Says what there is of the files listed since it was last asked, and proves it. */
  async answer(): Promise<void> {
    const asked = this.#asked;
    this.#asked = [];
    if (asked.length === 0) return;
    const lengths = asked.map(({ found }) =>
      found === undefined ? 0 : found.whole ? WHOLE : found.length
    );
    const said = this.#intake.say(haveFrame(lengths));
    for (const file of asked) file.answered = said;
    const files = asked.filter(({ found }) => found !== undefined);
    for (let at = 0; at < files.length; at += PROOFS) {
      const part = files.slice(at, at + PROOFS);
      for (const file of part) {
        file.proof = this.#proving.then(() => hashFound(file.found!));
        this.#proving = file.proof.then(() => {});
      }
      const proved = this.#prove(part);
      // Who waits for it hears it
      proved.catch(() => {});
      for (const file of part) file.answered = proved;
    }
    await said;
  }

  async #prove(files: ListedFile[]): Promise<void> {
    const body = new Uint8Array(SUM_SIZE * files.length);
    for (const [index, { proof }] of files.entries()) {
      const hash = await proof;
      body.set(hash?.copy().digest() ?? [], SUM_SIZE * index);
    }
    await this.#intake.say(frame(FrameType.PREFIX_DIGESTS, body));
  }
}

function sizeOf(body: Uint8Array): number {
  return body.length + ENTRY_BYTES;
}

/** First in, first out, without keeping what went out. */
class Queue<T> {
  #items: (T | undefined)[] = [];
  #at = 0;

  get length(): number {
    return this.#items.length - this.#at;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#at === this.#items.length) return undefined;
    const item = this.#items[this.#at];
    this.#items[this.#at++] = undefined;
    if (2 * this.#at > this.#items.length) {
      this.#items.splice(0, this.#at);
      this.#at = 0;
    }
    return item;
  }
}

/** Proofs in a frame: many, but those of large files do not wait for long. */
const PROOFS = 64;

async function hashFound(found: Found): Promise<Hash | undefined> {
  try {
    const content = await found.open();
    try {
      return await hashOf(content);
    } finally {
      content.close();
    }
  } catch {
    return undefined;
  }
}
