import { listening, Measured } from "../support/process.ts";
import type { Job, Tool } from "./tools.ts";

/** What carrying a file took. */
export interface Result {
  /** From the sender's start until both have ended, or the sender alone if the receiver stays. */
  seconds: number;
  /** Processor time of both sides, user and kernel. */
  cpuSeconds: number;
}

/**
 * Lets a tool carry a job.
 *
 * @param limit how long it may take, seconds
 * @returns `undefined` if it failed or took longer
 */
export async function run(
  tool: Tool,
  job: Job,
  limit: number,
): Promise<Result | undefined> {
  const plan = await tool.plan(job);
  const times = ["receive", "send"].map((side) =>
    `${job.directory}/${side}.times`
  );
  const receiver = new Measured(plan.receive, times[0]!);
  await listening(plan.protocol, plan.port);
  const began = performance.now();
  const sender = new Measured(
    plan.send,
    times[1]!,
    plan.piped ? { stdin: job.source } : {},
  );
  const timer = setTimeout(() => {
    sender.stop();
    receiver.stop();
  }, limit * 1000);
  const sent = await sender.succeeded();
  if (plan.stays || !sent) await receiver.stop();
  const received = await receiver.succeeded();
  clearTimeout(timer);
  const seconds = (performance.now() - began) / 1000;
  const cpu = await Promise.all([sender.cpuSeconds(), receiver.cpuSeconds()]);
  await Promise.all(times.map((path) => Deno.remove(path)));
  for await (const { name } of Deno.readDir(job.copies)) {
    await Deno.remove(`${job.copies}/${name}`);
  }
  if (!sent || !received && !plan.stays) return undefined;
  return { seconds, cpuSeconds: cpu[0] + cpu[1] };
}
