/** Characters after which gathered lines are written. */
const MAX_GATHERED = 1 << 15;
/** Milliseconds after which they are written. */
const MAX_DELAY = 100;

/**
 * Standard error, or standard output. Text is written at once, except for the
 * lines of a trace: those are gathered, so that not every datagram waits for a
 * write.
 */
export class Output {
  readonly #stream: Pick<typeof Deno.stderr, "writeSync">;
  #gathered = "";
  #encoder = new TextEncoder();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(stream: Pick<typeof Deno.stderr, "writeSync">) {
    this.#stream = stream;
  }

  /** Writes the gathered lines and `text`, if there is still a reader. */
  write(text: string): void {
    const bytes = this.#encoder.encode(this.#gathered + text);
    this.#gathered = "";
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      for (let at = 0; at < bytes.length;) {
        at += this.#stream.writeSync(bytes.subarray(at));
      }
    } catch {
      // The stream is closed
    }
  }

  /** Takes a line to be written later. */
  gather(line: string): void {
    this.#gathered += `${line}\n`;
    if (this.#gathered.length >= MAX_GATHERED) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), MAX_DELAY);
  }

  flush(): void {
    if (this.#gathered !== "") this.write("");
  }
}
