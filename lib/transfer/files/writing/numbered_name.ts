import { MAX_NAME_SIZE } from "../../wire/names.ts";
import { utf8 } from "../../../base/utf8.ts";

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
export function cutToBytes(text: string, bytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}
