/** Characters that are gathered before they are written. */
const ENOUGH = 1 << 15;
/** Milliseconds for which they are gathered at most. */
const MAX_WAIT = 100;

/**
 * Standard error. What is said to a person is written at once; a trace is
 * gathered, so that the datagrams do not wait for a write each.
 */
export class ErrorOutput {
  #gathered = "";
  #encoder = new TextEncoder();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Writes `text`, and before it what was gathered. */
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
      // Nobody reads it, and there is nobody else to tell
    }
  }

  /** Takes a line to be written sooner or later. */
  gather(line: string): void {
    this.#gathered += `${line}\n`;
    if (this.#gathered.length >= ENOUGH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), MAX_WAIT);
  }

  /** Writes what was gathered. */
  flush(): void {
    if (this.#gathered !== "") this.write("");
  }
}
