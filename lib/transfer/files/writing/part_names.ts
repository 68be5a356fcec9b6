import { MAX_NAME_SIZE, PART_SUFFIX } from "../../wire/names.ts";
import { utf8 } from "../../../base/utf8.ts";

/** The name of an unfinished file, shortened where it would be too long. */
export function partName(name: string): string {
  return cutToBytes(name, MAX_NAME_SIZE - PART_SUFFIX.length) + PART_SUFFIX;
}

/** Hexadecimal digits by which staging directories of one title differ. */
const ID_LENGTH = 8;

/** An unpredictable name for a new staging directory. */
export function stagingName(title: string): string {
  const id = crypto.getRandomValues(new Uint8Array(ID_LENGTH / 2)).toHex();
  return `${stagingStart(title)}${id}${PART_SUFFIX}`;
}

/** Whether a staging directory for `title` could have this name. */
export function isStagingName(name: string, title: string): boolean {
  const start = stagingStart(title);
  return name.startsWith(start) && name.endsWith(PART_SUFFIX) &&
    /^[0-9a-f]{8}$/.test(name.slice(start.length, -PART_SUFFIX.length));
}

function stagingStart(title: string): string {
  return `${
    cutToBytes(title, MAX_NAME_SIZE - 1 - ID_LENGTH - PART_SUFFIX.length)
  }.`;
}

/** Another name for a second file, or a third: `photo (2).jpg`; for a directory `tree (2)`. */
export function numberedName(
  name: string,
  number: number,
  isDirectory: boolean,
): string {
  // What begins with its only dot has no extension
  const dot = isDirectory ? -1 : name.lastIndexOf(".");
  const end = dot > 0 ? dot : name.length;
  const suffix = ` (${number})${name.slice(end)}`;
  const room = MAX_NAME_SIZE - utf8(suffix).length;
  return room > 0 ? cutToBytes(name.slice(0, end), room) + suffix : name;
}

/** The beginning of a text, of at most `bytes` bytes. */
function cutToBytes(text: string, bytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}
