import { createHash } from "node:crypto";
import type { DirectoryEntry, Entry, FileEntry, LinkEntry } from "./entries.ts";
import type { OfferKind } from "./messages.ts";
import { millisecondsOf } from "./timestamp.ts";

/** Bytes collected before they are hashed: hashing few at a time costs more than copying them. */
const HASH_BUFFER_SIZE = 1 << 14;
/** Bytes of the longest record: a path, and numbers before it. */
const MAX_RECORD_SIZE = 4500;

/**
 * The digest of a transfer as `README.md` specifies it: of a file or a stream the
 * SHA-256 of its content, of a tree the SHA-256 of one record for each entry.
 * Follows the entries in order, and so knows their paths.
 */
export class TransferDigest {
  #isTree: boolean;
  #content = "";
  #hash = createHash("sha256");
  #buffer = new Uint8Array(HASH_BUFFER_SIZE);
  #length = 0;
  #encoder = new TextEncoder();
  /** The path to each open directory, with a slash at its end. */
  #prefixes: string[] = [];
  #prefix = "";

  constructor(kind: OfferKind) {
    this.#isTree = kind === "tree";
  }

  /** The path of what has this name in the open directory. */
  pathOf(name: string): string {
    return this.#prefix + name;
  }

  enter(entry: DirectoryEntry): void {
    this.#add("d", entry, "-");
    this.#prefixes.push(this.#prefix);
    this.#prefix += `${entry.name}/`;
  }

  leave(): void {
    this.#prefix = this.#prefixes.pop() ?? "";
  }

  link(entry: LinkEntry): void {
    const sha256 = createHash("sha256").update(entry.target).digest("hex");
    this.#add("l", entry, sha256);
  }

  /** @param sha256 of its content, in hexadecimal */
  file(entry: FileEntry, sha256: string): void {
    if (this.#isTree) this.#add("f", entry, sha256);
    else this.#content = sha256;
  }

  /** 64 hexadecimal digits; nothing can be added any more. */
  finish(): string {
    if (!this.#isTree) return this.#content;
    this.#flush();
    return this.#hash.digest("hex");
  }

  #add(kind: string, entry: Entry, sha256: string): void {
    const mode = entry.kind === "link" ? "-" : (entry.mode ?? 0).toString(8);
    const size = entry.kind === "file" ? entry.size : "-";
    const time = millisecondsOf(entry.mtime ?? 0n);
    const path = this.pathOf(entry.name);
    const record = `${kind} ${mode} ${time} ${size} ${sha256} ${path}\0`;
    if (HASH_BUFFER_SIZE - this.#length < MAX_RECORD_SIZE) this.#flush();
    const room = this.#buffer.subarray(this.#length);
    this.#length += this.#encoder.encodeInto(record, room).written;
  }

  #flush(): void {
    this.#hash.update(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }
}
