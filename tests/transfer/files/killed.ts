/**
 * Stores something, as the test beside it says, and is killed at one of the
 * moments at which it changes a directory: `killed.ts DIRECTORY KIND MOMENT`.
 */
import { DescriptorDirectory } from "../../../lib/transfer/files/directory/descriptor_directory.ts";
import { DirectorySink } from "../../../lib/transfer/files/writing/directory_sink.ts";
import { FileAttempt } from "./file_attempt.ts";

const CHANGES = [
  "makeDirectory",
  "createFile",
  "rename",
  "symlink",
  "unlink",
  "removeDirectory",
  "chmod",
] as const;

const MTIME = 10n ** 18n;
/** What is stored: a tree of `a` and `b`, or the file `f`. */
export const TEXT = new TextEncoder().encode("text");
export const LARGE = new Uint8Array(70_000).fill(5);
export const OFFER = {
  kind: "tree",
  names: ["a", "b"],
  count: 2,
  resumable: true,
} as const;
export const FILE = { mode: 0o640, mtime: MTIME };
export const ENTRIES = {
  a: { kind: "directory", name: "a", mode: 0o555, mtime: MTIME },
  link: { kind: "link", name: "link", target: "x", mtime: MTIME },
  sub: { kind: "directory", name: "sub", mode: 0o755, mtime: MTIME },
  x: { kind: "file", name: "x", mode: 0o640, mtime: MTIME, size: TEXT.length },
  y: { kind: "file", name: "y", mode: 0o600, mtime: MTIME, size: LARGE.length },
  b: { kind: "file", name: "b", mode: 0o644, mtime: MTIME, size: TEXT.length },
} as const;

/** How it is stored. */
export interface Options {
  force: boolean;
  owner: { key: Uint8Array };
}

/** Stores a tree from whatever is there of it. */
export async function storeTree(
  directory: string,
  options: Options,
): Promise<void> {
  const sink = await DirectorySink.create(directory, OFFER, options);
  const { a, link, sub, x, y, b } = ENTRIES;
  const inventory = sink.inventory();
  inventory.enter("a");
  inventory.enter("sub");
  const inSub = inventory.look(x);
  inventory.leave();
  const large = inventory.look(y);
  inventory.leave();
  const outside = inventory.look(b);
  sink.enter(a);
  sink.link(link);
  sink.enter(sub);
  if (inSub?.whole) sink.keep(x, inSub);
  else sink.put(x, TEXT);
  sink.leave();
  if (large?.whole) {
    sink.keep(y, large);
  } else {
    const file = await sink.open(y);
    await file.resume(0);
    await file.write(LARGE);
    await file.commit();
  }
  sink.leave();
  if (outside?.whole) sink.keep(b, outside);
  else sink.put(b, TEXT);
  await sink.commit();
}

/** Stores a file from whatever is there of it. */
export async function storeFile(
  directory: string,
  options: Options,
): Promise<void> {
  const sink = await FileAttempt.create(`${directory}/f`, options, FILE);
  const whole = sink.found?.length === LARGE.length;
  await sink.resume(whole ? LARGE.length : 0);
  if (!whole) await sink.write(LARGE);
  await sink.commit();
}

if (import.meta.main) {
  const [directory = "", kind = "", moment] = Deno.args;
  let left = Number(moment);
  for (const name of CHANGES) {
    const { prototype } = DescriptorDirectory;
    const change = prototype[name] as (...args: unknown[]) => unknown;
    Object.defineProperty(prototype, name, {
      value: function (...args: unknown[]) {
        if (--left === 0) Deno.kill(Deno.pid, "SIGKILL");
        return change.apply(this, args);
      },
    });
  }
  const owner = { key: new Uint8Array(32).fill(1) };
  const options = { force: kind.endsWith("force"), owner };
  if (kind.startsWith("tree")) await storeTree(directory, options);
  else await storeFile(directory, options);
}
