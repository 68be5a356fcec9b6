import { basename } from "node:path";
import { Failure, systemProblem } from "../../../base/failure.ts";
import { SingleSource, type Source } from "../../source.ts";
import { offerableName } from "../../wire/names.ts";
import { readFailure } from "../failures.ts";
import { type FileStatus, statusAt, statusOf } from "../file_status.ts";
import { SystemError } from "../system_error.ts";

/**
 * Opens a source that reads one file.
 *
 * @param options.resume whether what can be read only once may leave out what
 * the receiver has; a regular file always may
 * @throws {Failure} if there is no such file or it cannot be read
 */
export async function openFileSource(
  path: string,
  options: { resume?: boolean } = {},
): Promise<Source> {
  const { file, status } = await openFile(path);
  const read = async (into: Uint8Array) => {
    try {
      return await file.read(into);
    } catch (error) {
      const problem = systemProblem(error);
      throw new Failure({ code: "read-failed", path, problem });
    }
  };
  const seek = async (position: number) => {
    await file.seek(position, Deno.SeekMode.Start);
  };
  const content = { read, close: () => file.close() };
  const name = offerableName(basename(path));
  if (!status.isFile) {
    const resumable = options.resume === true;
    return new SingleSource(content, { name }, { path, resumable });
  }
  const { mode, mtime } = status;
  // The files of /proc have the size 0, and are not empty
  const size = status.size > 0 ? status.size : undefined;
  const entry = { name, size, mode, mtime };
  return new SingleSource({ ...content, seek }, entry, {
    path,
    resumable: true,
  });
}

async function openFile(
  path: string,
): Promise<{ file: Deno.FsFile; status: FileStatus }> {
  let file: Deno.FsFile | undefined;
  try {
    const status = statusAt(path, { follow: true });
    if (status.isDirectory) throw new SystemError("EISDIR");
    file = await Deno.open(path);
    const opened = statusOf(file.statSync());
    if (opened.isFile === status.isFile && hasInode(opened, status)) {
      return { file, status };
    }
  } catch (error) {
    throw readFailure(path, error);
  }
  file.close();
  throw new Failure({ code: "source-replaced", path });
}

/** Whether what was opened is what was looked at, as far as the system tells. */
function hasInode({ inode }: FileStatus, seen: FileStatus): boolean {
  return inode === 0 || Number(inode) === Number(seen.inode);
}
