import type { Hash } from "node:crypto";
import { WHOLE } from "./answers.ts";
import type { Found, Inventory } from "./content.ts";
import { hashOf, haveFrame } from "./content_receiver.ts";
import {
  decodeEntry,
  type Entry,
  type FileEntry,
  SUM_SIZE,
} from "./entries.ts";
import { malformed } from "./fields.ts";
import { frame, FrameType } from "./frame.ts";
import type { Intake } from "./intake.ts";
import { NameOrder } from "./untrusted.ts";

/** Entries that may be listed ahead of their turn. */
const MAX_LISTED = 1 << 13;

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
}

/** Entries that wait for their turn, and what the sender is told of them. */
export class Listing {
  #intake: Intake;
  #inventory: Inventory;
  #order = new NameOrder();
  #items: (Listed | ListedFile | "leave")[] = [];
  #at = 0;
  #asked: ListedFile[] = [];
  #proving: Promise<void> = Promise.resolve();

  constructor(intake: Intake, inventory: Inventory) {
    this.#intake = intake;
    this.#inventory = inventory;
  }

  add(type: number, body: Uint8Array): void {
    if (this.#items.length - this.#at >= MAX_LISTED) {
      throw malformed("it lists too much ahead");
    }
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

  /** The next entry whose turn it is. */
  shift(): Listed | "leave" | undefined {
    if (this.#at === this.#items.length) return undefined;
    const item = this.#items[this.#at++];
    if (this.#at === this.#items.length) {
      this.#items = [];
      this.#at = 0;
    }
    return item;
  }

  /** Says what there is of the files listed since it was last asked, and proves it. */
  answer(): void {
    const asked = this.#asked;
    this.#asked = [];
    if (asked.length === 0) return;
    const lengths = asked.map(({ found }) =>
      found === undefined ? 0 : found.whole ? WHOLE : found.length
    );
    this.#intake.say(haveFrame(lengths));
    const files = asked.filter(({ found }) => found !== undefined);
    for (const file of files) {
      file.proof = this.#proving.then(() => hashFound(file.found!));
      this.#proving = file.proof.then(() => {});
    }
    this.#prove(files);
  }

  async #prove(files: ListedFile[]): Promise<void> {
    for (let at = 0; at < files.length; at += PROOFS) {
      const part = files.slice(at, at + PROOFS);
      const body = new Uint8Array(SUM_SIZE * part.length);
      for (const [index, { proof }] of part.entries()) {
        const hash = await proof;
        body.set(hash?.copy().digest() ?? [], SUM_SIZE * index);
      }
      this.#intake.say(frame(FrameType.PROOF, body));
    }
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
