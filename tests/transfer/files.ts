import { readdirSync } from "node:fs";
import "../support/libraries.ts";

export { inDirectory, makeFiles, namesIn, test } from "../support/fs.ts";
import {
  DirectorySink,
  type DirectorySinkOptions,
} from "../../lib/transfer/files/writing/directory_sink.ts";
import type { Owner } from "../../lib/transfer/files/writing/target.ts";
import type { Sink } from "../../lib/transfer/sink.ts";
import type {
  DirectoryEntry,
  FileEntry,
  LinkEntry,
} from "../../lib/transfer/wire/entries.ts";
import type { Offer } from "../../lib/transfer/wire/messages.ts";
import { utf8 } from "../../lib/base/utf8.ts";

export const HELLO = utf8("hello");
/** More than is stored at once. */
export const LARGE = new Uint8Array(70_000).fill(5);
/** Who receives in the tests, unless it matters. */
export const OWNER = { key: new Uint8Array(32).fill(1) } satisfies Owner;
/** When everything was last changed. */
const MTIME = 10n ** 18n;

/** An offer of a tree with these names at the top. */
export function offerOf(...names: string[]): Offer {
  return { kind: "tree", names, count: names.length, resumable: true };
}

/** The entry of a file of these bytes. */
export function fileOf(
  name: string,
  { length: size } = HELLO,
  mode = 0o644,
): FileEntry {
  return { kind: "file", name, mode, mtime: MTIME, size };
}

export function directoryOf(name: string, mode = 0o755): DirectoryEntry {
  return { kind: "directory", name, mode, mtime: MTIME };
}

export function linkOf(name: string, target: string): LinkEntry {
  return { kind: "link", name, target, mtime: MTIME };
}

/** A tree sink in `directory`, not by force, and of `OWNER` unless given. */
export function treeIn(
  directory: string,
  names: string[],
  options: Partial<DirectorySinkOptions> = {},
): Promise<DirectorySink> {
  const all = { force: false, owner: OWNER, ...options };
  return DirectorySink.create(directory, offerOf(...names), all);
}

/** Stores a file whose content is written as it arrives. */
export async function write(
  sink: Sink,
  entry: FileEntry,
  bytes = LARGE,
): Promise<void> {
  const file = await sink.open(entry);
  try {
    await file.resume(0);
    await file.write(bytes);
    await file.commit();
  } finally {
    file.discard();
  }
}

/** Ends a sink. @param heard whether the sender hears of it */
export async function complete(sink: Sink, heard = true): Promise<void> {
  await sink.commit();
  sink.release(heard);
}

/** All that is below a directory: paths, modes but for the bits of `without`, times, and what each holds. */
export function snapshot(
  root: string,
  without = 0,
): [path: string, ...unknown[]][] {
  return readdirSync(root, { recursive: true }).map(String).sort().map(
    (path) => {
      const at = `${root}/${path}`;
      const { isDirectory, isSymlink, mode, mtime } = Deno.lstatSync(at);
      const bits = isSymlink ? undefined : mode! & ~without;
      if (isDirectory) return [path, bits, mtime?.getTime()];
      const held = isSymlink ? Deno.readLinkSync(at) : Deno.readFileSync(at);
      return [path, bits, mtime?.getTime(), held];
    },
  );
}

/** The one staging directory in a directory. */
export function stagingIn(directory: string): string {
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ferry-part"));
  if (names.length !== 1) throw new Error(`staging: ${names.join()}`);
  return `${directory}/${names[0]}`;
}
