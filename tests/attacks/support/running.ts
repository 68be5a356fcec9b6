import { assertEquals } from "@std/assert";
import {
  Ferry,
  Running,
  type StartOptions,
  startReceiver,
} from "../../support/ferry.ts";

/** The user, and the group, that attack on the same machine: `nobody`. */
const NOBODY = 65_534;

/** A receiver that waits for senders, and where. */
export async function receiver(
  args: string[],
  options?: StartOptions,
): Promise<Ferry & { port: number }> {
  const { receiver, port } = await startReceiver(args, options);
  return Object.assign(receiver, { port });
}

/** A receiver of all that anybody sends, in `dir`. */
export function openReceiver(cwd: string, ...args: string[]) {
  return receiver(["-d", "dir", "--keep", "--yes", ...args], { cwd });
}

/** A sender to this port of this machine. */
export function sender(
  port: number,
  args: string[],
  options?: StartOptions,
): Ferry {
  return new Ferry(["send", "127.0.0.1", `${port}`, ...args], options);
}

/** A transfer from beginning to end, which both sides end with `status`. */
export async function transfer(
  status: number,
  receive: string[],
  send: string[],
  { from, ...options }: StartOptions & { from?: string },
): Promise<{ received: Ferry; sent: Ferry }> {
  const received = await receiver(receive, options);
  const cwd = from ?? options.cwd;
  const sent = sender(received.port, send, { ...options, cwd });
  const ends = [await received.status, await sent.status];
  assertEquals(ends, [status, status], received.stderr + sent.stderr);
  return { received, sent };
}

/** Runs a command as nobody, in a session of its own, bounded in time. */
export function asNobody(script: string, cwd: string): Running {
  const drop = ["setpriv", "--reuid", `${NOBODY}`, "--regid", `${NOBODY}`];
  const command = ["timeout", "120", "bash", "-c", script];
  return new Running([...drop, "--clear-groups", ...command], { cwd });
}

/** A sender's state of its own: who has another is another sender. */
export function stateOf(directory: string): Record<string, string> {
  return { XDG_STATE_HOME: directory };
}
