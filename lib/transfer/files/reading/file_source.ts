import { basename } from "node:path";
import { Failure } from "../../../base/failure.ts";
import type { Source } from "../../content.ts";
import type { Offer } from "../../wire/messages.ts";
import { explain } from "../../system_errors.ts";
import { offerableName } from "../../wire/name_validation.ts";
import { type FileStatus, statusAt, statusOf } from "../file_status.ts";

/** A source that reads a file. */
export class FileSource implements Source {
  readonly offer: Offer;
  /** Absent for what is no regular file: it is read as it comes. */
  readonly seek?: (position: number) => Promise<void>;
  #path: string;
  #file: Deno.FsFile;

  /** Use {@linkcode FileSource.open}. */
  constructor(path: string, file: Deno.FsFile, offer: Offer, regular: boolean) {
    this.#path = path;
    this.#file = file;
    this.offer = offer;
    if (regular) {
      this.seek = async (position) => {
        await file.seek(position, Deno.SeekMode.Start);
      };
    }
  }

  /**
   * @param options.resume whether what can be read only once may leave out what
   * the receiver has
   * @throws {Failure} `input` if there is no such file or it cannot be read
   */
  static async open(
    path: string,
    options: { resume?: boolean } = {},
  ): Promise<FileSource> {
    const cannot = (error: unknown) =>
      new Failure("input", `Cannot read ${path}: ${explain(error)}`);
    let info: FileStatus;
    try {
      info = statusAt(path, { follow: true });
    } catch (error) {
      throw cannot(error);
    }
    if (info.isDirectory) {
      throw new Failure("input", `Cannot read ${path}: it is a directory`);
    }
    const file = await Deno.open(path).catch((error) => {
      throw cannot(error);
    });
    const opened = statusOf(file.statSync());
    if (opened.isFile !== info.isFile || !hasInode(opened, info)) {
      file.close();
      throw new Failure(
        "input",
        `Cannot read ${path}: it was replaced while it was being opened`,
      );
    }
    const regular = info.isFile;
    const offer = {
      name: offerableName(basename(path)),
      // What /proc shows is called empty and is not
      size: regular && info.size > 0 ? info.size : undefined,
      mode: regular ? info.mode : undefined,
      mtime: regular ? info.mtime : undefined,
      resumable: regular || options.resume === true,
    };
    return new FileSource(path, file, offer, regular);
  }

  async read(into: Uint8Array): Promise<number | null> {
    try {
      return await this.#file.read(into);
    } catch (error) {
      throw new Failure(
        "local",
        `Cannot read ${this.#path} to its end: ${explain(error)}`,
      );
    }
  }

  close(): void {
    this.#file.close();
  }
}

/** Whether what was opened is what was looked at, as far as the system tells. */
function hasInode({ inode }: FileStatus, seen: FileStatus): boolean {
  return inode === 0 || Number(inode) === Number(seen.inode);
}
