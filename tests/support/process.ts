import { type Running, until } from "./wait.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** The command that starts ferry: the binary named in FERRY, or the source. */
export function ferry(...args: string[]): string[] {
  const binary = Deno.env.get("FERRY");
  return binary
    ? [binary, ...args]
    : [Deno.execPath(), "run", "--allow-all", "--no-check", MAIN, ...args];
}

/** Where a command reads from and writes to; nothing and nowhere unless given. */
export interface Redirections {
  stdin?: string;
  stdout?: string;
  /** "inherit" shows what it says, "piped" hands it to the caller. "null" unless given. */
  stderr?: "inherit" | "piped" | "null";
  env?: Record<string, string>;
}

/** Starts a command with its input and output redirected, as a shell does it. */
export function start(
  command: string[],
  { stdin = "/dev/null", stdout = "/dev/null", stderr = "null", env }:
    Redirections = {},
): Deno.ChildProcess {
  const script = 'exec < "$0" > "$1"; shift; exec "$@"';
  return new Deno.Command("sh", {
    args: ["-c", script, stdin, stdout, ...command],
    stdin: "null",
    stdout: "null",
    stderr,
    ...env !== undefined && { env },
  }).spawn();
}

/** A process whose end and cost are of interest. */
export class Measured {
  readonly #process: Deno.ChildProcess;
  readonly #times: string;

  /**
   * @param times a file that does not exist yet, for what it cost
   */
  constructor(command: string[], times: string, redirections?: Redirections) {
    // The shell adds up what its children used, and theirs.
    const script = '"$@"; status=$?; times > "$0"; exit $status';
    this.#times = times;
    this.#process = start(
      ["sh", "-c", script, times, ...command],
      redirections,
    );
  }

  /** Resolves to whether it succeeded. */
  async succeeded(): Promise<boolean> {
    return (await this.#process.status).success;
  }

  /** Ends the command, not the shell that measures it. */
  async stop(): Promise<void> {
    const { pid } = this.#process;
    const children = `/proc/${pid}/task/${pid}/children`;
    const text = await Deno.readTextFile(children).catch(() => "");
    for (const child of text.split(" ").filter(Boolean)) {
      kill(Number(child), "SIGTERM");
    }
  }

  /** Seconds of processor time, in user and kernel mode, once it has ended. */
  async cpuSeconds(): Promise<number> {
    const text = await Deno.readTextFile(this.#times);
    return [...text.matchAll(/(\d+)m([\d.]+)s/g)]
      .reduce((sum, [, m, s]) => sum + 60 * Number(m) + Number(s), 0);
  }
}

/** Resident memory of a process, in bytes; 0 where there is none any more. */
function memoryOf(pid: number): number {
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

/** Sends a signal to a process, if it is still there. */
export function kill(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** Ports that no system gives to who asks for any: Linux's begin at 32768. */
const FIRST_PORT = 10_000;
const PORTS = 20_000;

/**
 * Ports for the tests of this file alone: by TCP, which no test uses, they are kept
 * from those that run beside it.
 */
const reserved = [...reservations()];

function* reservations(count = 64): Generator<number> {
  const { state } = Deno.permissions.querySync({ name: "net" });
  if (state !== "granted") return;
  while (count > 0) {
    const port = randomPort();
    if (isBound(() => Deno.listen({ hostname: "127.0.0.1", port }))) continue;
    count--;
    yield port;
  }
}

function randomPort(): number {
  return FIRST_PORT + Math.floor(Math.random() * PORTS);
}

function isBound(bind: () => unknown): boolean {
  try {
    bind();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return true;
    throw error;
  }
}

/** A UDP port that is free on 127.0.0.1, and stays so. */
export function freePort(): number {
  for (;;) {
    const port = reserved.pop() ?? randomPort();
    const hostname = "127.0.0.1";
    const isTaken = isBound(() =>
      Deno.listenDatagram({ transport: "udp", hostname, port }).close()
    );
    if (!isTaken) return port;
  }
}

/**
 * Resolves once somebody listens at a port, or at once where that cannot be seen.
 *
 * @param running who is to listen: once it has ended, there is no hope
 */
export async function listening(
  protocol: "tcp" | "udp",
  port: number,
  running?: Running,
): Promise<void> {
  const state = protocol === "tcp" ? "0A" : "07";
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const line = new RegExp(`:${hex} [0-9A-F:]+ ${state} `);
  if (Deno.build.os !== "linux") return;
  await until(async () => {
    const tables = [protocol, `${protocol}6`].map((table) =>
      Deno.readTextFile(`/proc/net/${table}`).catch(() => "")
    );
    return (await Promise.all(tables)).some((table) => line.test(table));
  }, running);
}

/** Whether a program is installed. */
export async function installed(program: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", {
    args: ["-c", 'command -v "$0"', program],
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}
