/**
 * Shows ferry's main job: sends a random file through a network that loses and
 * reorders datagrams, from one process to another, and compares what arrived.
 */
import { toText } from "@std/streams";
import { createHash } from "node:crypto";
import { ferry, freePort, kill, start } from "./support/process.ts";
import { Relay } from "./net/relay.ts";
import { writeRandomFile } from "./support/fs.ts";

const SIZE = 64 * 1024 * 1024;
const NETWORK = { loss: 0.02, reorder: 0.05, reorderBy: 2 };

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  const chunk = new Uint8Array(65_536);
  for (let read; (read = await file.read(chunk)) !== null;) {
    hash.update(chunk.subarray(0, read));
  }
  return hash.digest("hex");
}

function say(text: string): void {
  console.error(text);
}

/** Sends `source` to `copy` over a bad network. Resolves to whether both processes succeeded. */
async function carry(source: string, copy: string): Promise<boolean> {
  const hostname = "127.0.0.1";
  const port = freePort();
  await using relay = Relay.start({
    to: { hostname, port },
    up: NETWORK,
    seed: Date.now(),
  });
  say(`$ ferry receive ${port} > copy`);
  say(`$ cat original | ferry send ${hostname} ${relay.port}`);
  // One terminal has room for one progress line; the receiver's words come after.
  const receiver = start(ferry("receive", `${port}`, "--bind", hostname), {
    stdout: copy,
    stderr: "piped",
  });
  const sender = start(ferry("send", hostname, `${relay.port}`), {
    stdin: source,
    stderr: "inherit",
  });
  processes.push(sender, receiver);
  const words = toText(receiver.stderr);
  const ends = await Promise.all([sender.status, receiver.status]);
  say((await words).trimEnd());
  const { passed, lost, reordered } = relay.up.counters;
  say(
    `On the way to the receiver, the network lost ${lost} datagrams, ` +
      `carried ${passed} and reordered ${reordered} of them`,
  );
  return ends.every(({ success }) => success);
}

async function main(directory: string): Promise<boolean> {
  const original = `${directory}/original`;
  const copy = `${directory}/copy`;
  say(`Making a random file of ${SIZE / 1024 / 1024} MiB`);
  await writeRandomFile(original, SIZE);
  const digest = await digestOf(original);
  const success = await carry(original, copy);
  const digestOfCopy = await digestOf(copy);
  say(`original  ${digest}`);
  say(`copy      ${digestOfCopy}`);
  say(digest === digestOfCopy ? "They are the same" : "They DIFFER");
  return success && digest === digestOfCopy;
}

const processes: Deno.ChildProcess[] = [];
const directory = await Deno.makeTempDir({ prefix: "ferry-demo-" });
const clean = () => Deno.removeSync(directory, { recursive: true });
Deno.addSignalListener("SIGINT", () => {
  for (const process of processes) kill(process.pid, "SIGINT");
  clean();
  Deno.exit(130);
});
let success = false;
try {
  success = await main(directory);
} finally {
  clean();
}
Deno.exit(success ? 0 : 1);
