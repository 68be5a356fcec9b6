import { basename } from "node:path";
import { Failure, systemProblem } from "../../../base/failure.ts";
import { SingleSource, type Source } from "../../source.ts";
import { offerableName } from "../../wire/names.ts";
import {
  DescriptorDirectory,
  openPath,
  openPipe,
} from "../directory/descriptor_directory.ts";
import type { OpenFile } from "../directory/directory.ts";
import { PathFile } from "../directory/path_directory.ts";
import { readFailure } from "../failures.ts";
import { type FileStatus, statusAt } from "../file_status.ts";
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
  const seek = (position: number) => file.seek(position);
  const content = { read, close: () => file.close() };
  const name = offerableName(basename(path));
  if (status.isBlockDevice) {
    const entry = { name, size: file.length() };
    return new SingleSource({ ...content, seek }, entry, {
      path,
      resumable: true,
    });
  }
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
): Promise<{ file: OpenFile; status: FileStatus }> {
  let file: OpenFile | undefined;
  try {
    const status = statusAt(path, { follow: true });
    if (status.isDirectory) throw new SystemError("EISDIR");
    file = await openReadable(path, status);
    const opened = file.status();
    if (opened.isFile === status.isFile && hasInode(opened, status)) {
      return { file, status };
    }
  } catch (error) {
    file?.close();
    throw readFailure(path, error);
  }
  file.close();
  throw new Failure({ code: "source-replaced", path });
}

/**
 * Opens a file by the runtime; or by the system where the runtime opens nothing,
 * below /dev, /proc and /sys, and a named pipe, for whose writer the runtime of the
 * executable waits and does nothing else.
 */
async function openReadable(
  path: string,
  { isFifo }: FileStatus,
): Promise<OpenFile> {
  if (isFifo && DescriptorDirectory.isPossible) return await openPipe(path);
  try {
    return new PathFile(path, await Deno.open(path));
  } catch (error) {
    const isRuntimes = (error as Error).name === "NotCapable";
    if (!isRuntimes || !DescriptorDirectory.isPossible) throw error;
    return openPath(path);
  }
}

/** Whether what was opened is what was looked at, as far as the system tells. */
function hasInode({ inode }: FileStatus, seen: FileStatus): boolean {
  return inode === 0 || Number(inode) === Number(seen.inode);
}
