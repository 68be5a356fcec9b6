import {
  Refusal,
  refusedHere,
  SecurityFailure,
  WrongGuess,
} from "../handshake/handshake_failure.ts";

/** Counts wrong guesses of a code, over all connections, and lets nobody guess any more after so many. */
export class Guesses {
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
   * @param check throws {@linkcode SecurityFailure} if it is wrong
   * @throws {WrongGuess} in its place, if it was a guess at the code
   * @throws {SecurityFailure} if there were too many before: nothing was checked
   */
  spend<T>(check: () => T): T {
    if (this.left <= 0) throw refusedHere(Refusal.WRONG_CODE);
    try {
      return check();
    } catch (failure) {
      const wrong = failure instanceof SecurityFailure &&
        failure.refusal === Refusal.WRONG_CODE;
      throw wrong ? new WrongGuess(++this.#wrong) : failure;
    }
  }
}
