import { displayText } from "../../base/display_text.ts";
import { Failure, type NameRule } from "../../base/failure.ts";
import { malformed } from "./malformed.ts";
import { utf8 } from "../../base/utf8.ts";

/** The longest name of a file, in bytes of UTF-8. */
export const MAX_NAME_SIZE = 255;
/** The longest path, in bytes: PATH_MAX of Linux without its NUL. */
export const MAX_PATH_SIZE = 4095;
/** The longest text of a peer that is shown, in characters. */
const MAX_TEXT_LENGTH = 200;
/** The suffix of unfinished files and of staging directories. */
export const PART_SUFFIX = ".ferry-part";

/** A peer's text as it may be shown: one line without control characters, cut to 200 characters. */
export function shownText(bytes: Uint8Array): string {
  const text = displayText(new TextDecoder().decode(bytes)).trim();
  const characters = [...text];
  return characters.length <= MAX_TEXT_LENGTH
    ? text
    : characters.slice(0, MAX_TEXT_LENGTH - 1).join("") + "…";
}

/**
 * The failure of a name that is not allowed.
 *
 * @param name as the peer sent it; invalid UTF-8 was replaced
 */
export function nameRefused(name: string, rule: NameRule): Failure {
  const shown = shownText(utf8(name));
  return new Failure({ code: "name-refused", name: shown, rule });
}

/**
 * Decodes a name that a peer sent: one component of a path, which can neither
 * leave the directory it is put in nor be taken for an unfinished file.
 *
 * @throws {Failure} `name-refused`
 */
export function decodeName(bytes: Uint8Array): string {
  const name = decodeText(bytes);
  if (name === "") throw nameRefused(name, "empty");
  if (name === "." || name === ".." || name.includes("/")) {
    throw nameRefused(name, "path");
  }
  if (bytes.length > MAX_NAME_SIZE) throw nameRefused(name, "too-long");
  if (name.endsWith(PART_SUFFIX)) throw nameRefused(name, "reserved");
  return name;
}

/**
 * Decodes the target of a link that a peer sent. It may be anything, since
 * nothing is ever written through a link.
 *
 * @throws {Failure} `name-refused` for a target that no system takes
 */
export function decodeTarget(bytes: Uint8Array): string {
  const target = decodeText(bytes);
  if (target === "") throw nameRefused(target, "empty-link");
  if (bytes.length > MAX_PATH_SIZE) throw nameRefused(target, "too-long");
  return target;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw nameRefused(new TextDecoder().decode(bytes), "not-utf8");
  }
  if (text.includes("\0")) throw nameRefused(text, "has-nul");
  return text;
}

/**
 * Compares names by their UTF-8 bytes.
 *
 * @returns negative if `one` comes first, positive if `other` does, 0 if they are the same
 */
export function compareNames(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const difference = one.charCodeAt(at) - other.charCodeAt(at);
    if (difference === 0) continue;
    return inUtf8Order(one.charCodeAt(at)) - inUtf8Order(other.charCodeAt(at));
  }
  return one.length - other.length;
}

/** Surrogates stand for code points above all others, and their UTF-16 code units do not. */
function inUtf8Order(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

/**
 * Checks the order of a tree's names. Within each directory they ascend, so that
 * none comes twice, and memory does not grow with the tree.
 */
export class NameOrder {
  /** The last name in each open directory, the outermost first. */
  #last: (string | undefined)[] = [undefined];
  /** An upper bound of the path to the open directory, in bytes. */
  #size = 0;

  /** How many directories are open. */
  get depth(): number {
    return this.#last.length - 1;
  }

  /** The path to the last name. */
  get path(): string {
    return this.#last.filter((name) => name !== undefined).join("/");
  }

  /**
   * Takes the next name in the open directory.
   *
   * @throws {Failure} `name-refused` if it does not ascend, or its path is too long
   */
  next(name: string): void {
    const last = this.#last.at(-1);
    const order = last === undefined ? 1 : compareNames(name, last);
    if (order === 0) throw nameRefused(this.path, "duplicate");
    if (order < 0) throw nameRefused(name, "out-of-order");
    this.#last[this.#last.length - 1] = name;
    // Few paths are so long that their bytes have to be counted
    if (this.#size + 3 * name.length <= MAX_PATH_SIZE) return;
    if (utf8(this.path).length > MAX_PATH_SIZE) {
      throw nameRefused(this.path, "path-too-long");
    }
  }

  /** Opens the directory of the last name. */
  enter(): void {
    this.#size += this.#sizeOfLast();
    this.#last.push(undefined);
  }

  /** @throws {Failure} `malformed` if no directory is open */
  leave(): void {
    if (this.depth === 0) throw malformed("LEAVE outside of all directories");
    this.#last.pop();
    this.#size -= this.#sizeOfLast();
  }

  #sizeOfLast(): number {
    return 3 * (this.#last.at(-1) ?? "").length + 1;
  }
}

/** The nearest name to a local file's that every receiver takes. */
export function offerableName(name: string): string {
  return name.endsWith(PART_SUFFIX)
    ? name.slice(0, -PART_SUFFIX.length) + PART_SUFFIX.replace("-", "_")
    : name;
}
