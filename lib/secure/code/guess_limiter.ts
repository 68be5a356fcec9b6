import { Failure } from "../../base/failure.ts";

/** Counts wrong guesses of a code, over all connections, and lets nobody guess any more after so many. */
export class GuessLimiter {
  readonly #most: number;
  #wrong = 0;

  /** @param most wrong guesses that there may be */
  constructor(most: number) {
    this.#most = most;
  }

  get wrong(): number {
    return this.#wrong;
  }

  get left(): number {
    return this.#most - this.#wrong;
  }

  /**
   * Checks a proof, unless it is too late for that.
   *
   * @param check throws {@linkcode Failure} `wrong-code` if it is wrong
   * @throws {Failure} `wrong-code` with the number of tries, if it was a guess at
   * the code; without, if there were too many before, and nothing was checked
   */
  spend<T>(check: () => T): T {
    if (this.left <= 0) throw new Failure({ code: "wrong-code" });
    try {
      return check();
    } catch (failure) {
      const wrong = failure instanceof Failure && failure.code === "wrong-code";
      if (!wrong) throw failure;
      throw new Failure({ code: "wrong-code", tries: ++this.#wrong });
    }
  }
}
