import { freePort, kill, listening } from "../../support/process.ts";
import { COMMAND, start } from "../../support/ferry.ts";
import { pause } from "../../support/wait.ts";

/** The user, and the group, that attack on the same machine: `nobody`. */
export const NOBODY = 65_534;

/** Milliseconds after which what is waited for will not come any more. */
const LIMIT = 60_000;

/** How a process is started. */
export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /**
   * A line for bash, in which `"$@"` stands for the command.
   * @default {'exec "$@"'}
   */
  shell?: string;
  /** Whether the test writes standard input; else it is empty. */
  input?: boolean;
}

/** A process whose words, size and end can be watched while it runs. */
export class Running {
  readonly pid: number;
  /** Resolves to the exit status, once all that was said has been read. */
  readonly ended: Promise<number>;
  /** What it has said on standard error so far. */
  stderr = "";
  /** Milliseconds ({@linkcode performance.now}) at which each of its lines came, in order. */
  readonly lines: { readonly text: string; readonly time: number }[] = [];
  readonly #hasInput: boolean;
  readonly #child: Deno.ChildProcess;
  #stdout: Promise<Uint8Array>;

  constructor(command: string[], options: RunOptions = {}) {
    const { cwd, env, shell = 'exec "$@"', input = false } = options;
    const bash = ["bash", "-o", "pipefail", "-c", shell, "attacked"];
    this.#child = start([...bash, ...command], {
      ...cwd !== undefined && { cwd },
      ...env !== undefined && { env },
      stdin: input ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    });
    this.pid = this.#child.pid;
    this.#hasInput = input;
    this.#stdout = new Response(this.#child.stdout).bytes();
    this.ended = this.#listen();
  }

  get stdin(): WritableStream<Uint8Array> {
    return this.#child.stdin;
  }

  /** What it wrote to standard output, once it has ended. */
  get stdout(): Promise<Uint8Array> {
    return this.#stdout;
  }

  kill(signal: Deno.Signal = "SIGKILL"): void {
    kill(this.pid, signal);
  }

  /** Ends it, whatever it does. */
  async stop(): Promise<void> {
    kill(-this.pid, "SIGKILL");
    await this.ended;
    // A test that has written it has closed it
    if (this.#hasInput && !this.stdin.locked) {
      await this.stdin.close().catch(() => {});
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Waits until it has said this. */
  async says(words: RegExp, limit = LIMIT): Promise<RegExpExecArray> {
    let over = false;
    this.ended.then(() => over = true);
    const deadline = performance.now() + limit;
    for (;;) {
      const match = words.exec(this.stderr);
      if (match !== null) return match;
      if (over || performance.now() > deadline) {
        throw new Error(`It never said ${words}, but: ${this.stderr}`);
      }
      await pause(20);
    }
  }

  async #listen(): Promise<number> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of this.#child.stderr) {
      const text = decoder.decode(bytes, { stream: true })
        .replaceAll("ferry: ", "");
      this.stderr += text;
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      const time = performance.now();
      for (const text of lines) this.lines.push({ text, time });
    }
    await this.#stdout;
    return (await this.#child.status).code;
  }
}

/** Starts ferry. */
export function ferry(args: string[], options?: RunOptions): Running {
  return new Running([...COMMAND, ...args], options);
}

/** A receiver that waits for senders, and where. */
export async function receiver(
  args: string[],
  options?: RunOptions,
): Promise<Running & { port: number }> {
  const port = freePort();
  const running = ferry(["receive", `${port}`, ...args], options);
  await listening("udp", port, running);
  return Object.assign(running, { port });
}

/** A sender to this port of this machine. */
export function sender(
  port: number,
  args: string[],
  options?: RunOptions,
): Running {
  return ferry(["send", "127.0.0.1", `${port}`, ...args], options);
}

/** Runs a command as nobody, in a session of its own, bounded in time. */
export function asNobody(script: string, cwd: string, seconds = 60): Running {
  const drop = ["setpriv", "--reuid", `${NOBODY}`, "--regid", `${NOBODY}`];
  const command = ["timeout", `${seconds}`, "bash", "-c", script];
  return new Running([...drop, "--clear-groups", ...command], { cwd });
}

/** A sender's state of its own: who has another is another sender. */
export function stateOf(directory: string): Record<string, string> {
  return { XDG_STATE_HOME: directory };
}

/** Resident memory of a process, in bytes; 0 where there is none any more. */
export function memoryOf(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return 1024 * Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Watches the memory of a process. */
export class MemoryWatch {
  readonly before: number;
  peak: number;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(readonly pid: number) {
    this.before = this.peak = memoryOf(pid);
    this.#timer = setInterval(() => this.#look(), 50);
  }

  /** Bytes that it had more than at first, at most. */
  get growth(): number {
    this.#look();
    return this.peak - this.before;
  }

  #look(): void {
    this.peak = Math.max(this.peak, memoryOf(this.pid));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Seconds of processor time that a process has used. */
export function cpuOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
