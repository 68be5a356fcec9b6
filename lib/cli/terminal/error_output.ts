/** Characters after which gathered lines are written. */
const MAX_GATHERED = 1 << 15;
/** Milliseconds after which they are written. */
const MAX_DELAY = 100;

/**
 * Standard error. Text is written at once, except for the lines of a trace:
 * those are gathered, so that not every datagram waits for a write.
 */
export class ErrorOutput {
  #gathered = "";
  #encoder = new TextEncoder();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Writes the gathered lines and `text`. */
  write(text: string): void {
    const bytes = this.#encoder.encode(this.#gathered + text);
    this.#gathered = "";
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      for (let at = 0; at < bytes.length;) {
        at += Deno.stderr.writeSync(bytes.subarray(at));
      }
    } catch {
      // Standard error is closed
    }
  }

  /** Takes a line to be written later. */
  gather(line: string): void {
    this.#gathered += `${line}\n`;
    if (this.#gathered.length >= MAX_GATHERED) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), MAX_DELAY);
  }

  /** Writes the gathered lines. */
  flush(): void {
    if (this.#gathered !== "") this.write("");
  }
}
