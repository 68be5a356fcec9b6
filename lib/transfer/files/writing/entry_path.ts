import { DirectoryStack } from "../directory/directory_stack.ts";
import type { FileStatus } from "../file_status.ts";
import type { Staging } from "./staging.ts";
import { existsFailure, isUntouchable } from "./target.ts";

/**
 * The path to the entry whose turn it is: in what is staged, and in its final
 * place, as far as that has it.
 */
export class EntryPath {
  /** What is staged; a name at the top that an earlier attempt has moved is in its final place. */
  readonly staged: DirectoryStack;
  /** The final place, without what an earlier attempt has moved there. */
  readonly place: DirectoryStack;
  #staging: Staging;

  constructor(staging: Staging) {
    const { moved, content, target: { parent, rename } } = staging;
    this.#staging = staging;
    this.staged = new DirectoryStack((name) =>
      moved.has(name) ? parent : content
    );
    this.place = new DirectoryStack((name) =>
      rename || moved.has(name) ? undefined : parent
    );
  }

  /** The path from the top to `name` in the directory it is in. */
  pathTo(name: string): string {
    return this.staged.pathTo(name);
  }

  /** Whether an earlier attempt has moved this to its final place, or the directory it is in. */
  isMoved(name: string): boolean {
    return this.#staging.moved.has(this.#topOf(name));
  }

  /**
   * What is in the final place of an entry, and was not moved there.
   *
   * @throws {Failure} if nothing may be there
   */
  there(name: string): FileStatus | undefined {
    const there = this.place.status(name);
    const { target } = this.#staging;
    if (there !== undefined && isUntouchable(target, this.#topOf(name))) {
      throw existsFailure(target, this.pathTo(name));
    }
    return there;
  }

  /** Goes back to the directory above. @returns the name of the one that was left */
  leave(): string {
    this.place.leave();
    return this.staged.leave();
  }

  close(): void {
    this.staged.close();
    this.place.close();
  }

  #topOf(name: string): string {
    return this.staged.first ?? name;
  }
}
