import { read } from "node:fs";
import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { abortable } from "../../base/async.ts";
import { terminalCalls } from "../../system/c_library.ts";

const STDIN = 0;
const STDERR = 2;
/** The longest line of a terminal, in bytes. */
const MAX_LINE = 4096;
/** Discards unread input (asm-generic/termbits.h). */
const TCIFLUSH = 0;
/** Milliseconds: where input cannot be discarded, a faster answer was typed before the question. */
const MIN_ANSWER_TIME = 20;

const NEW_LINE = Uint8Array.of(0x0a);
const readFrom = promisify(read);

/**
 * Asks a person at the terminal, a line at a time. What was typed before a
 * question is thrown away.
 */
export class Terminal {
  readonly #descriptor: number;
  /** A read cannot be cancelled: the next question goes on with it. */
  #reading: Promise<string | null> | undefined;
  #awaited = false;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * A terminal is open for reading and writing, whichever number it has; what
   * is sent may take up standard input.
   *
   * @param stdinIsData whether standard input is what is to be sent
   * @returns `undefined` where nobody can be asked
   */
  static open(stdinIsData: boolean): Terminal | undefined {
    if (!Deno.stderr.isTerminal()) return undefined;
    const stdin = !stdinIsData && Deno.stdin.isTerminal();
    return new Terminal(stdin ? STDIN : STDERR);
  }

  /**
   * Waits for the line that is typed once the question is shown.
   *
   * @param show shows the question
   * @returns the line, `null` at the end of input, or where the terminal turns
   * out to be open for writing alone
   * @throws the signal's reason
   */
  async ask(show: () => void, signal: AbortSignal): Promise<string | null> {
    signal.throwIfAborted();
    for (;;) {
      // An answer may come right behind the question
      const flushed = this.#discardInput();
      show();
      const begin = performance.now();
      this.#awaited = true;
      try {
        const line = await abortable(this.#read(), signal);
        const stale = !flushed && performance.now() - begin < MIN_ANSWER_TIME;
        // Only who types an answer ends the question's line
        if (line === null) Deno.stderr.writeSync(NEW_LINE);
        if (line === null || !stale) return line;
      } finally {
        this.#awaited = false;
      }
    }
  }

  /** @returns whether that could be done */
  #discardInput(): boolean {
    const library = terminalCalls();
    return library !== undefined &&
      library.tcflush(this.#descriptor, TCIFLUSH) === 0;
  }

  #read(): Promise<string | null> {
    return this.#reading ??= this.#nextLine();
  }

  async #nextLine(): Promise<string | null> {
    const line = Buffer.alloc(MAX_LINE);
    try {
      for (;;) {
        const reading = readFrom(this.#descriptor, line, 0, MAX_LINE, null);
        const { bytesRead } = await reading;
        if (bytesRead === 0) return null;
        if (this.#awaited) return line.subarray(0, bytesRead).toString();
      }
    } catch {
      return null;
    } finally {
      this.#reading = undefined;
    }
  }
}
