import { displayText } from "../../base/display_text.ts";
import { Failure } from "../../base/failure.ts";
import { malformed } from "./fields.ts";
import {
  MAX_TIME,
  NANOS_PER_MILLI,
  type Timestamp,
  timestampOf,
} from "./timestamp.ts";

/** The longest name of a file, in bytes of UTF-8. */
export const MAX_NAME = 255;
/** The longest path, in bytes: what Linux takes, without its NUL. */
export const MAX_PATH = 4095;
/** The longest text of a peer that is shown, in characters. */
export const MAX_TEXT = 200;
/** What a file is called while it arrives: its name and this. */
export const PART_SUFFIX = ".ferry-part";

/** A peer's text as it may be shown: one line, no control characters, not long. */
export function cleanText(bytes: Uint8Array): string {
  const text = displayText(new TextDecoder().decode(bytes)).trim();
  const characters = [...text];
  return characters.length <= MAX_TEXT
    ? text
    : characters.slice(0, MAX_TEXT - 1).join("") + "…";
}

/** A peer sent a name that nothing here may have. */
export class NameFailure extends Failure {
  /** The name, as it may be shown. */
  readonly offender: string;

  /** @param name as it came, or what could be read of it */
  constructor(name: string, why: string) {
    const offender = cleanText(new TextEncoder().encode(name));
    super("protocol", `The sender's name "${offender}" is refused: ${why}`);
    this.offender = offender;
  }
}

/**
 * A name that a peer sent: one component of a path, which can neither leave the
 * directory it is put in nor be taken for a file that is still arriving.
 *
 * @throws {NameFailure} for every other name
 */
export function checkedName(bytes: Uint8Array): string {
  const name = checkedText(bytes);
  const refuse = (why: string) => new NameFailure(name, why);
  if (name === "") throw refuse("it is empty");
  if (name === "." || name === ".." || name.includes("/")) {
    throw refuse("it could lead out of the directory");
  }
  if (bytes.length > MAX_NAME) {
    throw refuse(`it is longer than ${MAX_NAME} bytes`);
  }
  if (name.endsWith(PART_SUFFIX)) {
    throw refuse("files are called so while they arrive");
  }
  return name;
}

/**
 * What a link that a peer sent points to. It may be anything: nothing is ever
 * written through a link.
 *
 * @throws {NameFailure} for what no system takes
 */
export function checkedTarget(bytes: Uint8Array): string {
  const target = checkedText(bytes);
  if (target === "") throw new NameFailure(target, "a link points to nothing");
  if (bytes.length > MAX_PATH) {
    throw new NameFailure(target, `it is longer than ${MAX_PATH} bytes`);
  }
  return target;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text that a path may have in it: all but NUL, and UTF-8. */
function checkedText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    const shown = new TextDecoder().decode(bytes);
    throw new NameFailure(shown, "it is not UTF-8");
  }
  if (text.includes("\0")) throw new NameFailure(text, "it has a NUL in it");
  return text;
}

/**
 * Follows the names of a tree as they come. Within each directory they ascend,
 * so that none comes twice, and memory does not grow with the tree.
 */
export class NameOrder {
  /** The last name in each directory that is open, the outermost first. */
  #last: string[] = [""];
  #length = 0;

  /** How many directories are open. */
  get depth(): number {
    return this.#last.length - 1;
  }

  /**
   * Takes the next name in the directory that is open.
   *
   * @throws {NameFailure} if it collides, or the path to it is too long
   */
  next(name: string): void {
    const last = this.#last.at(-1)!;
    if (name === last) throw new NameFailure(this.path, "it comes twice");
    if (name < last) {
      throw new NameFailure(name, `it comes out of order, after "${last}"`);
    }
    this.#last[this.#last.length - 1] = name;
    if (this.#length + 3 * name.length > MAX_PATH && this.#tooLong()) {
      throw new NameFailure(
        this.path,
        `the path is longer than ${MAX_PATH} bytes`,
      );
    }
  }

  /** What follows is in the directory of the last name. */
  enter(): void {
    this.#length += 3 * this.#last.at(-1)!.length + 1;
    this.#last.push("");
  }

  /** @throws {Failure} `protocol` if no directory is open */
  leave(): void {
    if (this.depth === 0) throw malformed("it leaves what it never entered");
    this.#last.pop();
    this.#length -= 3 * this.#last.at(-1)!.length + 1;
  }

  /** The path to the last name. */
  get path(): string {
    return this.#last.filter((name) => name !== "").join("/");
  }

  #tooLong(): boolean {
    return new TextEncoder().encode(this.path).length > MAX_PATH;
  }
}

/** The nearest name to a local file's that every receiver takes. */
export function offerableName(name: string): string {
  return name.endsWith(PART_SUFFIX)
    ? name.slice(0, -PART_SUFFIX.length) + PART_SUFFIX.replace("-", "_")
    : name;
}

/** @throws {Failure} `protocol` unless `size` is a number of bytes */
export function checkedSize(size: number | undefined): number | undefined {
  if (size !== undefined && size < 0) throw malformed("a size is negative");
  return size;
}

/** Permission bits alone: nothing that arrives becomes set-user-id, set-group-id or sticky. */
export function checkedMode(mode: number | undefined): number | undefined {
  return mode === undefined ? undefined : mode & 0o777;
}

/**
 * @param nanos the nanoseconds within the millisecond
 * @throws {Failure} `protocol` for a time that is too far away, or no time
 */
export function checkedTime(
  milliseconds: number | undefined,
  nanos = 0,
): Timestamp | undefined {
  if (milliseconds === undefined) return undefined;
  const time = timestampOf(milliseconds, nanos);
  if (nanos < 0 || nanos >= NANOS_PER_MILLI) {
    throw malformed("a millisecond has no such part");
  }
  if (time > MAX_TIME || time < -MAX_TIME) {
    throw malformed("a time is out of range");
  }
  return time;
}
