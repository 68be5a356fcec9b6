import { resolve } from "node:path";
import { freePort, kill, listening } from "./process.ts";
import { LIMIT, until } from "./wait.ts";

/** Whether the tests that take long run in full. */
export const FULL = Deno.env.get("FERRY_FULL") !== undefined;

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const COMPILE = new URL("../../.ci/compile", import.meta.url);
/** What starts ferry: the binary named in FERRY, or this Deno with the permissions and the flags that the binary has. */
export const COMMAND = [
  Deno.env.get("FERRY") ?? [
    Deno.execPath(),
    ..."run --quiet --no-check --no-prompt --unstable-net".split(" "),
    ...Deno.readTextFileSync(COMPILE).match(/--(allow|v8)-\S+/g)!,
    MAIN,
  ],
].flat();

/** Lines that a transfer without a code says beside all else. */
const NOTES =
  /^(Anyone who can reach|Without a terminal to ask at|Encrypted\. Both|Not encrypted:|Listening on|What arrives is saved|No answer from .* yet; waiting|.* is up, but nothing listens) .*\n/gm;
/** How a line begins where standard error is not a terminal. */
const PREFIX = /^ferry: (?:[0-9-]{10} [0-9:]{8} )?/gm;

/** Where senders keep what they are known by: not where the user of this machine does. */
const STATE = Deno.makeTempDirSync({ prefix: "ferry-state-" });
globalThis.addEventListener("unload", () => {
  Deno.removeSync(STATE, { recursive: true });
});

/** What pairs are told of encryption: with FERRY_PLAIN the tests that are not about it run without. */
const MODE = Deno.env.has("FERRY_PLAIN") ? ["--plain"] : [];

/** How a process ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: Uint8Array;
  /** What it said on standard error, but for the notes. */
  readonly stderr: string;
  /** What it said of who may send and who might read along. */
  readonly notes: string;
}

/** An event, as `--json` tells it. */
export interface Event {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** What a process with `--json` told. */
export function eventsOf({ stderr }: Pick<Ended, "stderr">): Event[] {
  return stderr.split("\n").filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

/** How a process is started. */
export interface StartOptions {
  /**
   * A line for bash, in which `"$@"` stands for the command.
   * @default {'exec "$@"'}
   */
  shell?: string | undefined;
  /** The directory it runs in. */
  cwd?: string | undefined;
  /** Variables of the environment, besides those of the test. */
  env?: Record<string, string>;
  /** Whether the test writes standard input; else it is empty. */
  input?: boolean;
  /** Whether the test reads standard output as it comes; else it is collected. */
  output?: boolean;
}

/**
 * Starts a command in a process group of its own, which is killed if it does
 * not end in time, or is still there when the tests end.
 */
export function start(
  command: string[],
  options: Omit<Deno.CommandOptions, "args">,
): Deno.ChildProcess {
  const child = new Deno.Command("setsid", { ...options, args: command })
    .spawn();
  const end = () => kill(-child.pid, "SIGKILL");
  const timer = setTimeout(end, LIMIT);
  globalThis.addEventListener("unload", end);
  child.status.then(() => {
    clearTimeout(timer);
    globalThis.removeEventListener("unload", end);
  });
  return child;
}

/** A process whose words and end can be watched. */
export class Running implements AsyncDisposable {
  readonly pid: number;
  /** Settles when it has ended and what it wrote was read. */
  readonly ended: Promise<Ended>;
  readonly #child: Deno.ChildProcess;
  readonly #hasInput: boolean;
  #said = "";

  constructor(command: string[], options: StartOptions = {}) {
    const { shell = 'exec "$@"', cwd, env, input = false } = options;
    const bash = ["bash", "-o", "pipefail", "-c", shell, "ferry"];
    this.#hasInput = input;
    this.#child = start([...bash, ...command], {
      ...cwd !== undefined && { cwd },
      ...env !== undefined && { env },
      stdin: input ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    });
    this.pid = this.#child.pid;
    this.ended = this.#collect(options.output ?? false);
  }

  /** Resolves to the exit status. */
  get status(): Promise<number> {
    return this.ended.then(({ code }) => code);
  }

  get stdin(): WritableStream<Uint8Array> {
    return this.#child.stdin;
  }

  get stdout(): ReadableStream<Uint8Array> {
    return this.#child.stdout;
  }

  /** What it has said on standard error so far. */
  get stderr(): string {
    return this.#said.replace(PREFIX, "");
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
  async says(words: RegExp): Promise<RegExpExecArray> {
    await until(() => words.test(this.stderr), this).catch(() => {
      throw new Error(`It never said ${words}, but: ${this.stderr}`);
    });
    return words.exec(this.stderr)!;
  }

  /** Waits until it catches Ctrl-C. */
  listensForSignals(): Promise<void> {
    const path = `/proc/${this.pid}/status`;
    const SIGINT_BIT = 1n << 1n;
    return until(async () => {
      const status = await Deno.readTextFile(path).catch(() => "");
      const caught = /^SigCgt:\s*(\w+)/m.exec(status)?.[1] ?? "0";
      return (BigInt(`0x${caught}`) & SIGINT_BIT) !== 0n;
    });
  }

  async #collect(ownOutput: boolean): Promise<Ended> {
    const { stdout: output, stderr: words, status } = this.#child;
    const listen = async () => {
      const decoder = new TextDecoderStream();
      for await (const text of words.pipeThrough(decoder)) this.#said += text;
    };
    const [stdout, { code }] = await Promise.all([
      ownOutput ? new Uint8Array(0) : new Response(output).bytes(),
      status,
      listen(),
    ]);
    const notes = this.stderr.match(NOTES)?.join("") ?? "";
    const stderr = this.stderr.replace(NOTES, "");
    return { code, stdout, stderr, notes };
  }
}

/** A running ferry. */
export class Ferry extends Running {
  constructor(args: string[], options: StartOptions = {}) {
    const env = { XDG_STATE_HOME: STATE, ...options.env };
    super([...COMMAND, ...args], { ...options, env });
  }
}

/** Where and how a receiver and a sender run. */
export interface PairOptions {
  receive?: StartOptions & { args?: string[] };
  send?: StartOptions & { args?: string[] };
  /**
   * What both are told of encryption.
   * @default {nothing, or `--plain` where all tests run so}
   */
  security?: string[] | undefined;
  /**
   * What the receiver is told of whom to ask.
   * @default {`--yes`: nobody}
   */
  consent?: string[];
  /** The directory both run in. */
  cwd?: string | undefined;
  /** The port that the sender sends to; the receiver's unless given. */
  via?: (receiverPort: number) => number;
}

/** A receiver that listens and the sender that sends to it. */
export interface Pair {
  readonly receiver: Ferry;
  readonly sender: Ferry;
  /** How both ended: receiver, sender. */
  readonly ended: Promise<[Ended, Ended]>;
}

/** A receiver that listens, and what sends to it. */
export interface Listening {
  readonly receiver: Ferry;
  readonly port: number;
  /** Starts a sender in the receiver's directory. */
  send(args: string[], options?: StartOptions): Ferry;
}

/** Starts a receiver, whose `-d` is made if it is not there, and waits until it listens. */
export async function startReceiver(
  args: string[],
  options: StartOptions = {},
): Promise<Listening> {
  const port = freePort();
  const { cwd = "." } = options;
  if (args.includes("-d")) {
    const directory = args[args.indexOf("-d") + 1]!;
    await Deno.mkdir(resolve(cwd, directory), { recursive: true });
  }
  const receiver = new Ferry(["receive", `${port}`, ...args], options);
  await listening("udp", port, receiver);
  const to = ["send", "127.0.0.1", `${port}`];
  const send = (args: string[], own?: StartOptions) =>
    new Ferry([...to, ...args], { cwd, ...own });
  return { receiver, port, send };
}

/** Starts a receiver, and when it listens a sender. */
export async function startPair(options: PairOptions = {}): Promise<Pair> {
  const { cwd, security = MODE, consent = ["--yes"] } = options;
  const { receiver, port } = await startReceiver(
    [...security, ...consent, ...options.receive?.args ?? []],
    { cwd, ...options.receive },
  );
  const sender = new Ferry(
    ["send", "127.0.0.1", `${options.via?.(port) ?? port}`, ...security]
      .concat(options.send?.args ?? []),
    { cwd, ...options.send },
  );
  const ended = Promise.all([receiver.ended, sender.ended]);
  return { receiver, sender, ended };
}

/** Runs a pair to its end: how the receiver and the sender ended. */
export async function runPair(options: PairOptions): Promise<[Ended, Ended]> {
  return await (await startPair(options)).ended;
}

/** Sends these from a directory to a receiver in it: how the receiver and the sender ended. */
export function sendFiles(
  cwd: string,
  names: string[],
  receive: string[] | NonNullable<PairOptions["receive"]>,
): Promise<[Ended, Ended]> {
  return runPair({
    cwd,
    send: { args: names },
    receive: Array.isArray(receive) ? { args: receive } : receive,
  });
}

/** Runs ferry to its end. */
export async function runFerry(
  args: string[],
  options?: StartOptions,
): Promise<Ended> {
  return await new Ferry(args, options).ended;
}
