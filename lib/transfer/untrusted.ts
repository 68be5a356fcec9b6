import { malformed } from "./fields.ts";

/** The longest name of a file, in bytes of UTF-8. */
export const MAX_NAME = 255;
/** The longest text of a peer that is shown, in characters. */
export const MAX_TEXT = 200;
/** What a file is called while it arrives: its name and this. */
export const PART_SUFFIX = ".ferry-part";

/** What could move a terminal's cursor, break a line or make a text read differently from what it is. */
const UNSAFE =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;
/** Milliseconds on either side of 1970 that a Date can hold. */
const MAX_TIME = 8.64e15;

/** A text that may have anything in it, as it may be shown: one line that leaves a terminal alone. */
export function oneLine(text: string): string {
  return text.replaceAll(UNSAFE, " ");
}

/** A peer's text as it may be shown: one line, no control characters, not long. */
export function cleanText(bytes: Uint8Array): string {
  const text = oneLine(new TextDecoder().decode(bytes)).trim();
  const characters = [...text];
  return characters.length <= MAX_TEXT
    ? text
    : characters.slice(0, MAX_TEXT - 1).join("") + "…";
}

/**
 * The name of a file that a peer offered: one component of a path, which can
 * neither leave the directory it is put in nor be taken for something else.
 *
 * @throws {Failure} `protocol` for every other name
 */
export function checkedName(bytes: Uint8Array): string {
  if (bytes.length > MAX_NAME) {
    throw malformed(`the file's name is longer than ${MAX_NAME} bytes`);
  }
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    throw malformed("the file's name is not UTF-8");
  }
  if (name === "" || name === "." || name === "..") {
    throw malformed(`"${name}" is no name for a file`);
  }
  if (/[/\\]/.test(name)) {
    throw malformed("the file's name has a path separator in it");
  }
  if (name.search(UNSAFE) >= 0) {
    throw malformed("the file's name has control characters in it");
  }
  if (name.endsWith(PART_SUFFIX)) {
    throw malformed(`a file's name must not end in ${PART_SUFFIX}`);
  }
  return name;
}

/** The nearest name to a local file's that every receiver takes. */
export function offerableName(name: string): string {
  const safe = name.replaceAll("\\", "_").replaceAll(UNSAFE, "_");
  return safe.endsWith(PART_SUFFIX)
    ? safe.slice(0, -PART_SUFFIX.length) + PART_SUFFIX.replace("-", "_")
    : safe;
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

/** @throws {Failure} `protocol` unless `time`, in ms since 1970, is one that a Date can hold */
export function checkedTime(time: number | undefined): number | undefined {
  if (time !== undefined && Math.abs(time) > MAX_TIME) {
    throw malformed("a time is out of range");
  }
  return time;
}
