import { Failure } from "../../base/failure.ts";

/**
 * Counts wrong codes over all connections, and rejects every proof once the
 * limit is reached.
 */
export class GuessLimiter {
  readonly #most: number;
  #wrong = 0;

  /** @param most wrong codes that are allowed */
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
   * Runs `check`, unless the limit is reached.
   *
   * @param check throws {@linkcode Failure} `wrong-code` for a wrong code
   * @throws {Failure} `wrong-code`, with the number of tries so far if this one
   * was checked
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
