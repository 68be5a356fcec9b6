import { COMMAND } from "../../support/ferry.ts";
import { pause } from "../../support/wait.ts";

/** How a terminal is opened. */
export interface TerminalOptions {
  /** @default {80} */
  columns?: number;
  /** @default {24} */
  rows?: number;
  cwd: string;
  env?: Record<string, string>;
  /** Keys that are pressed before the program starts. */
  typedBefore?: string;
  /** Seconds after which the program is started, for what is typed before. */
  delay?: number;
}

/**
 * A terminal with a program in it, and a person who reads and types: a tmux
 * server of its own. All that the program wrote is kept as it came, too.
 */
export class Terminal {
  readonly #name: string;
  readonly #raw: string;

  private constructor(name: string, raw: string) {
    this.#name = name;
    this.#raw = raw;
  }

  /** Runs a command in a new terminal. */
  static async run(
    command: string[],
    options: TerminalOptions,
  ): Promise<Terminal> {
    const { columns = 80, rows = 24, cwd, env = {}, delay = 0 } = options;
    // Tests that run beside this one are of the same process
    const name = `ferry-test-${crypto.randomUUID()}`;
    const raw = await Deno.makeTempFile({ prefix: "ferry-terminal-" });
    const terminal = new Terminal(name, raw);
    const words = command.map(quoted).join(" ");
    const variables = Object.entries(env)
      .map(([key, value]) => `${key}=${quoted(value)}`).join(" ");
    // What is typed while it sleeps waits in the terminal's queue
    const line =
      `trap : INT; stty -echo; sleep ${delay}; stty echo; env ${variables} ${words}; echo "[exit $?]"; exec sleep 600`;
    await terminal.#tmux(
      ["-f", "/dev/null", "new-session", "-d", "-x", `${columns}`].concat(
        ["-y", `${rows}`, "-c", cwd, "sh", "-c", `sleep 0.3; ${line}`],
      ),
    );
    await terminal.#tmux(["pipe-pane", "-o", `cat > ${quoted(raw)}`]);
    if (options.typedBefore !== undefined) {
      await pause(500);
      await terminal.press(options.typedBefore, "Enter");
    }
    return terminal;
  }

  /** Runs ferry in a new terminal. */
  static ferry(args: string[], options: TerminalOptions): Promise<Terminal> {
    return Terminal.run([...COMMAND, ...args], options);
  }

  /** Presses keys, as tmux names them: `y`, `Enter`, `C-c`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux(["send-keys", ...keys]);
  }

  /** What is on the screen and was before, as lines. */
  async screen(): Promise<string> {
    return await this.#tmux(["capture-pane", "-p", "-S", "-2000"]);
  }

  /** The same, with lines that were wrapped by the terminal joined. */
  async text(): Promise<string> {
    return await this.#tmux(["capture-pane", "-p", "-J", "-S", "-2000"]);
  }

  /** All that was written to it, byte by byte. */
  async written(): Promise<Uint8Array> {
    return await Deno.readFile(this.#raw);
  }

  /** Waits until this can be read. */
  async shows(
    words: RegExp,
    limit = 60_000,
  ): Promise<string> {
    const deadline = performance.now() + limit;
    for (;;) {
      const text = await this.screen();
      if (words.test(text) || words.test(flowing(text))) return text;
      if (performance.now() > deadline) {
        throw new Error(`The terminal never showed ${words}, but:\n${text}`);
      }
      await pause(50);
    }
  }

  /** Waits until the program has ended. @returns its exit status */
  async exit(limit?: number): Promise<number> {
    const ended = /\[exit (\d+)\]/;
    return Number(ended.exec(await this.shows(ended, limit))![1]);
  }

  async close(): Promise<void> {
    await this.#tmux(["kill-server"]).catch(() => {});
    await Deno.remove(this.#raw).catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #tmux(args: string[]): Promise<string> {
    const command = new Deno.Command("tmux", {
      args: ["-u", "-L", this.#name, ...args],
      env: { LC_ALL: "C.UTF-8", TERM: "xterm-256color" },
      stdout: "piped",
      stderr: "piped",
    });
    const { success, stdout, stderr } = await command.output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  }
}

/** The lines of a screen as one text, whatever the width they were wrapped to. */
export function flowing(screen: string): string {
  return screen.replace(/\s*\n\s*/g, " ");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
