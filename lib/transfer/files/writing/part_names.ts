import { MAX_NAME_SIZE, PART_SUFFIX } from "../../wire/names.ts";
import { cutToBytes } from "./numbered_name.ts";

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
