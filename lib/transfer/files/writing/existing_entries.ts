import type { Directory } from "../directory/directory.ts";
import { DirectoryStack } from "../directory/directory_stack.ts";
import type { FileStatus } from "../file_status.ts";

/** Follows the entries of a transfer in the directory where they are going to be, as far as they are there. */
export class ExistingEntries {
  #stack: DirectoryStack;
  /** How many directories deep it is in one that is not there. */
  #absent = 0;

  /**
   * @param parent is not closed here
   * @param options.ignored whether nothing there counts
   */
  constructor(parent: Directory, { ignored }: { ignored: boolean }) {
    this.#stack = new DirectoryStack(() => parent);
    if (ignored) this.#absent = 1;
  }

  /** The status of what has this name in the directory; undefined if nothing has. */
  status(name: string): FileStatus | undefined {
    return this.#absent > 0 ? undefined : this.#stack.at(name).status(name);
  }

  /** The directory that `name` is in, which has to be there. */
  at(name: string): Directory {
    return this.#stack.at(name);
  }

  /** The path from the top to `name`. */
  pathTo(name: string): string {
    return this.#stack.pathTo(name);
  }

  /** @param there whether the directory is there */
  enter(name: string, there: boolean): void {
    if (there && this.#absent === 0) this.#stack.enter(name);
    else this.#absent++;
  }

  leave(): void {
    if (this.#absent > 0) this.#absent--;
    else this.#stack.leave();
  }

  close(): void {
    this.#stack.close();
  }
}
