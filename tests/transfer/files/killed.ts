/**
 * Stores something, as the test beside it says, and is killed at one of the
 * moments at which it changes a directory: `killed.ts DIRECTORY KIND MOMENT`.
 */
import { DescriptorDirectory } from "../../../lib/transfer/files/directory/descriptor_directory.ts";
import type { DirectorySinkOptions } from "../../../lib/transfer/files/writing/directory_sink.ts";
import {
  complete,
  directoryOf,
  fileOf,
  HELLO,
  LARGE,
  linkOf,
  OWNER,
  treeIn,
  write,
} from "../files.ts";
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

/** Stores a tree of `a` and `b` from whatever is there of it. */
export async function storeTree(
  directory: string,
  options: Partial<DirectorySinkOptions>,
): Promise<void> {
  const sink = await treeIn(directory, ["a", "b"], options);
  const [x, y, b] = [fileOf("x"), fileOf("y", LARGE, 0o600), fileOf("b")];
  const inventory = sink.inventory();
  inventory.enter("a");
  inventory.enter("sub");
  const inSub = inventory.look(x);
  inventory.leave();
  const large = inventory.look(y);
  inventory.leave();
  const outside = inventory.look(b);
  sink.enter(directoryOf("a", 0o555));
  sink.link(linkOf("link", "x"));
  sink.enter(directoryOf("sub"));
  if (inSub?.whole) sink.keep(x, inSub);
  else sink.put(x, HELLO);
  sink.leave();
  if (large?.whole) sink.keep(y, large);
  else await write(sink, y);
  sink.leave();
  if (outside?.whole) sink.keep(b, outside);
  else sink.put(b, HELLO);
  await complete(sink);
}

/** Stores a file from whatever is there of it. */
export async function storeFile(
  directory: string,
  options: Partial<DirectorySinkOptions>,
): Promise<void> {
  const { mode, mtime } = fileOf("f", LARGE, 0o640);
  const attributes = { mode, mtime };
  const sink = await FileAttempt.create(`${directory}/f`, options, attributes);
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
  const options = { force: kind.endsWith("force"), owner: OWNER };
  if (kind.startsWith("tree")) await storeTree(directory, options);
  else await storeFile(directory, options);
}
