import { basename, dirname } from "node:path";
import {
  DirectorySink,
  type DirectorySinkOptions,
} from "../../../lib/transfer/files/writing/directory_sink.ts";
import type { FileSink, Found } from "../../../lib/transfer/sink.ts";
import type { FileEntry } from "../../../lib/transfer/wire/entries.ts";
import { complete, OWNER } from "../files.ts";

/** Leaves this behind of a transfer to `path` that was broken off. */
export async function leaveBehind(
  path: string,
  bytes: Uint8Array,
  options?: Partial<DirectorySinkOptions>,
): Promise<void> {
  const attempt = await FileAttempt.create(path, options);
  await attempt.write(bytes);
  attempt.discard(true);
}

/** One attempt to store a file of unknown size. */
export class FileAttempt {
  /** What an earlier attempt left. */
  readonly found: Found | undefined;
  readonly sink: DirectorySink;
  readonly file: FileSink;

  private constructor(
    sink: DirectorySink,
    file: FileSink,
    found: Found | undefined,
  ) {
    this.sink = sink;
    this.file = file;
    this.found = found;
  }

  /** Begins to store a file at `path`, not by force, for the owner of the tests unless given. */
  static async create(
    path: string,
    options: Partial<DirectorySinkOptions> = {},
    attributes: Partial<FileEntry> = {},
  ): Promise<FileAttempt> {
    const name = basename(path);
    const [size, mode, mtime] = [undefined, undefined, undefined];
    const entry = { kind: "file", name, size, mode, mtime } as const;
    const file = { ...entry, ...attributes };
    const sink = await DirectorySink.create(dirname(path), {
      kind: "file",
      names: [name],
      count: 1,
      resumable: true,
    }, { force: false, owner: OWNER, ...options, as: name });
    const found = sink.inventory().look(file);
    return new FileAttempt(sink, await sink.open(file), found);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.file.write(bytes);
  }

  resume(length: number): Promise<void> {
    return this.file.resume(length);
  }

  /** @param heard whether the sender hears of it */
  async commit(heard = true): Promise<void> {
    await this.file.commit();
    await complete(this.sink, heard);
  }

  discard(keep?: boolean): void {
    this.file.discard(keep);
    this.sink.discard();
  }
}
