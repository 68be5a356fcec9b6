import { Running } from "../../support/ferry.ts";
import { cpuOf, MemoryWatch } from "../../support/process.ts";
import { receiver, sender } from "../support/running.ts";
import type { Flooded } from "./flood.ts";
import { pause } from "../../support/wait.ts";
import { writeRandomFile } from "../../support/fs.ts";

/** What is measured. */
export interface MeasureOptions {
  /** Arguments of the flood, as its script takes them, without port and duration. */
  flood: string[];
  /** Seconds of it. */
  seconds: number;
  /** Honest senders, one after the other. */
  senders: number;
  /** Bytes that each sends. */
  size: number;
  /**
   * Whether the receiver has a code, and the honest senders know it.
   * @default {true}
   */
  code?: boolean;
}

/** What was seen. Times in milliseconds, memory in bytes. */
export interface Measured {
  /** Memory of the receiver when it was calm, and by how much it grew. */
  memory: { before: number; growth: number; after: number };
  /** From the start of each honest sender to its end; infinite: it failed. */
  calm: number[];
  flooded: number[];
  /** From the start of each honest sender to its being let in, while flooded. */
  entry: number[];
  /** How much longer the fastest of them took for its content than the fastest one before. */
  slower: number;
  /** Seconds of processor time that the receiver took while flooded. */
  cpu: number;
  flood: Flooded;
  /** Lines that the receiver's person was told. */
  said: string[];
}

const FLOOD = new URL("./flood.ts", import.meta.url).pathname;
const CODE = { FERRY_CODE: "17-walnut-copper-lagoon" };

/** One receiver with `--keep`, honest senders without a flood, and others with it. */
export async function measure(
  cwd: string,
  options: MeasureOptions,
): Promise<Measured> {
  const { seconds, senders, size, code = true } = options;
  await writeRandomFile(`${cwd}/in`, size);
  const env: Record<string, string> = code ? CODE : {};
  const security = code ? ["--code"] : ["--yes"];
  await using received = await receiver(
    ["-d", "dir", "--keep", "--force", "--json", ...security],
    { cwd, env },
  );
  const send = async () => {
    const start = performance.now();
    const args = ["in", "--json", ...code ? ["--code"] : []];
    await using sent = sender(received.port, args, { cwd, env });
    const elapsed = () => performance.now() - start;
    const entry = await sent.says(/"agreed"/).then(elapsed, () => Infinity);
    const status = await sent.status;
    const time = elapsed();
    return { time: status === 0 ? time : Infinity, entry };
  };
  const calm = [];
  for (let i = 0; i < senders; i++) calm.push(await send());
  using memory = new MemoryWatch(received.pid);
  const before = cpuOf(received.pid);
  const script = [Deno.execPath(), "run", "-A", "--no-check", FLOOD];
  const where = ["--port", `${received.port}`, "--for", `${seconds}`];
  await using flooding = new Running([...script, ...where, ...options.flood]);
  await pause(1_000);
  const flooded = [];
  for (let i = 0; i < senders; i++) flooded.push(await send());
  await flooding.ended;
  const cpu = cpuOf(received.pid) - before;
  const { growth } = memory;
  const fastest = (sent: { time: number; entry: number }[]) =>
    Math.min(...sent.map(({ time, entry }) => time - entry));
  await pause(1_000);
  return {
    memory: { before: memory.before, growth, after: memory.growth },
    calm: calm.map(({ time }) => time),
    slower: fastest(flooded) / fastest(calm),
    flooded: flooded.map(({ time }) => time),
    entry: flooded.map(({ entry }) => entry),
    cpu,
    flood: JSON.parse(new TextDecoder().decode((await flooding.ended).stdout)),
    said: received.stderr.split("\n"),
  };
}

/** What was measured, in one line. */
export function lineOf(measured: Measured): string {
  const { memory, calm, flooded, entry, slower, cpu, flood } = measured;
  const mega = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const seconds = (times: number[]) =>
    times.map((time) => (time / 1000).toFixed(2)).join(" ");
  return [
    `calm ${seconds(calm)} s`,
    `flooded ${seconds(flooded)} s`,
    `in after ${seconds(entry)} s`,
    `then ${slower.toFixed(2)} times as long`,
    `RSS ${mega(memory.before)} + ${mega(memory.growth)}`,
    `CPU ${cpu.toFixed(1)} s`,
    `${flood.syns} SYNs, ${flood.cookies} cookies, ${flood.answered} answered`,
    `${Math.round(flood.bytes / 1000)} kB out, ${
      Math.round(flood.returned / 1000)
    } back`,
  ].join("; ");
}
